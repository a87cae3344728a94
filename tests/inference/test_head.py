"""A room's own last layer in place of the model's."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from edge.errors import BundleMismatch
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.inference.engine import ENGINES, Engine
from edge.inference.head import Head, inputs
from edge.pose import SPLIT_1, split_joints
from edge.signal.swings import swings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(find_bundle("wimose-plus-basic"))


def test_a_head_says_what_its_weights_say_of_the_features(bundle: Bundle) -> None:
    rng = np.random.default_rng(1)
    head = Head(rng.normal(size=(inputs(bundle), SPLIT_1)) * 0.01, rng.normal(size=SPLIT_1))
    image = rng.uniform(-0.2, 0.2, bundle.spec.shape).astype(np.float32)
    plain, own = Engine(bundle).predict(image), Engine(bundle, head=head).predict(image)
    assert plain.features is not None
    assert own.features is not None
    np.testing.assert_array_equal(plain.features, own.features)
    np.testing.assert_allclose(own.joints, split_joints(head(own.features), bundle.limb_m))
    assert not np.allclose(own.joints, plain.joints)


def test_a_head_refitted_to_the_models_own_poses_gives_them_back(bundle: Bundle) -> None:
    """The features are what the last layer reads: least squares on them finds that layer again."""
    rng = np.random.default_rng(2)
    engine = Engine(bundle)
    said = [
        engine.predict(image) for image in rng.normal(0, 0.15, (300, *bundle.spec.shape)).clip(-1, 1).astype(np.float32)
    ]
    features = np.stack([one.features for one in said if one.features is not None])
    roots = np.stack([one.joints[0] for one in said])
    read = np.column_stack((features[:, : bundle.description.features], np.ones(len(features))))
    fit = np.linalg.lstsq(read[:250], roots[:250], rcond=1e-6)[0]
    error = np.linalg.norm(read[250:] @ fit - roots[250:], axis=1).mean()
    spread = np.linalg.norm(roots[250:] - roots.mean(axis=0), axis=1).mean()
    assert error < 0.35 * spread


def steps_apart(name: str) -> list[list[float]]:
    """How far the last layer in float is from the model's own in eight bits, in steps of its outputs: (20, 2).

    Of the place on the floor: noise drives the height beyond what eight bits hold.
    """
    bundle = load_bundle(find_bundle("wimose-plus-basic"))
    engine, eight_bits = Engine(bundle, name), Engine(bundle, name)
    eight_bits._head = None
    images = np.random.default_rng(3).normal(0, 0.15, (20, *bundle.spec.shape)).clip(-1, 1).astype(np.float32)
    apart = np.stack([engine.predict(image).joints[0] - eight_bits.predict(image).joints[0] for image in images])
    steps: list[list[float]] = (apart[:, :2] / engine._gain[:2]).tolist()
    return steps


@pytest.mark.parametrize("name", ["litert", "tflite"])
def test_the_last_layer_in_float_says_what_the_model_says(name: str) -> None:
    if find_spec(ENGINES[name].partition(".")[0]) is None:
        pytest.skip(f"{name} has no wheel for this Python")
    # In a process of its own: the runtimes and TensorFlow share symbol names and do not bear each other.
    code = "import json, sys; from tests.inference.test_head import steps_apart as s; print(json.dumps(s(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", code, name], cwd=ROOT, capture_output=True, check=True)
    steps = np.array(json.loads(done.stdout))
    assert np.abs(steps).max() < 1.5  # half a step of rounding, and the layer's own integer arithmetic
    assert np.abs(steps.mean(axis=0)).max() < 0.3
    assert np.abs(steps).max() > 0.01  # it is the layer in float that is heard


def test_the_models_own_head_changes_nothing(bundle: Bundle) -> None:
    image = np.random.default_rng(5).uniform(-0.2, 0.2, bundle.spec.shape).astype(np.float32)
    plain = Engine(bundle)
    np.testing.assert_array_equal(plain(image), plain.sibling(head=plain.last_layer())(image))


def test_swings_follow_the_features(bundle: Bundle) -> None:
    image = np.random.default_rng(4).uniform(-0.2, 0.2, bundle.spec.shape).astype(np.float32)
    said = Engine(bundle).predict(image)
    assert said.features is not None
    assert said.features.shape == (inputs(bundle),)
    np.testing.assert_array_equal(said.features[bundle.description.features :], swings(image, bundle.spec))


def test_a_head_of_another_model_is_refused(bundle: Bundle) -> None:
    with pytest.raises(BundleMismatch, match="calibrate the room again"):
        Engine(bundle, head=Head(np.zeros((5, SPLIT_1)), np.zeros(SPLIT_1)))
