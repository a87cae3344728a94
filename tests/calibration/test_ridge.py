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
    (fitted,) = ridge.fits(inputs, targets, (strength,))
    # The same as least squares with a row of its own for every held weight (Marquardt's augmentation).
    standard = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    rows = np.concatenate((standard, np.sqrt(strength * len(inputs)) * np.eye(12)))
    wanted = np.linalg.lstsq(rows, np.concatenate((targets - targets.mean(axis=0), np.zeros((12, 3)))), rcond=None)[0]
    np.testing.assert_allclose(fitted.weights, wanted / inputs.std(axis=0)[:, None], atol=1e-9)
    np.testing.assert_allclose(fitted(inputs).mean(axis=0), targets.mean(axis=0))


def test_an_input_that_stood_still_gets_no_weight_to_shout_with() -> None:
    inputs, targets = made(60, 0.5, 2)
    inputs[:, 3] = 4.0 + 1e-9 * targets[:, 0]
    (fitted,) = ridge.fits(inputs, targets, (1.0,))
    assert np.abs(fitted.weights[3]).max() < 1e-4


def test_what_counts_three_times_is_there_three_times() -> None:
    inputs, targets = made(60, 0.5, 3)
    counts = np.where(np.arange(60) < 20, 3.0, 1.0)
    (weighted,) = ridge.fits(inputs, targets, (0.3,), counts)
    again = np.concatenate((np.arange(60), np.arange(20), np.arange(20)))
    (repeated,) = ridge.fits(inputs[again], targets[again], (0.3,))
    np.testing.assert_allclose(weighted.weights, repeated.weights, atol=1e-10)
    np.testing.assert_allclose(weighted.bias, repeated.bias, atol=1e-9)


def test_trust_holds_an_input_back_less_and_none_leaves_it_out() -> None:
    inputs, targets = made(60, 0.5, 4)
    trust = np.repeat([2.0, 0.0], 6)
    (fitted,) = ridge.fits(inputs, targets, (4.0,), trust=trust)
    (alone,) = ridge.fits(inputs[:, :6], targets, (1.0,))  # a quarter of the strength
    np.testing.assert_allclose(fitted.weights[:6], alone.weights, atol=1e-10)
    assert not fitted.weights[6:].any()


def test_without_end_it_is_the_mean() -> None:
    inputs, targets = made(60, 0.5, 5)
    (fitted,) = ridge.fits(inputs, targets, (np.inf,))
    assert not fitted.weights.any()
    np.testing.assert_allclose(fitted.bias, targets.mean(axis=0))


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
