"""How much each value of a CSI image moves.

Which antennas and subcarriers an echo stirs depends on where it comes from, in every room otherwise: a fingerprint that
no network can know beforehand, and that a room's own last layer can read (`inference.head`).
"""

import numpy as np

from edge.arrays import Array
from edge.signal.imagespec import ImageSpec

FLOOR = 0.01  # of an image value; what moves less is noise, and its logarithm would shout


def swings(image: Array, spec: ImageSpec) -> Array:
    """Natural logarithm of the rms deviation of each value from its mean over what must be known of the window.

    image    of the spec's shape
    returns  (V,) float64, V values of a column
    """
    window = spec.newest(image)
    window = window - window.mean(axis=0)
    variance = np.einsum("pv,pv->v", window, window) / spec.whole  # five times as fast as `std`, for every pose
    return np.asarray(np.log(np.sqrt(variance.astype(np.float64)) + FLOOR))
