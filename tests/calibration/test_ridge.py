"""Ridge regression, and which rows it is kept away from."""

import numpy as np
import pytest

from calibration import ridge
from edge.arrays import Array


def made(count: int, noise: float, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, 12)) * rng.uniform(0.5, 5.0, 12) + 7.0
    truth = np.random.default_rng(0).normal(size=(12, 3))
    return inputs, inputs @ truth + noise * rng.normal(size=(count, 3)) + (1.0, 2.0, 3.0)


@pytest.mark.parametrize("strength", [0.1, 3.0])
def test_it_minimises_what_it_says(strength: float) -> None:
    inputs, targets = made(60, 0.5, 1)
    fitted = ridge.fit(inputs, targets, strength)
    # The same as least squares with a row of its own for every held weight (Marquardt's augmentation).
    standard = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    rows = np.concatenate((standard, np.sqrt(strength * len(inputs)) * np.eye(12)))
    wanted = np.linalg.lstsq(rows, np.concatenate((targets - targets.mean(axis=0), np.zeros((12, 3)))), rcond=None)[0]
    np.testing.assert_allclose(fitted.weights, wanted / inputs.std(axis=0)[:, None], atol=1e-9)
    np.testing.assert_allclose(fitted(inputs).mean(axis=0), targets.mean(axis=0))


def test_an_input_that_stood_still_gets_no_weight_to_shout_with() -> None:
    inputs, targets = made(60, 0.5, 2)
    inputs[:, 3] = 4.0 + 1e-9 * targets[:, 0]
    assert np.abs(ridge.fit(inputs, targets, 1.0).weights[3]).max() < 1e-4


def test_segments_are_left_out_with_the_windows_that_reach_into_them() -> None:
    time_s = np.arange(0.0, 60.0, 0.1)
    segment = (time_s // 4.0).astype(np.int64)
    pairs = ridge.left_out(segment, time_s, context_s=2.0, folds=5)
    assert np.sum([out for _, out in pairs], axis=0).tolist() == [1] * len(time_s)
    for kept, out in pairs:
        assert set(segment[out]) & set(segment[kept]) == set()
        apart = np.abs(time_s[out][:, None] - time_s[kept][None]).min()
        assert apart >= 2.0
        assert kept.any()


def test_fewer_segments_than_folds() -> None:
    time_s = np.arange(0.0, 30.0, 0.1)
    pairs = ridge.left_out((time_s // 10.0).astype(np.int64), time_s, context_s=2.0)
    assert len(pairs) == 3


def test_noise_asks_for_strength() -> None:
    def chosen(noise: float) -> tuple[float, float]:
        inputs, targets = made(90, noise, 3)
        time_s = np.arange(90) * 1.0
        pairs = ridge.left_out((time_s // 5).astype(np.int64), time_s, 1.0)
        strength, said = ridge.choose(inputs, targets, pairs)
        return strength, float(np.linalg.norm(said - targets, axis=1).mean())

    quiet, noisy = chosen(0.01), chosen(40.0)
    assert quiet[0] < noisy[0]
    assert quiet[1] < noisy[1]
    assert noisy[0] >= 3.0


def test_what_is_said_of_a_row_does_not_know_its_target() -> None:
    inputs, targets = made(90, 1.0, 4)
    time_s = np.arange(90) * 1.0
    pairs = ridge.left_out((time_s // 5).astype(np.int64), time_s, 1.0)
    strength, said = ridge.choose(inputs, targets, pairs)
    for kept, out in pairs:
        np.testing.assert_allclose(said[out], ridge.fit(inputs[kept], targets[kept], strength)(inputs[out]))
