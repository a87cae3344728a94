from typing import Any

import numpy as np
import pytest

from edge.arrays import Array

keras = pytest.importorskip("keras", reason="the training extra is not installed")
from models.wimose import TABLE_I, expand, wimose  # noqa: E402, it imports Keras

# Table I of the paper: output size of each block.
BLOCKS = (
    (30, 20, 4), (30, 20, 8), (15, 10, 8), (15, 10, 16), (8, 5, 16), (8, 5, 64), (4, 3, 64), (4, 3, 256),
    (2, 2, 256), (2, 2, 1024), (1, 1, 1024), (1, 1, 2048), (1, 1, 2048),
)  # fmt: skip


@pytest.fixture(scope="module")
def images() -> Array:
    return np.random.default_rng(3).uniform(-1, 1, (16, 30, 20, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def compact(images: Array) -> Any:
    """Random weights, and batch normalisation as training leaves it: a layer's own statistics, gains and offsets."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(2)
    model = wimose()
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        channels = layer.gamma.shape
        layer.set_weights([
            rng.uniform(0.5, 1.5, channels), rng.normal(0.2, 0.3, channels), np.zeros(channels), np.ones(channels),
        ])  # fmt: skip
        layer.momentum = 0.0  # take over the statistics of the next batch
    model(images, training=True)
    assert all(np.abs(layer.get_weights()[3] - 1.0).max() > 0.1 for layer in norms)
    return model


@pytest.fixture(scope="module")
def full(compact: Any) -> Any:
    return expand(compact)


def test_parameters(compact: Any, full: Any) -> None:
    assert compact.count_params() == 29_473_171
    assert full.count_params() == 76_659_091


def test_blocks_are_those_of_table_1(compact: Any, full: Any) -> None:
    assert len(TABLE_I) == 13
    for model in (compact, full):
        sizes = [model.get_layer(f"block{number}_add").output.shape[1:] for number in range(1, 14)]
        assert tuple(sizes) == BLOCKS
        assert model.input_shape == (None, 30, 20, 4)
        assert model.get_layer("fc1").output.shape == (None, 512)
        assert model.output_shape == (None, 51)


def test_strides_and_shortcuts_are_where_the_paper_has_them(full: Any) -> None:
    """Stride 2 in blocks 3, 5, 7, 9, 11, of the 3x3 and the shortcut; a shortcut's convolution where shapes differ."""
    strided = {layer.name for layer in full.layers if getattr(layer, "strides", None) == (2, 2)}
    assert strided == {f"block{number}_{part}" for number in (3, 5, 7, 9, 11) for part in ("middle", "shortcut")}
    assert {row for row in range(1, 14) if full.get_layer(f"block{row}_middle").kernel_size != (3, 3)} == set()
    names = {layer.name for layer in full.layers}
    assert {row for row in range(1, 14) if f"block{row}_shortcut" not in names} == {1, 13}


def test_the_full_network_is_the_same_function(compact: Any, full: Any, images: Array) -> None:
    small, large = (np.asarray(model(images, training=False)) for model in (compact, full))
    assert small.std(axis=0).min() > 1e-2  # the outputs do depend on the image
    assert 0.1 < np.abs(small).max() < 100.0
    assert np.abs(small - large).max() < 1e-4


def test_every_tap_of_the_compact_network_counts(compact: Any, full: Any, images: Array) -> None:
    """What was left out are zeros of the full network, and what is left are not."""
    for number, alive in ((11, 4), (12, 1), (13, 1)):
        kernel = full.get_layer(f"block{number}_middle").get_weights()[0]
        assert (np.abs(kernel).max(axis=(2, 3)) > 0).sum() == alive
        assert np.all(compact.get_layer(f"block{number}_middle").get_weights()[0].any(axis=(2, 3)))
