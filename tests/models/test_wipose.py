from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.arrays import Array

keras = pytest.importorskip("keras", reason="the training extra is not installed")
from keras import layers, ops  # noqa: E402

from models.kinematics import NECK, forward_kinematics, initial_skeleton, limb_lengths, rotations  # noqa: E402
from models.losses import wipose_loss  # noqa: E402
from models.wipose import Skeleton, wipose  # noqa: E402, it imports Keras
from tests.simulate.stickman import walk  # noqa: E402

MEAN = np.random.default_rng(1).uniform(0.0, 3.0, 51).astype(np.float32)
SCALE = np.random.default_rng(2).uniform(0.5, 1.5, 51).astype(np.float32)


@pytest.fixture(scope="module")
def skeleton() -> Array:
    return initial_skeleton(walk(4.0).joints.astype(np.float64))


@pytest.fixture(scope="module")
def images() -> Array:
    return np.random.default_rng(3).uniform(-1, 1, (4, 30, 20, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def model(skeleton: Array) -> Any:
    """With outputs that say something: as initialised it is the standing skeleton."""
    keras.utils.set_random_seed(1)
    model = wipose(MEAN, SCALE, skeleton)
    rng = np.random.default_rng(4)
    for name in ("turns", "place"):
        layer = model.get_layer(name)
        layer.set_weights([rng.normal(0.0, 1.0, weight.shape) for weight in layer.get_weights()])
    return model


def joints_of(output: Any) -> Array:
    return np.asarray(MEAN + SCALE * np.asarray(output)).reshape(-1, 17, 3)


def test_four_convolutions_three_lstms_and_a_skeleton(model: Any) -> None:
    assert model.input_shape == (None, 30, 20, 4)
    assert model.output_shape == (None, 51)
    kinds = [
        type(layer) for layer in model.layers if layer.weights and not isinstance(layer, layers.BatchNormalization)
    ]
    assert kinds == [layers.Conv2D] * 4 + [layers.LSTM] * 3 + [layers.Dense] * 2
    assert model.get_layer("lstm1").input.shape == (None, 20, 256)  # packet by packet
    assert isinstance(model.layers[-1], Skeleton)


def test_limbs_keep_their_lengths_whatever_the_input(model: Any, images: Array, skeleton: Array) -> None:
    joints = joints_of(model(images))
    assert np.linalg.norm(joints[0] - joints[1], axis=1).max() > 0.01  # the poses do differ
    np.testing.assert_allclose(limb_lengths(joints), np.broadcast_to(limb_lengths(skeleton), (4, 16)), atol=1e-5)


def test_before_training_it_stands_at_the_mean_neck(images: Array, skeleton: Array) -> None:
    joints = joints_of(wipose(MEAN, SCALE, skeleton)(images))
    standing = skeleton - skeleton[NECK] + MEAN.reshape(17, 3)[NECK]
    assert np.abs(joints - standing).max() < 0.02


def test_the_layer_is_the_plain_forward_kinematics(skeleton: Array) -> None:
    rng = np.random.default_rng(5)
    turns, place = rng.normal(size=(3, 102)).astype(np.float32), rng.normal(size=(3, 3)).astype(np.float32)
    six = turns.reshape(3, 17, 6) + np.array((1, 0, 0, 0, 1, 0))
    neck = MEAN.reshape(17, 3)[NECK] + SCALE.reshape(17, 3)[NECK] * place
    expected = forward_kinematics(np, rotations(np, six), neck, skeleton, NECK)
    np.testing.assert_allclose(joints_of(Skeleton(MEAN, SCALE, skeleton)([turns, place])), expected, atol=2e-5)


def test_it_learns_compiled_and_every_layer_takes_part(model: Any, images: Array, skeleton: Array) -> None:
    truth = walk(4.0).joints[:4].reshape(4, 51)
    learner = keras.models.clone_model(model)
    learner.set_weights(model.get_weights())
    before = [np.array(weight) for weight in learner.trainable_weights]
    learner.compile(optimizer=keras.optimizers.Adam(1e-3), loss=wipose_loss(MEAN, SCALE), jit_compile=True)
    losses = [float(learner.train_on_batch(images, truth)) for _ in range(12)]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    for weight, old in zip(learner.trainable_weights, before, strict=True):
        assert np.isfinite(np.asarray(weight)).all(), weight.path
        assert np.abs(np.asarray(weight) - old).max() > 0, weight.path


def test_a_turn_of_nothing_has_a_finite_gradient(skeleton: Array) -> None:
    """Where the network says exactly the six numbers that make no rotation."""
    tf = pytest.importorskip("tensorflow")
    turns = tf.Variable(np.tile((-1.0, 0.0, 0.0, 0.0, -1.0, 0.0), (1, 17)).astype(np.float32))
    with tf.GradientTape() as tape:
        loss = ops.sum(Skeleton(MEAN, SCALE, skeleton)([turns, np.zeros((1, 3), np.float32)]))
    assert np.isfinite(tape.gradient(loss, turns).numpy()).all()


def test_saved_and_loaded_it_is_the_same(model: Any, images: Array, tmp_path: Path) -> None:
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(np.asarray(loaded(images)), np.asarray(model(images)))
