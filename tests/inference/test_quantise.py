"""The compiled rounding against NumPy's, value for value."""

import numpy as np
import pytest

from edge.inference.quantise import quantise, quantise_plain


@pytest.mark.parametrize(("scale", "zero"), [(0.0078125, 0), (0.0071043, -3), (0.0141, 127)])
def test_fast_and_plain_agree(scale: float, zero: int) -> None:
    rng = np.random.default_rng(5)
    halves = (np.arange(-300, 300) + 0.5) * scale
    image = np.concatenate((rng.uniform(-3, 3, 5000), halves, [0.0, -0.0, 1e9, -1e9])).astype(np.float32)
    fast, plain = np.zeros((2, image.size), np.int8)
    quantise(image, np.float32(scale), np.float32(zero), fast)
    quantise_plain(image, np.float32(scale), np.float32(zero), plain)
    np.testing.assert_array_equal(fast, plain)
    assert (fast.min(), fast.max()) == (-128, 127)
