"""A filmed walk becomes truth: 17 joints in the room's frame on the session's clock, and how far to trust them.

    landmarks ─> lag ─> stills on the marked spots ─> lens ─> hips and bodies in the room ─┐
                                              joints <─ limb lengths <─ smoothing <─ gaps ─┘

Pictures in which a joint stays hidden longer than MAX_HIDDEN_S are left out, for a pose model guesses there; so the
result has gaps, and nothing may be interpolated across them (`gap_s`).
"""

from dataclasses import dataclass

import msgspec
import numpy as np
from scipy.signal import butter, sosfiltfilt

from calibration.lag import Lag, find_lag, motion_of_landmarks
from calibration.landmarks import FEET, Landmarks, joints_of_landmarks, visibility_of_joints
from calibration.lens import SEEN, Lens, Stills, fit_lens, spots_of
from calibration.walk import Prompt, Walk
from edge.arrays import Array
from edge.errors import RecordingError
from edge.pose import CHAIN
from edge.skeleton import EDGES, JOINTS

RATE_HZ = 30.0  # of the joints
SMOOTH_HZ = 6.0  # walking holds less than 5 Hz at the ankle (Winter, Biomechanics and Motor Control, ch. 2)
MAX_HIDDEN_S = 0.5
MIN_STRETCH_S = 1.0  # shorter ones are all edge to the filter
MIN_SHARE = 0.2  # of the pictures, with the whole body
SETTLE_S = 1.0  # after a prompt people still move
LEAVE_S = 0.3  # and they start early
MIN_STILL = 10  # pictures
STANDING = ("stand", "arms-up", "arms-wide")  # a seated person's feet are before the spot
LEGS = (("LHip", "LKnee"), ("LKnee", "LAnkle"), ("RHip", "RKnee"), ("RKnee", "RAnkle"))
UPRIGHT = (*LEGS, ("MidHip", "Neck"), ("Neck", "Head"))
ANKLE_M = 0.07  # its height over the floor, standing; the median of motion capture
NEED_LOO = 4  # spots; with fewer, leaving one out leaves too few
MAX_GROWTH = 0.15  # natural logarithm; feet for metres are 1.2, a pose model's idea of a body is off by less than 0.1
GOOD_SPOT_MM = 250.0  # people stand 50 mm beside a mark; what is further off is no camera in this room


class CameraReport(msgspec.Struct, frozen=True):
    """How well the film fits the room and the packets."""

    pictures: int  # with a person
    kept: float  # share of them in the result
    offset_s: float  # session time = offset_s + (1 + drift_ppm 1e-6) video time
    drift_ppm: float
    correlation: float  # of motion in the film and in the packets
    confidence: float  # 0..1, how far that stands above every other lag's
    residual_ms: float | None  # rms of stretches about the line; None: too short to tell
    camera_m: tuple[float, float, float]
    focal: float  # picture widths
    body_scale: float  # metres for one of the pose model's
    height_m: float  # of the person, as filmed
    stated_height_m: float
    spots: int
    spot_mm: float  # mean distance of the standing person's feet from the spot
    spot_left_out_mm: float | None  # the same of spots that the camera was not fitted to; None: too few
    facing_deg: float | None  # mean difference from where the person was asked to face; None: not asked
    limb_spread: float  # median over limbs: spread of its length over the film before it is made constant, share of it


@dataclass(frozen=True, eq=False)
class Filmed:
    """What `joints.npz` of a session holds."""

    time_s: Array  # (T,) float64, session's clock, with gaps
    joints: Array  # (T, 17, 3) float32 metres, room frame
    report: CameraReport

    @property
    def gap_s(self) -> float:
        """Steps longer than this are gaps."""
        return 1.5 / RATE_HZ


def film(marks: Landmarks, channel: tuple[Array, Array], walk: Walk, search_s: float, about_s: float = 0.0) -> Filmed:
    """Joints of a filmed walk.

    channel   seconds on the session's clock and the channel's motion (`lag.motion_of_recording`)
    search_s  how far the video's beginning may be from about_s on the session's clock
    Raises RecordingError where film, packets and spots do not fit together, saying what to do.
    """
    lag = find_lag(motion_of_landmarks(marks), channel, search_s, about_s)
    stills = _stills(marks, lag, walk)
    scale = walk.height_m / _height(stills.points)
    lens = fit_lens(stills, marks.aspect, scale)
    height_m = lens.scale * _height(stills.points)
    spot_mm = float(np.linalg.norm(_feet(lens, stills) - stills.spot_m, axis=1).mean()) * 1e3
    left_out_mm = _left_out_mm(stills, marks.aspect, scale)
    _check(lens, height_m, walk.height_m, spot_mm if left_out_mm is None else left_out_mm)
    time_s, joints, spread = _joints(marks, lens)
    kept = time_s.size / max(_pictures_at_rate(marks), 1)
    if kept < MIN_SHARE:
        raise RecordingError(
            f"the camera sees the whole body in only {kept:.0%} of the pictures, needed {MIN_SHARE:.0%}: move it back "
            "or what stands in front of the person, and film again"
        )
    report = CameraReport(
        pictures=len(marks.time_s),
        kept=min(kept, 1.0),
        offset_s=lag.offset_s,
        drift_ppm=lag.drift_ppm,
        correlation=lag.correlation,
        confidence=lag.confidence,
        residual_ms=lag.residual_ms,
        camera_m=_place(lens.place_m),
        focal=lens.focal,
        body_scale=lens.scale,
        height_m=height_m,
        stated_height_m=walk.height_m,
        spots=int(spots_of(stills.spot_m).max()) + 1,
        spot_mm=spot_mm,
        spot_left_out_mm=left_out_mm,
        facing_deg=_facing_deg(lens, stills),
        limb_spread=spread,
    )
    return Filmed(lag.session_s(time_s), joints.astype(np.float32), report)


def _check(lens: Lens, height_m: float, stated_m: float, spot_mm: float) -> None:
    """Raises RecordingError where the best fit is a room that is not this one."""
    if lens.place_m[2] < 0:
        raise RecordingError(
            "the film fits only a camera under the floor: is the picture mirrored? Switch mirroring off, and film again"
        )
    if abs(np.log(height_m / stated_m)) > MAX_GROWTH:
        raise RecordingError(
            f"by the marked spots the person in the film is {height_m:.2f} m tall, and {stated_m:.2f} m was given: are "
            "the spots' places in metres, and is the height right?"
        )
    if spot_mm > GOOD_SPOT_MM:
        raise RecordingError(
            f"the film puts the person {spot_mm:.0f} mm off the marked spots, more than {GOOD_SPOT_MM:.0f}: are their "
            "places right, and did the camera stay where it was?"
        )


def _stills(marks: Landmarks, lag: Lag, walk: Walk) -> Stills:
    """The median picture of every prompt to stand on a spot."""
    time_s = lag.session_s(marks.time_s)
    rows: list[tuple[Array, Array, Array, Prompt]] = []
    for prompt in walk.prompts:
        if prompt.pose not in STANDING:
            continue
        within = (time_s >= prompt.start_s + SETTLE_S) & (time_s <= prompt.end_s - LEAVE_S)
        feet = (marks.visibility[:, FEET] >= SEEN).all(axis=1)
        if (within & feet).sum() < MIN_STILL:
            continue
        at = within & feet
        rows.append(
            (np.median(marks.points[at], 0), np.median(marks.image[at], 0), np.median(marks.visibility[at], 0), prompt)
        )
    if not rows:
        raise RecordingError(
            "the camera never saw the feet of the person standing on a marked spot: move it back or lower it, so that "
            "it sees the whole body everywhere, and film again"
        )
    points, image, visibility, prompts = (list(column) for column in zip(*rows, strict=True))
    return Stills(
        np.array(points), np.array(image), np.array(visibility), np.array([prompt.start_m for prompt in prompts]),
        np.array([np.nan if prompt.facing_deg is None else np.radians(prompt.facing_deg) for prompt in prompts]),
    )  # fmt: skip


def _joints(marks: Landmarks, lens: Lens) -> tuple[Array, Array, float]:
    """Video seconds (T,), joints (T, 17, 3) float64 metres in the room, and the spread of limb lengths before."""
    hips, body = lens.hips(marks)
    joints = joints_of_landmarks(body)
    seen = (visibility_of_joints(marks.visibility) >= SEEN) & np.isfinite(hips).all(axis=1)[:, None]
    limbs = np.stack([joints[:, child] - joints[:, parent] for parent, child in EDGES], axis=1)  # (N, 16, 3)
    certain = np.stack([seen[:, child] & seen[:, parent] for parent, child in EDGES], axis=1)
    lengths, spread = _limb_lengths(limbs, certain)
    times, parts = [], []
    for grid in _grids(marks.time_s, np.column_stack((np.isfinite(hips).all(axis=1), certain))):
        root = _smooth(_at(grid, marks.time_s, hips, np.isfinite(hips).all(axis=1)))
        way = [_at(grid, marks.time_s, limbs[:, limb], certain[:, limb]) for limb in range(len(EDGES))]
        turned = _smooth(np.stack(way, axis=1))
        turned /= np.maximum(np.linalg.norm(turned, axis=-1, keepdims=True), 1e-9)
        times.append(grid)
        parts.append(root[:, None] + CHAIN @ (turned * lengths[:, None]))
    if not times:
        return np.empty(0), np.empty((0, len(JOINTS), 3)), spread
    return np.concatenate(times), np.concatenate(parts), spread


def _grids(time_s: Array, certain: Array) -> list[Array]:
    """Times at RATE_HZ of each stretch in which nothing is hidden for longer than MAX_HIDDEN_S."""
    grid = np.arange(np.ceil(time_s[0] * RATE_HZ), np.floor(time_s[-1] * RATE_HZ) + 1) / RATE_HZ
    good = np.ones(len(grid), bool)
    for column in certain.T:
        known = time_s[column]
        after = np.searchsorted(known, grid)
        inside = (after > 0) & (after < known.size)
        safe = after.clip(1, max(known.size - 1, 1))
        if known.size < 2:
            return []
        on_it = np.isclose(known[safe], grid) | np.isclose(known[safe - 1], grid)
        good &= on_it | (inside & (known[safe] - known[safe - 1] <= MAX_HIDDEN_S))
    edges = np.flatnonzero(np.diff(np.concatenate(([False], good, [False]))))
    return [grid[a:b] for a, b in edges.reshape(-1, 2) if (b - a) / RATE_HZ >= MIN_STRETCH_S]


def _limb_lengths(limbs: Array, certain: Array) -> tuple[Array, float]:
    """Median length of each limb, both sides of the body alike: (16,) metres; and the median spread over the film."""
    length = np.linalg.norm(limbs, axis=-1)
    usual = np.array([np.median(length[sure, limb]) if sure.any() else np.nan for limb, sure in enumerate(certain.T)])
    off = [np.median(np.abs(length[sure, i] - usual[i])) / usual[i] for i, sure in enumerate(certain.T) if sure.any()]
    names = [JOINTS[child] for _, child in EDGES]
    for limb, name in enumerate(names):
        if name.startswith("L") and "R" + name[1:] in names:
            other = names.index("R" + name[1:])
            usual[[limb, other]] = np.nanmean(usual[[limb, other]])
    return usual, 1.4826 * float(np.median(off)) if off else float("nan")


def _left_out_mm(stills: Stills, aspect: float, scale: float) -> float | None:
    """Mean distance from each spot of a camera that was fitted to the others."""
    which = spots_of(stills.spot_m)
    if which.max() + 1 < NEED_LOO:
        return None
    misses = []
    for spot in range(which.max() + 1):
        out = which == spot
        try:
            lens = fit_lens(_some(stills, ~out), aspect, scale)
        except RecordingError:  # the others lie on one line
            continue
        misses.append(float(np.linalg.norm(_feet(lens, _some(stills, out)) - stills.spot_m[out], axis=1).mean()))
    return float(np.mean(misses)) * 1e3 if misses else None


def _feet(lens: Lens, stills: Stills) -> Array:
    """Middle of the feet on the floor, (K, 2) metres, as any picture's would be found."""
    marks = Landmarks(np.arange(len(stills.points)), stills.points, stills.image, stills.visibility, lens.aspect)
    hips, body = lens.hips(marks)
    return np.asarray((hips + body[:, FEET].mean(axis=1))[:, :2])


def _facing_deg(lens: Lens, stills: Stills) -> float | None:
    asked = np.isfinite(stills.facing_rad)
    if not asked.any():
        return None
    off = np.angle(np.exp(1j * (lens.facing(stills) - stills.facing_rad)))[asked]
    return float(np.degrees(np.abs(off).mean()))


def _height(points: Array) -> float:
    """Of the body (K, 33, 3) if it stood up straight: its limbs from the ankle up, median."""
    joints = joints_of_landmarks(points)
    bones = [
        np.median(np.linalg.norm(joints[:, JOINTS.index(child)] - joints[:, JOINTS.index(parent)], axis=1))
        for parent, child in UPRIGHT
    ]
    return float(np.sum(bones[:4])) / 2 + float(np.sum(bones[4:])) + ANKLE_M


def _some(stills: Stills, kept: Array) -> Stills:
    return Stills(
        stills.points[kept], stills.image[kept], stills.visibility[kept], stills.spot_m[kept], stills.facing_rad[kept]
    )  # fmt: skip


def _at(grid: Array, time_s: Array, values: Array, certain: Array) -> Array:
    """Values (N, 3) where they are certain, between them in a straight line: (G, 3)."""
    return np.stack([np.interp(grid, time_s[certain], values[certain, axis]) for axis in range(3)], axis=-1)


def _smooth(values: Array) -> Array:
    """Both ways, so that nothing comes late."""
    sos = butter(2, SMOOTH_HZ, fs=RATE_HZ, output="sos")
    return np.asarray(sosfiltfilt(sos, values, axis=0, padlen=min(15, len(values) - 1)))


def _pictures_at_rate(marks: Landmarks) -> int:
    return round(float(marks.time_s[-1] - marks.time_s[0]) * RATE_HZ)


def _place(place_m: Array) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 3) for value in place_m)
    return x, y, z
