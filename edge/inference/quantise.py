"""The way into an int8 model: an image becomes the counts that its first layer reads."""

import numpy as np
from numba import njit

from edge.arrays import Array


@njit(cache=True, nogil=True)
def quantise(image: Array, scale: np.float32, zero: np.float32, counts: Array) -> None:
    """Round to the nearest count, halves to even; what eight bits cannot hold is clipped, not wrapped.

    image   (V,) float32
    scale   what one count stands for; zero, the count that stands for 0, as TFLite's quantisation has them
    counts  (V,) int8
    """
    low, high = np.float32(-128), np.float32(127)
    for v in range(image.size):
        counts[v] = np.int8(min(max(np.rint(image[v] / scale + zero), low), high))


def quantise_plain(image: Array, scale: np.float32, zero: np.float32, counts: Array) -> None:
    """The same as `quantise`, in plain NumPy."""
    counts[:] = np.round(image / scale + zero).clip(-128, 127).astype(np.int8)
