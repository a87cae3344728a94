"""The empty room: how much seems to move while nobody is there, and above which level somebody is.

The rule: presence_level = MARGIN * (the level that the empty room passes for a thousandth of the time), never under
FLOOR. Where the room was not empty, what was measured says nothing, and the level for any room holds.
"""

import msgspec
import numpy as np

from edge.arrays import Array
from edge.errors import RecordingError
from edge.recording import Recording, slices
from edge.signal.grid import RATE_HZ
from edge.signal.imagespec import PLUS_1, WIMOSE_1, ImageSpec
from edge.signal.links import normalised_power
from edge.signal.motion import PRESENT_LEVEL, motion
from edge.signal.path import ReceiverPath, SignalPath

LENGTH_S = 30.0
LEVELS_PER_S = 30.0
SETTLE_S = 3.0  # until the long-run mean knows the room
MIN_S = 10.0  # of levels; a thousandth of less is nothing
# Half a minute does not show the worst of an hour. In four simulated empty rooms the level passed for a thousandth of
# the time is 0.003 to 0.017 (two receivers, all antennas), under a twentieth of what somebody in them shows.
MARGIN = 1.5
# Real receivers show 0.010 to 0.022 at the quietest while somebody stands there (WiVelo, before the walks), and walks
# on them never fall under 0.035 for more than a hundredth of the time.
FLOOR = 0.02
QUIETEST_WALK = 0.035
MOVING_SHARE = 0.05  # of the time above PRESENT_LEVEL: weak links pass it for a hundredth by noise alone

LINE_S = 10.0  # stretch of one spectrum: lines of a fan are sharper than 0.1 Hz, those of a walk are not
LINE_BAND_HZ = (1.0, 40.0)  # a ceiling fan's blades to the signal path's low-pass
AROUND_HZ = 3.0  # what a line is compared with
PROMINENT = 20.0  # times the median around it: simulated noise and people stay under 9, a fan is hundreds
LINE_SHARE = 0.2  # of what moves at all


class Empty(msgspec.Struct, frozen=True):
    """Levels are rms relative amplitude, see `signal.motion`."""

    seconds: float
    level_p50: float
    level_p99: float
    level_p999: float
    presence_level: float
    moving: bool  # something moved: not an empty room
    why: str
    remedy: str  # empty where nothing needs doing
    line_hz: float | None  # of a fan, where there is one
    static: tuple[list[list[float]], list[list[float]]]  # of each receiver (3 antennas, 30 subcarriers): mean amplitude


def measure_empty(
    recording: Recording, spec: ImageSpec = PLUS_1, start_s: float = 0.0, end_s: float | None = None
) -> Empty:
    """Measure a stretch in which nobody was in the room. Raises RecordingError where it is too short.

    spec  of the bundle that is to tell presence: each has levels of its own
    """
    end_s = recording.seconds if end_s is None else end_s
    time_s, level = levels(recording, spec, end_s)
    level = level[time_s >= start_s + SETTLE_S]
    if level.size < MIN_S * LEVELS_PER_S:
        raise RecordingError(
            f"{level.size / LEVELS_PER_S:.0f} s of the empty room can be used, {MIN_S:.0f} s are needed: record again, "
            f"{LENGTH_S:.0f} s"
        )
    p50, p99, p999 = (float(np.percentile(level, share)) for share in (50, 99, 99.9))
    above = float((level > PRESENT_LEVEL).mean())
    line_hz = _line(recording, start_s, end_s)
    moving = above > MOVING_SHARE or line_hz is not None
    measured = round(max(FLOOR, MARGIN * p999), 4)
    if line_hz is not None:
        why = f"something turns or swings {line_hz:.1f} times a second, all the time: a fan or the like"
        remedy = "switch it off and measure again; where it always runs, go on: the level takes it into account"
    elif moving:
        why = f"something moved for {above * level.size / LEVELS_PER_S:.0f} s, in bursts: a person, a pet, a curtain"
        remedy = "leave the room, close the door, and measure again"
        measured = PRESENT_LEVEL
    elif measured > QUIETEST_WALK:
        why = f"the room is empty, but its noise ({p999:.3f}) is as loud as a quiet walk ({QUIETEST_WALK})"
        remedy = "presence may be missed: mend what the survey marks amber or red, and measure again"
    else:
        why, remedy = "nothing moves", ""
    return Empty(
        seconds=round(level.size / LEVELS_PER_S, 1),
        level_p50=round(p50, 5),
        level_p99=round(p99, 5),
        level_p999=round(p999, 5),
        presence_level=measured,
        moving=moving,
        why=why,
        remedy=remedy,
        line_hz=None if line_hz is None else round(line_hz, 2),
        static=(_static(recording, 0, start_s, end_s), _static(recording, 1, start_s, end_s)),
    )


def levels(recording: Recording, spec: ImageSpec, end_s: float) -> tuple[Array, Array]:
    """What the service would measure: (N,) seconds and (N,) levels, up to end_s."""
    path = SignalPath(recording.links, LEVELS_PER_S, spec)
    time_s, level = [], []
    for due_us, packets in slices(recording, 1e6):
        for image in path.push(packets):
            time_s.append(image.time_us * 1e-6)
            level.append(motion(image.values, spec).level)
        if due_us * 1e-6 > end_s + 1.0:
            break
    times = np.array(time_s)
    return times[times <= end_s], np.array(level)[times <= end_s]


def _line(recording: Recording, start_s: float, end_s: float) -> float | None:
    """Frequency of the one line that stands out of what moves, Hz; None where there is none.

    Averaged over LINE_S stretches (Welch, 1967) of what neighbouring subcarriers share, both receivers together. It
    has to stand out in both halves of the time, in the same place.
    """
    spectra = [_shared_spectra(recording, receiver, start_s, end_s) for receiver in (0, 1)]
    count = min(len(spectrum) for spectrum in spectra)
    if count < 2:
        return None
    power = spectra[0][:count] + spectra[1][:count]
    frequency = np.arange(power.shape[1]) / LINE_S
    band = np.flatnonzero((frequency >= LINE_BAND_HZ[0]) & (frequency <= LINE_BAND_HZ[1]))
    whole = power.mean(axis=0)
    at = int(band[np.argmax(whole[band])])
    near = np.abs(frequency - frequency[at])
    around = band[(near[band] <= AROUND_HZ) & (near[band] > 0.3)]
    halves = (whole, power[: count // 2].mean(axis=0), power[count // 2 :].mean(axis=0))
    prominent = all(half[at] > PROMINENT * np.median(half[around]) for half in halves)
    share = whole[at - 1 : at + 2].sum() / whole[band].sum()
    return float(frequency[at]) if prominent and share > LINE_SHARE else None


def _shared_spectra(recording: Recording, receiver: int, start_s: float, end_s: float) -> Array:
    """(stretches, frequencies) float64, power that neighbouring subcarriers share, never negative."""
    packets = recording.receivers[receiver]
    columns = ReceiverPath(recording.links[receiver], WIMOSE_1).push(packets)
    amplitude = columns.values[int(start_s * RATE_HZ) : int(end_s * RATE_HZ), :, 0].astype(np.float64)
    size, step = int(LINE_S * RATE_HZ), int(LINE_S * RATE_HZ / 2)
    hann = np.hanning(size)[:, None]
    spectra = []
    for start in range(int(SETTLE_S * RATE_HZ), len(amplitude) - size + 1, step):
        stretch = amplitude[start : start + size]
        spectrum = np.fft.rfft((stretch - stretch.mean(axis=0)) * hann, axis=0)
        spectra.append((spectrum[:, 1:] * spectrum[:, :-1].conj()).real.mean(axis=1).clip(0.0))
    return np.array(spectra).reshape(len(spectra), size // 2 + 1)


def _static(recording: Recording, receiver: int, start_s: float, end_s: float) -> list[list[float]]:
    packets = recording.receivers[receiver]
    csi = packets.csi[(packets.time_us >= start_s * 1e6) & (packets.time_us <= end_s * 1e6)]
    amplitude = np.abs(csi) / np.sqrt(normalised_power(csi))[:, None, None]
    rounded: list[list[float]] = amplitude.mean(axis=0).round(4).tolist()
    return rounded
