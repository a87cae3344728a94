"""The session's time grid: where every image's points lie, and how often an image is made."""

from edge.errors import ConfigError

RATE_HZ = 150  # Section IV-C of the paper


def stride_of(poses_per_s: float) -> int:
    """Grid points from one image to the next. Raises ConfigError for a rate that does not divide the grid's."""
    stride = round(RATE_HZ / poses_per_s) if poses_per_s > 0 else 0
    if stride < 1 or abs(RATE_HZ / stride - poses_per_s) > 1e-6:
        raise ConfigError(
            f"{poses_per_s:g} poses/s is not a whole part of {RATE_HZ}; use 30, 15, 10 or the paper's 7.5"
        )
    return stride
