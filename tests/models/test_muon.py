"""Muon's step: orthogonal for kernels of any rank, Adam's for everything else."""

import numpy as np
import pytest

from edge.arrays import Array

keras = pytest.importorskip("keras", reason="the training extra is not installed")

from models.muon import Muon  # noqa: E402

RATE = 0.01


def stepped(kernel: tuple[int, ...], name: str = "stem") -> Array:
    """What one step from zero does to a kernel whose gradient is random."""
    variable = keras.Variable(np.zeros(kernel, np.float32), name=f"{name}_kernel")
    optimizer = Muon(learning_rate=RATE, exclude_layers=["pose"])
    optimizer.build([variable])
    gradient = np.random.default_rng(1).standard_normal(kernel).astype(np.float32)
    optimizer.apply([keras.ops.convert_to_tensor(gradient)])
    return np.asarray(keras.ops.convert_to_numpy(variable))


@pytest.mark.parametrize("kernel", [(12, 8), (3, 4, 8), (5, 40, 8), (3, 3, 2, 30)])
def test_a_kernel_s_step_is_orthogonal(kernel: tuple[int, ...]) -> None:
    step = stepped(kernel).reshape(-1, kernel[-1])
    size = RATE * 0.2 * np.sqrt(max(step.shape))  # J. Liu et al.: of the rms of Adam's
    singular = np.linalg.svd(step, compute_uv=False) / size
    assert singular.min() > 0.5  # five iterations end within these
    assert singular.max() < 1.3


def test_a_flattened_convolution_is_a_matrix() -> None:
    flat, kernel = stepped((12, 8)), stepped((3, 4, 8))
    np.testing.assert_allclose(kernel.reshape(12, 8), flat, atol=1e-6)


@pytest.mark.parametrize(("shape", "name"), [((8,), "stem"), ((1, 6, 8), "pose")])
def test_adam_keeps_vectors_and_outputs(shape: tuple[int, ...], name: str) -> None:
    np.testing.assert_allclose(np.abs(stepped(shape, name)), RATE, rtol=1e-3)  # its first step is the rate anywhere
