"""Image specs: what exactly a network's input is. A bundle names one; the runtime refuses names it does not know."""

from dataclasses import dataclass

from edge.errors import BundleMismatch
from edge.signal import baseline, lowpass, resample


@dataclass(frozen=True)
class ImageSpec:
    """A CSI image and the parameters that made it. Changing any of them makes another spec with another name."""

    name: str
    subcarriers: int
    packets: int  # grid points of one image, the window
    channels: tuple[str, ...]
    rate_hz: int  # of the grid
    support_ms: float  # half width of the resampling kernel
    max_gap_ms: float
    lowpass_hz: float
    baseline_s: float  # memory of the long-run mean
    amplitude_gain: float  # of the soft limit, tanh(gain * relative deviation)
    phase_gain: float  # the same, per radian

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.subcarriers, self.packets, len(self.channels)


WIMOSE_1 = ImageSpec(
    name="wimose-1",
    subcarriers=30,
    packets=20,
    channels=("receiver 1 amplitude", "receiver 1 phase", "receiver 2 amplitude", "receiver 2 phase"),
    rate_hz=resample.RATE_HZ,
    support_ms=resample.SUPPORT_US / 1e3,
    max_gap_ms=resample.MAX_GAP_US / 1e3,
    lowpass_hz=lowpass.CUTOFF_HZ,
    baseline_s=baseline.MEMORY / resample.RATE_HZ,
    amplitude_gain=baseline.AMPLITUDE_GAIN,
    phase_gain=baseline.PHASE_GAIN,
)

KNOWN = {spec.name: spec for spec in (WIMOSE_1,)}


def known_spec(name: str) -> ImageSpec:
    """The spec of that name. Raises BundleMismatch for one this version does not know."""
    if name not in KNOWN:
        known = ", ".join(KNOWN)
        raise BundleMismatch(f"image spec {name!r} is not known to this version (it knows {known}); update wimose")
    return KNOWN[name]
