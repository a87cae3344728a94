"""wimose-plus: stretches and windows say the same, and the loss means what `edge.pose` makes of the outputs."""

from typing import Any

import numpy as np
import pytest

from edge.arrays import Array
from edge.pose import HEADING_OUT, LIMBS_OUT, N_LIMBS, ROOT_OUT, SIZE_OUT, SPLIT_1, SPREAD_OUT, split_joints
from edge.skeleton import EDGES

keras = pytest.importorskip("keras", reason="the training extra is not installed")
from keras import ops  # noqa: E402

from models.kinematics import limb_lengths  # noqa: E402
from models.metrics import heading, turned  # noqa: E402
from models.plus import (  # noqa: E402, it imports Keras
    BANK,
    BANK_HZ,
    MOTION,
    MOTION_STEPS,
    STEM_POINTS,
    STILL_M_S,
    STRIDE,
    TARGETS,
    VALUES,
    filter_bank,
    for_host,
    motion,
    motion_loss,
    motion_scale,
    plus,
    plus_loss,
    standard,
    targets,
)
from tests.simulate.stickman import walk  # noqa: E402

WIDTH = 12
OUTPUTS = 6
WINDOW = 645
SCALE = np.ones(MOTION)  # m/s
STRETCH = WINDOW + (OUTPUTS - 1) * STRIDE


@pytest.fixture(scope="module")
def joints() -> Array:
    """(120, 17, 3) metres: four seconds of somebody who walks, limbs as they are."""
    return np.asarray(walk(4.0).joints[:120] + np.array([3.0, 4.0, 0.0]))


@pytest.fixture(scope="module")
def model() -> Any:
    """With normalisations that do something, and listening to where the radios are."""
    keras.utils.set_random_seed(1)
    model = plus(WIDTH)
    rng = np.random.default_rng(2)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
        elif layer.name.endswith("_geometry"):
            layer.set_weights([rng.normal(0.0, 0.2, weight.shape) for weight in layer.get_weights()])
    return model


@pytest.fixture(scope="module")
def stretch() -> Array:
    columns = np.random.default_rng(3).uniform(-1, 1, (2, STRETCH, VALUES)).astype(np.float32)
    columns[..., 140:] = columns[:, :1, 140:]  # the radios stand still
    return columns


def perfect(joints: Array, mean: Array, scale: Array) -> Array:
    """Standardised outputs (N, 71) that say these joints, whose body has the mean size."""
    values = np.zeros((len(joints), SPLIT_1))
    values[:, ROOT_OUT] = joints[:, 0]
    values[:, HEADING_OUT] = np.stack((np.cos(heading(joints)), np.sin(heading(joints))), axis=1)
    body = turned(joints, -heading(joints))
    parents, children = np.array(EDGES).T
    limbs = body[:, children] - body[:, parents]
    values[:, LIMBS_OUT] = limbs.reshape(len(joints), -1)  # of any length
    values[:, SPREAD_OUT] = np.log(1e-3)
    return np.asarray((values - mean) / scale)


def parts(joints: Array) -> tuple[Array, Array, Array]:
    return (*standard(joints), limb_lengths(joints).mean(axis=0))


def test_a_stretch_s_outputs_are_those_of_the_windows_that_end_there(model: Any, stretch: Array) -> None:
    whole = np.asarray(model.predict_on_batch(stretch))
    assert whole.shape == (2, OUTPUTS, SPLIT_1 + MOTION)
    host = for_host(model, WIDTH)
    for n in range(OUTPUTS):
        window = stretch[:, n * STRIDE : n * STRIDE + WINDOW]
        np.testing.assert_allclose(host.predict_on_batch(window), whole[:, n, :SPLIT_1], rtol=1e-4, atol=1e-4)
    assert np.abs(whole[:, 1:] - whole[:, :-1]).max() > 1e-2  # they do differ


def test_all_of_a_window_matters_and_nothing_else(model: Any, stretch: Array) -> None:
    first, last = stretch.copy(), stretch.copy()
    first[:, 0, :140] += 20.0
    last[:, WINDOW - 1, :140] += 1.0
    said, without_first, without_last = (np.asarray(model.predict_on_batch(x)) for x in (stretch, first, last))
    assert not np.allclose(without_first[:, 0], said[:, 0], atol=1e-6)
    assert not np.allclose(without_last[:, 0], said[:, 0], atol=1e-6)
    np.testing.assert_allclose(without_first[:, 1:], said[:, 1:], rtol=0, atol=1e-5)


def test_where_the_radios_are_matters(model: Any, stretch: Array) -> None:
    moved = stretch.copy()
    moved[1, :, 140] += 0.5
    said, elsewhere = np.asarray(model.predict_on_batch(stretch)), np.asarray(model.predict_on_batch(moved))
    np.testing.assert_allclose(elsewhere[0], said[0], rtol=0, atol=1e-5)
    assert np.abs(elsewhere[1] - said[1]).min(axis=0).max() > 1e-3


def test_motion_of_a_known_walk(joints: Array) -> None:
    """Along y at 1.2 m/s whatever way it faces, the left wrist rising at 0.3 m/s besides."""
    time_s = np.arange(10 + 2 * MOTION_STEPS) / 30
    moving = np.repeat(joints[:1], time_s.size, axis=0)
    moving[:, :, 1] += 1.2 * time_s[:, None]
    moving[:, 13, 2] += 0.3 * time_s
    weight = np.linspace(0.1, 1, 10)[None].astype(np.float32)
    unbroken = np.arange(10)[None] < 7
    made = targets(moving[None], weight, unbroken)
    assert made.shape == (1, 10, TARGETS)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made[0, :, :51], moving[MOTION_STEPS:-MOTION_STEPS].reshape(10, -1), atol=1e-5)
    velocity = np.zeros((10, 17, 3))  # of the hips, and of the others relative to them
    velocity[:, 0] = 0.0, 1.2, 0.0
    velocity[:, 13] = 0.0, 0.0, 0.3
    np.testing.assert_allclose(made[0, :, 51:102].reshape(10, 17, 3), velocity, atol=1e-4)
    np.testing.assert_allclose(made[0, :, 102:119], np.linalg.norm(velocity, axis=2), atol=1e-4)
    np.testing.assert_array_equal(made[0, :, -2], weight[0])
    np.testing.assert_array_equal(made[0, :, -1], weight[0] * unbroken[0])


def test_motion_is_scaled_by_its_deviation_and_alike_in_every_direction(joints: Array) -> None:
    scale = motion_scale(joints[None])
    moved = motion(joints[None])[0]
    velocity = moved[:, 39:42]  # of the left wrist
    assert scale[39] == scale[41] == pytest.approx(np.sqrt(velocity.var(axis=0).mean()))
    assert scale[51 + 13] == pytest.approx(moved[:, 51 + 13].std())
    assert (motion_scale(joints[None, :1].repeat(9, axis=1)) == STILL_M_S).all()


def test_motion_that_is_only_a_mean_costs_two_and_a_perfect_one_nothing(joints: Array) -> None:
    shaking = joints[None] + np.random.default_rng(4).normal(0.0, 0.01, (1, *joints.shape))
    truth = targets(shaking, np.ones((1, 114)), np.ones((1, 114)))
    moved = truth[..., 51:-2]
    loss = motion_loss(motion_scale(shaking))
    assert float(loss(truth, moved)) == pytest.approx(0.0, abs=1e-6)
    mean = np.broadcast_to(moved.mean(axis=1, keepdims=True), moved.shape)
    assert float(loss(truth, mean)) == pytest.approx(2.0, rel=1e-3)
    half = mean.copy()
    half[..., :51] = moved[..., :51]
    assert float(loss(truth, half)) == pytest.approx(1.0, rel=1e-3)  # the sizes alone
    broken = truth.copy()
    broken[:, ::2, -1] = 0.0
    spoiled = moved.copy()
    spoiled[:, ::2] = 9.0  # another take's
    assert float(loss(broken, spoiled)) == pytest.approx(0.0, abs=1e-6)


def test_the_bank_hears_its_frequencies_and_not_what_stands_still() -> None:
    bank = filter_bank(70, np.random.default_rng(1))
    assert bank.shape == (STEM_POINTS, 70, BANK)
    np.testing.assert_allclose(np.linalg.norm(bank, axis=(0, 1)), 1.0)
    gain = np.linalg.norm(np.fft.rfft(bank, 150, axis=0), axis=1)  # (76 Hz, BANK)
    off = np.abs(gain[:, 10:-10].argmax(axis=0) - np.linspace(*BANK_HZ, BANK)[10:-10])
    assert off.mean() < 1.0  # two lobes that meet shift the peak of a few
    assert off.max() < 9.0
    fast = np.linspace(*BANK_HZ, BANK) > 25.0
    assert (gain[:3, fast].max(axis=0) < 0.05 * gain[:, fast].max(axis=0)).all()


def test_a_new_network_begins_with_the_bank_in_both_stems() -> None:
    new = plus(WIDTH)
    for r in range(2):
        kernel = new.get_layer(f"stem{r + 1}").get_weights()[0]
        np.testing.assert_allclose(kernel[..., -BANK:], filter_bank(70, np.random.default_rng(r)), atol=1e-6)
        assert not np.allclose(kernel[..., :-BANK][..., :BANK], kernel[..., -BANK:])


def test_a_new_network_begins_with_silent_blocks(stretch: Array) -> None:
    new = plus(WIDTH)
    passed = [new.get_layer(name).output for name in ("join_relu", "block32")]
    before, after = keras.Model(new.input, passed).predict_on_batch(stretch)
    np.testing.assert_array_equal(after, before[:, -after.shape[1] :])


def test_a_new_network_does_not_listen_yet_to_where_the_radios_are(stretch: Array) -> None:
    new = plus(WIDTH)
    moved = stretch.copy()
    moved[..., 140:] *= -1
    np.testing.assert_array_equal(new.predict_on_batch(moved), new.predict_on_batch(stretch))


@pytest.mark.parametrize("bias", [-100.0, 100.0])
def test_no_filter_of_the_geometry_can_fall_silent(model: Any, stretch: Array, bias: float) -> None:
    """One room may drive it anywhere: in another it still says something else."""
    driven = keras.models.clone_model(model)
    driven.set_weights(model.get_weights())
    moved = stretch.copy()
    moved[..., 140:] *= -1
    for name in ("geometry1", "geometry2"):
        kernel, _ = driven.get_layer(name).get_weights()
        driven.get_layer(name).set_weights([kernel, np.full(kernel.shape[-1], bias)])
        said = keras.Model(driven.input, driven.get_layer(f"{name}_halves").output)
        here, there = (said.predict_on_batch(columns).reshape(len(columns), 2, -1) for columns in (stretch, moved))
        assert (np.abs(here - there).max(axis=1) > 0).all()


def test_outputs_are_standardised_by_the_training_poses(joints: Array) -> None:
    mean, scale = standard(joints)
    np.testing.assert_allclose(mean[ROOT_OUT], joints[:, 0].mean(axis=0))
    assert scale[ROOT_OUT] == pytest.approx(joints[:, 0].std(axis=0).max())
    assert (scale > 0).all()
    # What a silent network says is a body of mean size, each limb in its mean direction.
    thigh = mean[LIMBS_OUT].reshape(N_LIMBS, 3)[EDGES.index((1, 2))]
    assert thigh[2] < -0.8
    assert mean[SIZE_OUT] == 0.0


def test_the_loss_of_perfect_outputs_is_next_to_nothing(joints: Array) -> None:
    """Of somebody whose limbs do keep their lengths."""
    mean, scale, limb_m = parts(joints)
    values = mean + scale * perfect(joints, mean, scale)
    rigid = split_joints(values, limb_m)  # the same poses with mean limbs
    padded = np.concatenate((rigid[:1].repeat(MOTION_STEPS, 0), rigid, rigid[-1:].repeat(MOTION_STEPS, 0)))
    every = np.ones((1, len(rigid)), np.float32)
    truth = targets(padded[None], every, every)
    outputs = np.concatenate((perfect(rigid, mean, scale), truth[0, :, 51:-2]), axis=1)[None].astype(np.float32)
    loss = plus_loss(mean, scale, limb_m, SCALE)
    spread_alone = 0.02 * np.log(1e-3)
    assert float(loss(truth, outputs)) == pytest.approx(spread_alone, abs=0.02)
    for part, off in ((ROOT_OUT, 0.5), (LIMBS_OUT, 0.5), (SIZE_OUT, 2.0), (slice(SPLIT_1, None), 2.0)):
        worse = outputs.copy()
        worse[..., part] += off
        assert float(loss(truth, worse)) > spread_alone + 0.1, part
    backward = outputs.copy()
    backward[..., HEADING_OUT] *= -1
    assert float(loss(truth, backward)) > spread_alone + 0.9


def test_the_loss_composes_a_pose_as_the_host_does(joints: Array) -> None:
    """With the spread at 1 m its term is the distance between the truth and the joints of `edge.pose`."""
    mean, scale, limb_m = parts(joints)
    outputs = np.random.default_rng(5).standard_normal((1, 120, SPLIT_1 + MOTION)).astype(np.float32)
    outputs[..., SPREAD_OUT] = (0.0 - mean[SPREAD_OUT]) / scale[SPREAD_OUT]
    milder = outputs.copy()
    milder[..., SPREAD_OUT] = (np.log(2.0) - mean[SPREAD_OUT]) / scale[SPREAD_OUT]
    truth = np.concatenate((joints.reshape(1, 120, -1), np.zeros((1, 120, MOTION)), np.ones((1, 120, 2))), axis=2)
    loss = plus_loss(mean, scale, limb_m, SCALE)
    # 0.02 * (0 + off) against 0.02 * (log 2 + off / 2): all else is the same.
    difference = float(loss(truth.astype(np.float32), outputs)) - float(loss(truth.astype(np.float32), milder))
    off = 2 * (difference / 0.02 + np.log(2.0))
    said = split_joints(mean + scale * outputs[0, :, :SPLIT_1], limb_m)
    assert off == pytest.approx(np.linalg.norm(said - joints, axis=2).mean(), rel=1e-2)


def test_what_has_no_weight_teaches_nothing(joints: Array) -> None:
    mean, scale, limb_m = parts(joints)
    loss = plus_loss(mean, scale, limb_m, SCALE)
    outputs = np.random.default_rng(6).standard_normal((1, 4, SPLIT_1 + MOTION)).astype(np.float32)
    every = np.ones((1, 4), np.float32)
    truth = targets(joints[None, : 4 + 2 * MOTION_STEPS], np.array([[1, 0, 1, 0]], np.float32), every)
    spoiled, nobody = outputs.copy(), truth.copy()
    spoiled[:, 1::2] = 10.0
    nobody[:, 1::2] = 0.0  # as in an empty room: no hips, no heading
    assert float(loss(nobody, spoiled)) == pytest.approx(float(loss(truth, outputs)), rel=1e-6)
    assert float(loss(truth[:, ::2], outputs[:, ::2])) == pytest.approx(float(loss(truth, outputs)), rel=1e-5)
    unweighted = targets(joints[None, : 4 + 2 * MOTION_STEPS], np.zeros((1, 4), np.float32), every)
    assert float(loss(unweighted, outputs)) == 0.0


@pytest.mark.parametrize("say", ["nothing", "perfect", "far off"])
def test_gradients_are_finite(joints: Array, say: str) -> None:
    tf = pytest.importorskip("tensorflow")
    mean, scale, limb_m = parts(joints)
    count = 120 - 2 * MOTION_STEPS
    every = np.ones((1, count), np.float32)
    truth = targets(joints[None], every, every)
    outputs = np.full((1, count, SPLIT_1 + MOTION), {"nothing": 0.0, "perfect": 0.0, "far off": 1e2}[say], np.float32)
    if say == "nothing":  # not even a direction
        outputs[..., :SPLIT_1] = -mean / scale
    elif say == "perfect":
        outputs[0, :, :SPLIT_1] = perfect(joints[MOTION_STEPS:-MOTION_STEPS], mean, scale)
    variable = tf.Variable(outputs)
    with tf.GradientTape() as tape:
        error = plus_loss(mean, scale, limb_m, SCALE)(ops.convert_to_tensor(truth), variable)
    gradient = tape.gradient(error, variable).numpy()
    assert np.isfinite(gradient).all()
    assert np.isfinite(float(error))
