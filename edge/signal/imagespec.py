"""Image specs: what exactly a network's input is. A bundle names one; the runtime refuses names it does not know."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from edge.arrays import Array
from edge.errors import BundleMismatch
from edge.signal import antennas, baseline, lowpass, phase, resample
from edge.signal.grid import RATE_HZ
from edge.signal.links import Links


@dataclass(frozen=True)
class ImageSpec:
    """A CSI image and the parameters that made it. Changing any of them makes another spec with another name.

    The stages of `path` that differ from spec to spec are the last three fields.
    """

    name: str
    packets: int  # grid points of one image, the window
    whole: int  # of them, the newest, that must be known; zeros stand for what was not heard before
    column: tuple[int, ...]  # shape of one grid point of both receivers; channels last, those of receiver 1 first
    across: bool  # whether the image is [subcarrier, packet, channel] as in the paper, or [packet, value]
    rate_hz: int  # of the grid
    support_ms: float  # half width of the resampling kernel
    max_gap_ms: float
    lowpass_hz: float | None
    baseline_s: float  # memory of the long-run mean
    gains: tuple[float, float]  # of the soft limit, tanh(gain * deviation): amplitude, and phase or product
    amplitudes: int  # of the values kept of a packet, the first are amplitudes, the others products
    values: Callable[[Array, Links], Array]  # (N, 3, 30) counts to (N, V) float64
    columns: Callable[[Array, Array, Array], Array]  # rows and means (G, V), known (G,), to (G, ...) float32

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image."""
        return (self.column[0], self.packets, *self.column[1:]) if self.across else (self.packets, *self.column)

    @property
    def whole_s(self) -> float:
        """How long somebody must have been heard for a first image."""
        return self.whole / self.rate_hz

    def image(self, window: Array) -> Array:
        """Columns in time (packets, ...) to one image; also (B, packets, ...) to many."""
        return window.swapaxes(-3, -2) if self.across else window

    def amplitude(self, image: Array) -> Array:
        """The amplitude channels of an image as (subcarriers or bins, grid points, channels), for `motion`."""
        if self.across:
            return image[:, :, ::2]
        parts = image.reshape(self.packets, 2, -1, antennas.BINS)[:, :, : antennas.ANTENNAS]
        return parts.reshape(self.packets, -1, antennas.BINS).transpose(2, 0, 1)

    def newest(self, image: Array) -> Array:
        """What of an image must be known, in time: (whole, V)."""
        window = image.swapaxes(0, 1) if self.across else image
        return window[self.packets - self.whole :].reshape(self.whole, -1)


WIMOSE_1 = ImageSpec(
    name="wimose-1",
    packets=20,
    whole=20,
    column=(30, 4),  # receiver 1 amplitude, receiver 1 phase, receiver 2 amplitude, receiver 2 phase
    across=True,
    rate_hz=RATE_HZ,
    support_ms=resample.SUPPORT_US / 1e3,
    max_gap_ms=resample.MAX_GAP_US / 1e3,
    lowpass_hz=lowpass.CUTOFF_HZ,
    baseline_s=baseline.MEMORY / RATE_HZ,
    gains=(baseline.AMPLITUDE_GAIN, baseline.PHASE_GAIN),
    amplitudes=phase.VALUES // 3,
    values=lambda csi, links: phase.packet_values(csi, links.reference, links.partner),
    columns=baseline.link_deviations,
)

# All antennas, and long enough to see two steps of a walk. No low-pass: a leg's echo reaches 75 Hz.
PLUS_1 = ImageSpec(
    name="plus-1",
    packets=325,
    whole=325,
    column=(2 * antennas.VALUES,),
    across=False,
    rate_hz=RATE_HZ,
    support_ms=resample.SUPPORT_US / 1e3,
    max_gap_ms=resample.MAX_GAP_US / 1e3,
    lowpass_hz=None,
    baseline_s=baseline.MEMORY / RATE_HZ,
    gains=(baseline.AMPLITUDE_GAIN, baseline.PRODUCT_GAIN),
    amplitudes=antennas.AMPLITUDES,
    values=lambda csi, links: antennas.array_values(csi),
    columns=baseline.array_deviations,
)

# The same columns for twice as long: what somebody did four seconds ago tells where they face now. Who has only just
# been heard is not waited for.
PLUS_2 = replace(PLUS_1, name="plus-2", packets=645)

KNOWN = {spec.name: spec for spec in (WIMOSE_1, PLUS_1, PLUS_2)}
COLUMNS = {PLUS_2.name: PLUS_1.name}  # specs whose columns are another's, which datasets keep once


def columns_of(name: str) -> str:
    """The spec whose columns a spec's images are made of, by its name; most have their own."""
    return COLUMNS.get(name, name)


def known_spec(name: str) -> ImageSpec:
    """The spec of that name. Raises BundleMismatch for one this version does not know."""
    if name not in KNOWN:
        known = ", ".join(KNOWN)
        raise BundleMismatch(f"image spec {name!r} is not known to this version (it knows {known}); update wimose")
    return KNOWN[name]
