"""A last layer for a room: from made-up features that know places as a strange room's would."""

from dataclasses import replace

import numpy as np
import pytest

from calibration import mixture
from calibration.adapt import Adaptation, _head, adapt, size_of
from calibration.labels import Labels, of_walk
from calibration.samples import Samples
from calibration.walk import Prompt, Walk
from edge.arrays import Array
from edge.errors import RecordingError
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.inference.engine import Engine
from edge.inference.head import Head, inputs
from edge.pose import CHAIN, HEADING_OUT, LIMBS_OUT, ROOT_OUT, SIZE_OUT, confidence_of, joints_of
from edge.skeleton import ROOT

SPOTS = [(1.0, 1.0), (3.0, 1.0), (3.0, 4.0), (1.0, 4.0), (2.0, 2.5)]
HEIGHT_M = 1.80


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(find_bundle("wimose-plus-basic"))


@pytest.fixture(scope="module")
def engine(bundle: Bundle) -> Engine:
    return Engine(bundle)


def walk(legs: int) -> Walk:
    prompts, now = [], 5.0
    for leg in range(legs):
        here, there = SPOTS[leg % 5], SPOTS[(leg + 1) % 5]
        prompts += [Prompt(now, now + 4, "stand", here, here), Prompt(now + 4, now + 8, "walk", here, there)]
        now += 8
    return Walk(1, HEIGHT_M, prompts)


def heard(bundle: Bundle, engine: Engine, time_s: Array, place: Array, noise: float, seed: int = 1) -> Samples:
    """Features that hold the place, mixed, and noise."""
    rng = np.random.default_rng(seed)
    count = inputs(bundle)
    mix = np.random.default_rng(0).normal(size=(3, count))
    features = np.abs(rng.normal(0.5, 0.2, count)) + 0.1 * place @ mix + noise * rng.normal(size=(len(place), count))
    values = engine.last_layer()(features)
    joints = joints_of(values, bundle.description.outputs, bundle.limb_m)
    return Samples(time_s, features, joints, np.full(len(time_s), 0.2), 2.0)


def calibrated(bundle: Bundle, engine: Engine, legs: int, noise: float) -> tuple[Samples, Labels, Adaptation]:
    script = walk(legs)
    time_s = np.arange(0.0, script.prompts[-1].end_s + 2, 0.1)
    labels = of_walk(script, time_s)
    samples = heard(bundle, engine, time_s, labels.root, noise)
    return samples, labels, adapt(samples, labels, bundle, engine, HEIGHT_M)


def test_places_are_learnt_and_the_body_is_kept(bundle: Bundle, engine: Engine) -> None:
    samples, labels, adapted = calibrated(bundle, engine, 12, 0.05)
    values, shipped = adapted.head(samples.features), engine.last_layer()(samples.features)
    known = labels.known
    assert np.linalg.norm(values[known, ROOT_OUT] - labels.root[known], axis=1).mean() < 0.15
    assert np.linalg.norm(shipped[known, ROOT_OUT] - labels.root[known], axis=1).mean() > 0.5
    for kept in (HEADING_OUT, LIMBS_OUT):
        np.testing.assert_array_equal(values[:, kept], shipped[:, kept])


def test_the_body_has_the_persons_size_in_the_mean(bundle: Bundle, engine: Engine) -> None:
    samples, labels, adapted = calibrated(bundle, engine, 12, 0.05)
    assert adapted.size == size_of(HEIGHT_M, bundle.limb_m)
    assert adapted.head(samples.features)[labels.known, SIZE_OUT].mean() == pytest.approx(adapted.size)


def test_held_out_places_come_from_fits_that_never_saw_them(
    bundle: Bundle, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixture, "by_evidence", lambda errors, _: np.ones(len(errors)))  # which looks at all targets
    samples, labels, adapted = calibrated(bundle, engine, 12, 0.3)
    mine = labels.segment == 4
    raised = np.where(mine[:, None], labels.root + np.array([0.0, 0.0, 1.0]), labels.root)
    other = adapt(samples, replace(labels, root=raised), bundle, engine, HEIGHT_M)
    change = np.abs(other.held_out[:, ROOT, 2] - adapted.held_out[:, ROOT, 2])
    assert change[mine].max() < 1e-9
    assert change[labels.known & ~mine].mean() > 0.01


def test_swings_are_trusted_more_than_features_that_know_as_much(bundle: Bundle, engine: Engine) -> None:
    script = walk(12)
    time_s = np.arange(0.0, script.prompts[-1].end_s, 0.1)
    labels = of_walk(script, time_s)
    count = bundle.description.features
    noise = np.random.default_rng(8).normal(0.5, 0.3, (len(time_s), inputs(bundle)))
    told = labels.root @ np.random.default_rng(0).normal(size=(3, 20)) / 10

    def off(first: int) -> float:
        features = noise.copy()
        features[:, first : first + 20] = told + noise[:, -20:]
        joints = joints_of(engine.last_layer()(features), bundle.description.outputs, bundle.limb_m)
        samples = Samples(time_s, features, joints, np.full(len(time_s), 0.2), 2.0)
        held_out = adapt(samples, labels, bundle, engine, None).held_out[labels.known, ROOT]
        return float(np.linalg.norm(held_out - labels.root[labels.known], axis=1).mean())

    assert off(count) < 0.9 * off(0)


def test_a_model_that_knows_the_room_is_left_as_it_is(bundle: Bundle, engine: Engine) -> None:
    """What it says is nearly true already, and says more than the little that was walked."""
    script = walk(5)
    time_s = np.arange(0.0, script.prompts[-1].end_s, 0.1)
    labels = of_walk(script, time_s)
    shipped, count = engine.last_layer(), bundle.description.features
    rng = np.random.default_rng(5)
    features = np.abs(rng.normal(0.5, 0.5, (len(time_s), inputs(bundle))))
    reach = np.linalg.pinv(shipped.weights[:count, ROOT_OUT])  # features moved so that the model says the truth
    features[:, :count] += (labels.root - shipped(features)[:, ROOT_OUT]) @ reach
    joints = joints_of(shipped(features), bundle.description.outputs, bundle.limb_m)
    samples = Samples(time_s, features, joints, np.full(len(time_s), 0.2), 2.0)
    adapted = adapt(samples, labels, bundle, engine, None)
    assert adapted.share == pytest.approx(1.0)
    assert np.linalg.norm(adapted.held_out[labels.known, ROOT] - labels.root[labels.known], axis=1).mean() < 0.05


def test_it_is_as_sure_as_it_is_right(bundle: Bundle, engine: Engine) -> None:
    sure, unsure = (
        float(np.mean([confidence_of(values) for values in adapted.head(samples.features)[::50]]))
        for samples, _, adapted in (calibrated(bundle, engine, 12, noise) for noise in (0.02, 1.5))
    )
    assert sure > 1.5 * unsure


def test_the_runtime_takes_the_head(bundle: Bundle, engine: Engine) -> None:
    _, _, adapted = calibrated(bundle, engine, 8, 0.05)
    own = Engine(bundle, head=adapted.head)
    image = np.random.default_rng(2).uniform(-0.3, 0.3, bundle.spec.shape).astype(np.float32)
    said = own.predict(image)
    assert said.features is not None
    np.testing.assert_allclose(said.joints[ROOT], adapted.head(said.features)[ROOT_OUT])


def test_a_walk_that_is_too_short_is_refused(bundle: Bundle, engine: Engine) -> None:
    with pytest.raises(RecordingError, match="walk again"):
        calibrated(bundle, engine, 1, 0.05)
    samples, labels, _ = calibrated(bundle, engine, 8, 0.05)
    with pytest.raises(RecordingError, match="walk again"):
        adapt(samples, replace(labels, segment=np.where(labels.known, 0, -1)), bundle, engine, HEIGHT_M)


def test_of_coordinates_all_move_with_the_root() -> None:
    rng = np.random.default_rng(6)
    shipped = Head(rng.normal(size=(9, 51)), rng.normal(size=51))
    root, bias, features = rng.normal(size=(9, 3)), rng.normal(size=3), rng.normal(size=(20, 9))
    was, now = (head(features).reshape(-1, 17, 3) for head in (shipped, _head(shipped, root, bias, "joints-1")))
    np.testing.assert_allclose(now[:, ROOT], features @ root + bias)
    np.testing.assert_allclose(now - now[:, :1], was - was[:, :1], atol=1e-12)


def test_a_size_is_a_persons(bundle: Bundle) -> None:
    assert abs(size_of(1.70, bundle.limb_m)) < 0.02  # the mean body
    assert size_of(1.87, bundle.limb_m) - size_of(1.70, bundle.limb_m) == pytest.approx(np.log(1.1))
    assert CHAIN.shape == (17, 16)
    for feet in (5.9, 180.0):
        with pytest.raises(RecordingError, match="metres"):
            size_of(feet, bundle.limb_m)
