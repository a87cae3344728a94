"""The step model is cut from the window model's own file and says the same."""

import numpy as np
import pytest

from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.inference.engine import ENGINES, _interpreter
from edge.inference.network import Network
from edge.inference.stream import Stream
from firmware_tools.step import step_model

LITERT = next(iter(ENGINES))


@pytest.fixture(scope="module", params=["wimose-plus-basic", "wimose-plus-rooms"])
def bundle(request: pytest.FixtureRequest) -> Bundle:
    return load_bundle(find_bundle(request.param))


def network(model: bytes) -> Network:
    return Network(_interpreter(LITERT)[1], model, 1, "test")


def test_a_step_takes_what_is_new_and_its_own_state(bundle: Bundle) -> None:
    step = network(step_model(bundle.model))
    past = [(1, 1, 2 * dilation, 192) for dilation in (1, 2, 4, 8, 16, 32)]
    assert [tuple(tensor["shape"]) for tensor in step.inputs] == [(1, 1, 15, bundle.input_shape[-1]), *past]
    assert [tuple(tensor["shape"]) for tensor in step.outputs[2:]] == past
    window = network(bundle.model)
    for ours, theirs in zip((step.inputs[0], *step.outputs[:2]), (*window.inputs, *window.outputs), strict=True):
        assert ours["quantization"] == theirs["quantization"]
    for before, after in zip(step.inputs[1:], step.outputs[2:], strict=True):
        assert before["quantization"] == after["quantization"]


def test_the_state_moves_on_by_a_column(bundle: Bundle) -> None:
    rng = np.random.default_rng(1)
    step = network(step_model(bundle.model))
    past = [rng.integers(-128, 128, tensor["shape"], np.int8) for tensor in step.inputs[1:]]
    following = step(rng.integers(-64, 64, (15, bundle.input_shape[-1]), np.int8), *past)[2:]
    for before, after in zip(past, following, strict=True):
        np.testing.assert_array_equal(after[:, :, :-1], before[:, :, 1:])


def test_steps_over_a_window_say_what_the_window_says(bundle: Bundle) -> None:
    rng = np.random.default_rng(2)
    window = network(bundle.model)
    stream = Stream(network(step_model(bundle.model)), bundle.input_shape, "test")
    for reach in (8, 64, 128):
        counts = rng.integers(-reach, reach, bundle.input_shape, np.int8)
        counts[:, 140:] = counts[0, 140:]  # the radios stand still
        for one, other in zip(stream.anew(counts), window(counts), strict=True):
            np.testing.assert_array_equal(one.ravel(), other.ravel())


def test_what_ships_was_cut_from_what_ships(bundle: Bundle) -> None:
    """By its weights: other versions of the schema's library may lay a file out otherwise."""
    from ai_edge_litert import schema_py_generated as schema

    def weights(file: bytes) -> list[bytes]:
        buffers = schema.ModelT.InitFromPackedBuf(file, 0).buffers
        return sorted(bytes(one.data) for one in buffers if one.data is not None and len(one.data) >= 192)

    assert weights(bundle.step) == weights(step_model(bundle.model)) == weights(bundle.model)


def test_a_network_that_is_not_causal_is_refused() -> None:
    with pytest.raises(ValueError, match="no step is known"):
        step_model(load_bundle(find_bundle("wimose-basic")).model)
