"""How late a video runs against the packets: the body's motion in the pictures beside the motion in the channel.

Both are taken on one grid, as logarithms less their own mean over HIGH_PASS_S, and correlated at every lag. A lag
counts where its correlation stands out from every other lag's: two recordings of different things correlate a little
everywhere. Then stretches of the video are placed one by one, and a line through them gives the drift: cameras' clocks,
and the picture rates that files claim, are off by up to a thousandth, 0.3 s in five minutes.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.stats import norm

from calibration.landmarks import BODY, LEFT_HIP, LEFT_SHOULDER, RIGHT_HIP, RIGHT_SHOULDER, Landmarks
from calibration.lens import SEEN
from edge.arrays import Array
from edge.errors import RecordingError
from edge.recording import Recording, slices
from edge.signal.grid import RATE_HZ
from edge.signal.path import SignalPath

STEP = 2  # grid points to each side; a walker's 40 Hz still fit
SHARED_S = 0.33
TINY = 1e-6  # power of a channel in which nothing moves
GRID_HZ = 25.0
HIGH_PASS_S = 20.0
JITTER_S = 0.2  # landmarks tremble from picture to picture; over this a step is a step
SMOOTH = 9  # grid points, 0.36 s; single ones are noise in either
PEAK_S = 1.5  # around the best lag, which other lags' correlations are compared with
MIN_OVERLAP_S = 20.0
MIN_CORRELATION = 0.55  # other walks of the same script reach 0.53 at some lag, their own 0.63 and more
MIN_CONFIDENCE = 0.98  # prompts of even lengths repeat themselves, and so do the correlations
INDEPENDENT_S = 1.0  # people go on as they did a second ago
MIN_STRETCH_CORRELATION = 0.4
MIN_STRETCHES = 3
STRETCH_SPREAD_S = 0.03  # of a stretch's own lag
DRIFT_SPREAD = 3e-4  # a claimed 30 for a true 29.97 pictures/s is 1e-3, a webcam's clock 1e-4
STRETCH_S = 40.0
STRETCH_SEARCH_S = 1.0


@dataclass(frozen=True)
class Lag:
    """Session time = offset_s + (1 + drift_ppm 1e-6) * video time."""

    offset_s: float
    drift_ppm: float
    correlation: float  # at the best lag
    confidence: float  # 0..1, that this lag is better than the best of the others (Fisher's z of both)
    residual_ms: float | None  # rms of the stretches about the line; None: too short to tell
    stretches: int  # that were placed

    def session_s(self, video_s: Array) -> Array:
        """Seconds on the session's clock."""
        return np.asarray(self.offset_s + (1 + self.drift_ppm * 1e-6) * video_s)


def motion_of_recording(recording: Recording) -> tuple[Array, Array]:
    """How quickly the channel changes: (G,) float64 seconds on the session's clock, and radians per second.

    The rate of change of the amplitudes over their own size, both as neighbouring subcarriers share it, which is the
    frequency of the paths' beating and so a body's speed over the wavelength. The size alone (`signal.motion`) is as
    large where somebody stands, and finds the wrong lag.
    """
    path = SignalPath(recording.links)
    columns, known = zip(*(path.columns(packets) for _, packets in slices(recording, 1e6)), strict=True)
    amplitude = np.concatenate(columns)[..., ::2].astype(np.float64)  # (G, 30, receiver)
    change = np.zeros_like(amplitude)
    change[STEP:-STEP] = (amplitude[2 * STEP :] - amplitude[: -2 * STEP]) * (RATE_HZ / (2 * STEP))
    rate = np.sqrt(_shared(change) / np.maximum(_shared(amplitude), TINY)).mean(axis=1)
    known_at = np.concatenate(known)
    return np.flatnonzero(known_at) / RATE_HZ, rate[known_at]


def _shared(values: Array) -> Array:
    """Power that neighbouring subcarriers share, over SHARED_S: (G, 30, receiver) to (G, receiver), never negative."""
    power = (values[:, 1:] * values[:, :-1]).mean(axis=1)
    return np.asarray(uniform_filter1d(power, round(SHARED_S * RATE_HZ), axis=0).clip(0.0))


def motion_of_landmarks(marks: Landmarks) -> tuple[Array, Array]:
    """The body's motion in the picture, limbs included: float64 video seconds, and body lengths per second.

    Needs no camera fit, and so can come before it. A body's length here is from hips to shoulders, as it appears.
    """
    flat = marks.image * (1.0, 1.0 / marks.aspect)  # picture widths
    trunk = flat[:, (LEFT_SHOULDER, RIGHT_SHOULDER)].mean(axis=1) - flat[:, (LEFT_HIP, RIGHT_HIP)].mean(axis=1)
    size = np.maximum(np.linalg.norm(trunk, axis=1), 0.01)
    over = max(round(JITTER_S / float(np.median(np.diff(marks.time_s)))), 1)
    moved = (flat[over:, BODY] - flat[:-over, BODY]) / size[over:, None, None]
    both = np.minimum(marks.visibility[over:, BODY], marks.visibility[:-over, BODY])
    weight = np.where(both >= SEEN, both, 0.0)
    power = ((moved**2).sum(axis=2) * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
    step = marks.time_s[over:] - marks.time_s[:-over]
    good = (weight.sum(axis=1) > 0) & (step < 0.5)
    return (marks.time_s[over:] - step / 2)[good], (np.sqrt(power) / step)[good]


def find_lag(video: tuple[Array, Array], channel: tuple[Array, Array], search_s: float, about_s: float = 0.0) -> Lag:
    """Place a video on the session's clock.

    video, channel  (seconds on its own clock, motion of any unit) each
    search_s        how far the offset may be from about_s
    Raises RecordingError where no lag stands out.
    """
    seen, heard = _on_grid(*video), _on_grid(*channel)
    shift = np.arange(round((about_s - search_s) * GRID_HZ), round((about_s + search_s) * GRID_HZ) + 1)
    score = _correlations(seen, heard, shift)
    if not np.isfinite(score).any():
        raise RecordingError(
            f"video and packets overlap nowhere by {MIN_OVERLAP_S:.0f} s within {search_s:.0f} s of each other: start "
            "both together, and film the whole walk"
        )
    best = int(np.nanargmax(score))
    others = score[np.abs(shift - shift[best]) > PEAK_S * GRID_HZ]
    other = max(float(np.nanmax(others)), 0.0) if np.isfinite(others).any() else 0.0
    correlation = float(score[best])
    seconds = min(len(seen[1]), len(heard[1])) / GRID_HZ
    confidence = float(norm.cdf((np.arctanh(correlation) - np.arctanh(other)) * np.sqrt(seconds / INDEPENDENT_S / 2)))
    if correlation < MIN_CORRELATION or confidence < MIN_CONFIDENCE:
        raise RecordingError(
            f"motion in the video and in the packets do not match (best correlation {correlation:.2f}, confidence "
            f"{confidence:.2f}; needed {MIN_CORRELATION} and {MIN_CONFIDENCE}): is it this walk's video, and does the "
            "camera see the person all the time?"
        )
    offset = float(shift[best] + _vertex(score, best)) / GRID_HZ
    placed = _stretches(seen, heard, offset)
    if len(placed) < MIN_STRETCHES:
        return Lag(offset, 0.0, correlation, confidence, None, len(placed))
    at, local = np.array(placed).T
    level, slope = _line(at, local)
    left = local - (level + slope * at)
    return Lag(level, slope * 1e6, correlation, confidence, float(np.sqrt((left**2).mean())) * 1e3, len(placed))


def _line(at: Array, local: Array) -> tuple[float, float]:
    """Offset at video second 0 and drift, which is near none unless the stretches agree that it is not (ridge)."""
    middle, level = at.mean(), np.median(local)
    near = np.abs(local - level) <= STRETCH_SEARCH_S / 2
    at, local = at[near], local[near]
    slope = ((at - middle) @ (local - local.mean())) / (
        (at - middle) @ (at - middle) + (STRETCH_SPREAD_S / DRIFT_SPREAD) ** 2
    )
    return float(local.mean() - slope * at.mean()), float(slope)


def _stretches(seen: tuple[int, Array], heard: tuple[int, Array], offset: float) -> list[tuple[float, float]]:
    """(video second, offset there) of each stretch whose own best lag is clear and not at the edge."""
    first, values = seen
    length = round(STRETCH_S * GRID_HZ)
    shift = round(offset * GRID_HZ) + np.arange(
        -round(STRETCH_SEARCH_S * GRID_HZ), round(STRETCH_SEARCH_S * GRID_HZ) + 1
    )
    placed = []
    for start in range(0, len(values) - length + 1, length // 2):
        score = _correlations((first + start, values[start : start + length]), heard, shift)
        if np.isnan(score).any():
            continue
        best = int(score.argmax())
        if score[best] >= MIN_STRETCH_CORRELATION and 0 < best < len(score) - 1:
            middle = (first + start + length / 2) / GRID_HZ
            placed.append((middle, (shift[best] + _vertex(score, best)) / GRID_HZ))
    return placed


def _on_grid(time_s: Array, values: Array) -> tuple[int, Array]:
    """Logarithm of each grid step's mean motion, less the mean around: the first grid point, and (G,), nan for none."""
    slot = np.round(time_s * GRID_HZ).astype(np.int64)
    first = int(slot.min())
    count = np.bincount(slot - first).astype(np.float64)
    mean = np.bincount(slot - first, values) / np.where(count, count, np.nan)
    known = np.isfinite(mean)
    quiet = np.nanquantile(mean, 0.2)
    level = np.where(known, np.log(np.where(known, mean, 1.0) + max(quiet, 1e-9)), 0.0)
    width = round(HIGH_PASS_S * GRID_HZ)
    around, near = (
        uniform_filter1d(level, size) / np.maximum(uniform_filter1d(known.astype(np.float64), size), 1e-9)
        for size in (width, SMOOTH)
    )
    return first, np.where(known, near - around, np.nan)


def _correlations(seen: tuple[int, Array], heard: tuple[int, Array], shifts: Array) -> Array:
    """Normalised correlation at each shift of the first against the second, nan where too little overlaps."""
    length = len(seen[1])
    need = min(MIN_OVERLAP_S * GRID_HZ, 0.9 * length)
    score = np.full(len(shifts), np.nan)
    for i, shift in enumerate(shifts):
        start = seen[0] + shift - heard[0]
        a = seen[1][max(-start, 0) : max(len(heard[1]) - start, 0)]
        b = heard[1][max(start, 0) : max(start, 0) + len(a)]
        a = a[: len(b)]
        both = np.isfinite(a) & np.isfinite(b)
        if both.sum() < max(need, length / 2):
            continue
        a, b = a[both] - a[both].mean(), b[both] - b[both].mean()
        score[i] = (a @ b) / max(float(np.sqrt((a @ a) * (b @ b))), 1e-12)
    return score


def _vertex(score: Array, best: int) -> float:
    """Of the parabola through the best three, in steps from the best one."""
    if not 0 < best < len(score) - 1:
        return 0.0
    before, here, after = score[best - 1 : best + 2]
    bend = before - 2 * here + after
    return float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0
