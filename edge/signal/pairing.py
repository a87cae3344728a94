"""Two receivers hear the same packets on two clocks of their own; this finds which packet is which.

No clock is shared and the packets carry no number, but the sender's own irregularity is heard by both. Two searches
propose offsets: cross-correlation of impulse trains finds an irregular sender's bursts and pauses; cross-correlation of
the jitter from slot to slot tells a regular sender's packets apart, which look the same one packet off but for a few
microseconds. Each proposal is refined: match, fit a straight line (offset and drift), match again on ever more packets.
The one that leaves least residual is right.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from edge.arrays import Array
from edge.errors import RecordingError
from edge.signal.fourier import fast_length

BIN_US = 100.0  # of the impulse trains: wider than the jitter between receivers, narrower than any packet spacing
TOLERANCE_US = 400.0  # a pair lies within; 802.11 cannot send two packets closer than this in practice
PROBE_S = 30.0  # stretch of A searched for in B: 10 ppm of drift moves it by 3 bins, which the peaks survive
MAX_SEARCH_S = 300.0  # B is searched this far around where the probe would lie if both had begun together
MAX_SLOTS = 1 << 22  # over an hour at 1000 packets/s; bounds what a hostile clock can make this allocate
CANDIDATES = 8  # peaks tried of each search
MIN_SHARE = 0.5  # of the packets heard while both listened; unrelated senders pair by chance
MIN_CORRELATION = 0.8  # of the pairs' jitter: 0.997 in real recordings, up to 0.57 between two of a regular sender
MIN_PAIRS = 20  # fewer cannot tell a coincidence from a match
# A proposal of so many pairs that agrees so well is right, and the other search is left out.
SURE_PAIRS, SURE_SHARE, SURE_CORRELATION = 500, 0.9, 0.95


@dataclass(frozen=True, eq=False)
class Pairing:
    """Which packets of receivers A and B are the same, and how B's clock runs against A's.

    time_b = time_a + offset_us + drift_ppm * 1e-6 * (time_a - first time_a)
    """

    index_a: Array  # (P,) int64, packets of A
    index_b: Array  # (P,) int64, the same packets at B
    origin_us: float  # first packet of A on A's clock
    offset_us: float  # B's clock minus A's at A's first packet
    drift_ppm: float  # how much faster B's clock runs
    residual_us: float  # standard deviation of the pairs about the line
    paired_share: float  # pairs over the packets either receiver heard while both were listening

    def to_clock_a(self, time_b_us: Array) -> Array:
        """B's times (N,) on A's clock, float64 microseconds."""
        rate = 1.0 + self.drift_ppm * 1e-6
        return (time_b_us.astype(np.float64) - self.origin_us - self.offset_us) / rate + self.origin_us


Fit = tuple[float, float, Array, Array, float]  # offset, slope, pairs, residual
NO_FIT: Fit = (0.0, 0.0, np.empty(0, np.int64), np.empty(0, np.int64), np.inf)


def pair(time_a_us: Array, time_b_us: Array) -> Pairing:
    """Pair the packets of two receivers from their arrival times alone.

    time_a_us, time_b_us  (N,), (M,) uint64 microseconds, unwrapped, not decreasing
    Raises RecordingError where the two do not hear the same packets.
    """
    if min(time_a_us.size, time_b_us.size) < MIN_PAIRS:
        raise RecordingError(
            f"receivers heard {time_a_us.size} and {time_b_us.size} packets, pairing needs {MIN_PAIRS} of each; "
            "check with `wimose inspect`"
        )
    origin_a, origin_b = int(time_a_us[0]), int(time_b_us[0])
    a = (time_a_us.astype(np.int64) - origin_a).astype(np.float64)
    b = (time_b_us.astype(np.int64) - origin_b).astype(np.float64)

    index_a, index_b = _search(a, b)
    paired = share(index_a, index_b)
    if paired < MIN_SHARE or jitter_correlation(a[index_a], b[index_b]) < MIN_CORRELATION:
        raise RecordingError(
            "these receivers do not hear the same packets (no common arrival pattern); "
            "give two recordings of the same transmitter made at the same time"
        )
    offset, slope, residual = fit_line(a[index_a], b[index_b])
    return Pairing(index_a, index_b, float(origin_a), origin_b - origin_a + offset, slope * 1e6, residual, paired)


def _search(a: Array, b: Array) -> tuple[Array, Array]:
    """The pairs (P,), (P,) int64 of the best of all proposals, empty where there is none."""
    fits: list[Fit] = []
    best = NO_FIT
    for lags in (_lags_of_jitter, _lags_of_impulses):  # the quick one first
        fits += [_refine(a, b, *lag) for lag in lags(a, b)]  # nearly all are wrong: quick lines
        # A regular sender's packets pair nearly as well one off, but only the right alignment leaves no residual.
        most = max((fit[2].size for fit in fits), default=0)
        good = [fit for fit in fits if fit[2].size >= max(0.95 * most, MIN_PAIRS)]
        best = min(good, key=lambda fit: fit[4], default=NO_FIT)
        if _sure(a, b, best[2], best[3]):
            break
    return best[2], best[3]


def _sure(a: Array, b: Array, index_a: Array, index_b: Array) -> bool:
    if index_a.size < SURE_PAIRS or share(index_a, index_b) < SURE_SHARE:
        return False
    return jitter_correlation(a[index_a], b[index_b]) >= SURE_CORRELATION


def _lags_of_impulses(a: Array, b: Array) -> list[tuple[float, float, float]]:
    """Peaks of the arrivals' cross-correlation, as (b - a in us, and the stretch of a that was looked for)."""
    probe_us = PROBE_S * 1e6
    start = max(0.0, (a[-1] - probe_us) / 2)
    probe = a[(a >= start) & (a < start + probe_us)] - start
    low = max(0.0, start - MAX_SEARCH_S * 1e6)
    search = b[(b >= low) & (b < start + probe_us + MAX_SEARCH_S * 1e6)] - low
    if probe.size == 0 or search.size == 0:
        return []
    trains = [_two_wide(np.bincount((time / BIN_US).astype(np.int64))) for time in (probe, search)]
    lags = _correlation_peaks(*trains) * BIN_US + low - start
    return [(float(lag), start, start + probe_us) for lag in lags]


def _lags_of_jitter(a: Array, b: Array) -> list[tuple[float, float, float]]:
    """Peaks of the jitter's cross-correlation over the sender's slots, in the same form."""
    period = float(np.median(np.diff(a)))
    if period <= 0:
        return []
    slots_a, slots_b = _slots(a, period), _slots(b, period)
    packet_b = np.full(slots_b[-1] + 1, -1)  # of each slot
    packet_b[slots_b] = np.arange(slots_b.size)
    lags = []
    for shift in _correlation_peaks(_slot_jitter(a, slots_a, period), _slot_jitter(b, slots_b, period)):
        first, last = np.searchsorted(slots_a, (-shift, packet_b.size - shift))
        in_b = packet_b[slots_a[first:last] + shift]
        in_a, in_b = first + np.flatnonzero(in_b >= 0), in_b[in_b >= 0]
        if in_a.size >= MIN_PAIRS:
            middle = in_a.size // 2  # slots miscounted over a long pause spoil the far ends, not what is near
            near = slice(max(middle - 500, 0), middle + 500)
            lag = float(np.median(b[in_b[near]] - a[in_a[near]]))
            lags.append((lag, float(a[in_a[near][0]]), float(a[in_a[near][-1]]) + 1.0))
    return lags


def _slots(time: Array, period: float) -> Array:
    """Number of each packet (N,) int64 had the sender never paused: a lost packet leaves a slot empty."""
    steps = np.maximum(np.round(np.diff(time) / period), 1).astype(np.int64)
    slots = np.concatenate(([0], np.cumsum(steps)))
    return slots[slots < MAX_SLOTS]


def _slot_jitter(time: Array, slots: Array, period: float) -> Array:
    """How much later than a whole period each slot's packet came after the one before, us; 0 in empty slots."""
    jitter = np.zeros(slots[-1] + 1, np.float32)
    late = np.diff(time[: slots.size]) - np.diff(slots) * period
    jitter[slots[1:]] = late.clip(-period / 4, period / 4)
    return jitter


def jitter_correlation(a: Array, b: Array) -> float:
    """Correlation of the steps between paired packets, whole periods taken out. -1 to 1."""
    period = float(np.median(np.diff(a)))
    steps = [np.diff(time) - np.round(np.diff(a) / period) * period for time in (a, b)]
    steps = [step - step.mean() for step in steps]
    norm = float(np.sqrt((steps[0] ** 2).sum() * (steps[1] ** 2).sum()))
    return float((steps[0] * steps[1]).sum()) / norm if norm > 0 else 0.0


def _two_wide(train: Array) -> Array:
    """Each impulse in two bins, so that no pair falls between bins."""
    return np.convolve(train, (1.0, 1.0)).astype(np.float32)


def _correlation_peaks(a: Array, b: Array) -> Array:
    """Shifts (CANDIDATES,) of b against a, highest cross-correlation first."""
    size = fast_length(a.size + b.size)
    correlation = np.fft.irfft(np.conj(np.fft.rfft(a, size)) * np.fft.rfft(b, size), size)
    peaks = np.flatnonzero((correlation >= np.roll(correlation, 1)) & (correlation > np.roll(correlation, -1)))
    peaks = peaks[np.argsort(correlation[peaks])[::-1][:CANDIDATES]]
    return np.where(peaks < b.size, peaks, peaks - size)


def _refine(a: Array, b: Array, lag: float, start: float, stop: float) -> Fit:
    """Match, fit a line, match again: first on the stretch the lag was found on, then on ever more around it."""
    offset, slope = lag, 0.0
    while True:
        first, last = np.searchsorted(a, (start, stop))
        index_a = index_b = np.empty(0, np.int64)
        for _ in range(3):  # the line converges in two; the third proves it
            before = index_a, index_b
            index_a, index_b = match(a[first:last], b, offset, slope, TOLERANCE_US)
            index_a += first
            if index_a.size < MIN_PAIRS:
                return offset, slope, index_a, index_b, np.inf
            if np.array_equal(index_a, before[0]) and np.array_equal(index_b, before[1]):
                break  # the same pairs give the same line
            offset, slope, residual = quick_line(a[index_a], b[index_b])
        if start <= 0 and stop > a[-1]:
            return offset, slope, index_a, index_b, residual
        width = stop - start
        start, stop = start - width, stop + width


def fit_line(a: Array, b: Array) -> tuple[float, float, float]:
    """Offset (us), slope and residual (us) of b - a over a, without the pairs beyond four deviations."""
    difference = b - a
    keep = np.ones(a.size, bool)
    for _ in range(3):
        slope, offset = np.polyfit(a[keep], difference[keep], 1)
        error = difference - (offset + slope * a)
        spread = error[keep].std()
        keep = np.abs(error) <= max(4.0 * spread, 4.0)  # never below 4 us: the clocks tick in whole microseconds
    return float(offset), float(slope), float(spread)


@njit(cache=True, nogil=True)
def quick_line(a: Array, b: Array) -> tuple[float, float, float]:
    """`fit_line` to a billionth of a microsecond, forty times faster: by sums, without a matrix.

    a, b  (N,) float64 microseconds; fit_line is its plain twin
    """
    keep = np.ones(a.size, np.bool_)
    offset, slope, spread = 0.0, 0.0, 0.0
    for _ in range(3):
        count, mean_x, mean_y = 0, 0.0, 0.0
        for n in range(a.size):
            if keep[n]:
                count += 1
                mean_x += a[n]
                mean_y += b[n] - a[n]
        mean_x /= count
        mean_y /= count
        xx, xy = 0.0, 0.0
        for n in range(a.size):
            if keep[n]:
                xx += (a[n] - mean_x) ** 2
                xy += (a[n] - mean_x) * (b[n] - a[n] - mean_y)
        slope = xy / xx if xx > 0.0 else 0.0
        offset = mean_y - slope * mean_x
        squares = 0.0  # the line goes through the means, so that the errors' mean is zero
        for n in range(a.size):
            if keep[n]:
                squares += (b[n] - a[n] - offset - slope * a[n]) ** 2
        spread = np.sqrt(squares / count)
        limit = max(4.0 * spread, 4.0)
        for n in range(a.size):
            keep[n] = abs(b[n] - a[n] - offset - slope * a[n]) <= limit
    return offset, slope, spread


def share(index_a: Array, index_b: Array) -> float:
    """Pairs over the larger number of packets heard between the first and the last pair."""
    if index_a.size == 0:
        return 0.0
    heard_a = index_a[-1] - index_a[0] + 1
    heard_b = index_b[-1] - index_b[0] + 1
    return float(index_a.size / max(heard_a, heard_b))


@njit(cache=True, nogil=True)
def match(a: Array, b: Array, offset: float, slope: float, tolerance: float) -> tuple[Array, Array]:
    """Pair each a with the nearest b on the line b = a + offset + slope * a, each packet used once.

    a, b     (N,), (M,) float64 microseconds, not decreasing
    returns  indices (P,), (P,) int64, increasing
    """
    index_a = np.empty(a.size, np.int64)
    index_b = np.empty(a.size, np.int64)
    n = 0
    j = 0
    for i in range(a.size):
        target = a[i] + offset + slope * a[i]
        while j < b.size and b[j] < target - tolerance:
            j += 1
        if j == b.size:
            break
        best = j
        m = j + 1
        while m < b.size and b[m] <= target + tolerance:  # on past equal stamps, up to the nearest
            if abs(b[m] - target) < abs(b[best] - target):
                best = m
            m += 1
        if abs(b[best] - target) <= tolerance:
            index_a[n] = i
            index_b[n] = best
            n += 1
            j = best + 1
    return index_a[:n], index_b[:n]


def match_plain(a: Array, b: Array, offset: float, slope: float, tolerance: float) -> tuple[Array, Array]:
    """The same as `match`, one packet after another in plain Python."""
    pairs: list[tuple[int, int]] = []
    for i, target in enumerate(a + offset + slope * a):
        free = range(pairs[-1][1] + 1 if pairs else 0, b.size)
        near = [j for j in free if abs(b[j] - target) <= tolerance]
        if near:
            pairs.append((i, min(near, key=lambda j: abs(b[j] - target))))
    index = np.array(pairs, np.int64).reshape(-1, 2)
    return index[:, 0], index[:, 1]
