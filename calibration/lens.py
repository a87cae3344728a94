"""Where the camera stands, from a person who stood on marked spots; and then where the person is in any picture.

A pinhole with square pixels, its middle in the picture's middle. World landmarks have no place (they are about the
middle of the hips) and are seen from the person's own line of sight: a pose model is shown the person cut out, and
cannot know how far from the picture's middle that was. So with q a world landmark, in camera axes (x right, y down,
z away), and in the room:

    p = scale * turn(line of sight) q + t          R (room from camera), C (the camera's place):  room = R p + C

One fit finds the focal length, R, C and the body's scale from the median picture of each time somebody stood on a spot:
the middle of the feet is put on the spot, and the rest of the body must then appear where it does, and stand upright.
Afterwards t follows picture by picture, linearly: the body must appear where it does, and its lowest foot touch the
floor. Where the feet are hidden, the body's apparent size alone tells the distance.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from calibration.landmarks import BODY, FEET, LEFT_HIP, LEFT_SHOULDER, RIGHT_HIP, RIGHT_SHOULDER, Landmarks
from edge.arrays import Array
from edge.errors import RecordingError

SEEN = 0.5  # visibility; below it MediaPipe itself counts a landmark as hidden
SOLE_M = 0.02  # heel and toe landmarks lie inside the foot
MARK_M = 0.04  # how far off landmarks are, as a spread
FLOOR_M = 0.03  # the same of the lowest foot over the floor
UPRIGHT_M = 0.06  # how far shoulders are from straight above the feet
FACING_RAD = 0.17  # people face where they were asked to within 10 degrees
FOCAL = 0.85  # picture widths; webcams see 53 to 78 degrees across, 1.0 to 0.62
FOCAL_SPREAD = 0.3  # natural logarithm
SIZE_SPREAD = 0.05  # how well a body's scale is known from its height, natural logarithm
FOCALS_TRIED = (0.6, 0.75, 0.95, 1.25)
MIN_SPOTS = 3
SAME_M = 0.25  # marks are further apart
MIN_AREA_M = 0.3  # spread of the spots across their longest line; less is a line, which leaves the floor free to turn


@dataclass(frozen=True, eq=False)
class Stills:
    """Times when the person stood still on a known spot; of each the median picture."""

    points: Array  # (K, 33, 3) as Landmarks
    image: Array  # (K, 33, 2) as Landmarks
    visibility: Array  # (K, 33)
    spot_m: Array  # (K, 2) metres, room frame
    facing_rad: Array  # (K,), nan where nobody asked


@dataclass(frozen=True, eq=False)
class Lens:
    """A camera in the room's frame, and the scale of the body it sees."""

    focal: float  # picture widths
    turn: Rotation  # room from camera
    place_m: Array  # (3,)
    scale: float  # of world landmarks to metres
    aspect: float

    def body(self, points: Array, image: Array) -> Array:
        """World landmarks (N, 33, 3) about the hips, to scale, in the camera's axes."""
        sight = self._rays(image)[:, (LEFT_HIP, RIGHT_HIP)].mean(axis=1)  # what BlazePose cuts out is about the hips
        return np.asarray(self.scale * np.einsum("nij,nkj->nki", _towards(sight), points))

    def facing(self, stills: Stills) -> Array:
        """Where the shoulders face, (K,) radians counter-clockwise from the room's x axis."""
        body = self.body(stills.points, stills.image)
        left = self.turn.apply(body[:, LEFT_SHOULDER] - body[:, RIGHT_SHOULDER])
        return np.asarray(np.arctan2(-left[:, 0], left[:, 1]))  # forward is left turned by -90 degrees

    def hips(self, marks: Landmarks) -> tuple[Array, Array]:
        """Where the middle of the hips is, and the body about it.

        returns  (N, 3) and (N, 33, 3) float64 metres, room frame
        """
        body = self.body(marks.points, marks.image)
        rays = self._rays(marks.image)
        weight = np.where(marks.visibility >= SEEN, marks.visibility, 0.0)
        floor = self.turn.as_matrix()[2]
        feet = np.array(FEET).reshape(2, 2)  # heel and toe of either side; their mean is steadier than the lowest point
        sole = np.where((weight[:, feet.T] > 0).all(axis=2), (body[:, feet.T] @ floor).mean(axis=2), np.inf)
        low = _lowest(sole)  # over the hips, along z
        on_floor = np.isfinite(low)
        place = _translation(body[:, BODY], rays[:, BODY], weight[:, BODY], floor, np.where(on_floor, low, 0.0),
                             np.where(on_floor, MARK_M / FLOOR_M, 0.0), SOLE_M - self.place_m[2])  # fmt: skip
        turned = self.turn.apply(body.reshape(-1, 3)).reshape(body.shape)
        return self.turn.apply(place) + self.place_m, turned

    def _rays(self, image: Array) -> Array:
        return _rays(image, self.focal, self.aspect)


def fit_lens(stills: Stills, aspect: float, body_scale: float) -> Lens:
    """The camera that explains the stills best.

    body_scale  what the person's height says of the scale of its world landmarks
    Raises RecordingError where the spots do not tell the camera's place.
    """
    which = spots_of(stills.spot_m)
    spots = np.array([stills.spot_m[which == spot].mean(axis=0) for spot in range(which.max() + 1)])
    spread = np.linalg.svd(spots - spots.mean(axis=0), compute_uv=False)
    if len(spots) < MIN_SPOTS or spread[1] < MIN_AREA_M:
        raise RecordingError(
            f"the camera saw the person standing on {len(spots)} marked spot{'s' * (len(spots) != 1)}: it needs "
            f"{MIN_SPOTS}, not on one line; move the camera so that it sees them all with the feet, and film again"
        )

    def misses(values: Array) -> Array:
        return _misses(_lens(values, aspect), stills, body_scale)

    starts = [_start(stills, focal, aspect, body_scale) for focal in FOCALS_TRIED]
    fits = [least_squares(misses, start, loss="soft_l1", x_scale="jac", max_nfev=200) for start in starts]
    return _lens(min(fits, key=lambda fit: float(fit.cost)).x, aspect)


def spots_of(spot_m: Array) -> Array:
    """Number each place (K, 2) metres by the spot it is on, from 0: (K,) int64."""
    which = np.zeros(len(spot_m), np.int64)
    firsts: list[Array] = []
    for i, place in enumerate(spot_m):
        near = [n for n, first in enumerate(firsts) if np.linalg.norm(place - first) < SAME_M]
        if not near:
            firsts.append(place)
        which[i] = near[0] if near else len(firsts) - 1
    return which


def _lens(values: Array, aspect: float) -> Lens:
    """values (8,): log focal, rotation vector (3), place (3), log scale."""
    return Lens(
        float(np.exp(values[0])), Rotation.from_rotvec(values[1:4]), values[4:7], float(np.exp(values[7])), aspect
    )


def _misses(lens: Lens, stills: Stills, body_scale: float) -> Array:
    """What the fit makes small, each in units of its own spread. (R,) float64"""
    body = lens.body(stills.points, stills.image)
    foot = body[:, FEET].mean(axis=1)
    spot = np.column_stack((stills.spot_m, np.full(len(stills.spot_m), SOLE_M)))
    at = body + (lens.turn.inv().apply(spot - lens.place_m) - foot)[:, None]  # (K, 33, 3) camera axes
    rays = _rays(stills.image, lens.focal, lens.aspect)
    off = at[..., :2] - at[..., 2:] * rays[..., :2]  # metres, in the plane of the landmark
    weight = np.where(stills.visibility >= SEEN, stills.visibility, 0.0)
    up = lens.turn.apply(body[:, (LEFT_SHOULDER, RIGHT_SHOULDER)].mean(axis=1) - foot)
    turn = np.angle(np.exp(1j * (lens.facing(stills) - stills.facing_rad)))
    return np.concatenate((
        (off * weight[..., None])[:, BODY].ravel() / MARK_M,
        up[:, :2].ravel() / UPRIGHT_M,
        np.nan_to_num(turn) / FACING_RAD,
        [(np.log(lens.focal) - np.log(FOCAL)) / FOCAL_SPREAD, np.log(lens.scale / body_scale) / SIZE_SPREAD],
    ))  # fmt: skip


def _start(stills: Stills, focal: float, aspect: float, scale: float) -> Array:
    """Where the fit begins: the feet as the bodies' apparent sizes place them, turned onto the spots (Kabsch)."""
    seen = Lens(focal, Rotation.identity(), np.zeros(3), scale, aspect)
    body = seen.body(stills.points, stills.image)
    weight = np.where(stills.visibility >= SEEN, stills.visibility, 0.0)
    zero = np.zeros(len(body))
    place = _translation(
        body[:, BODY], _rays(stills.image, focal, aspect)[:, BODY], weight[:, BODY], np.zeros(3), zero, zero, 0.0
    )
    foot = body[:, FEET].mean(axis=1)
    up = body[:, (LEFT_SHOULDER, RIGHT_SHOULDER)].mean(axis=1) - foot
    up = up.mean(axis=0) / np.linalg.norm(up.mean(axis=0))
    ours = np.concatenate((place + foot, place + foot + up))
    room = np.column_stack((stills.spot_m, np.zeros(len(body))))
    room = np.concatenate((room, room + np.array((0.0, 0.0, 1.0))))
    turn, _ = Rotation.align_vectors(room - room.mean(axis=0), ours - ours.mean(axis=0))
    at = room.mean(axis=0) - turn.apply(ours.mean(axis=0))
    return np.concatenate(([np.log(focal)], turn.as_rotvec(), at, [np.log(scale)]))


def _translation(
    body: Array, rays: Array, weight: Array, floor: Array, low: Array, floor_weight: Array, height: float
) -> Array:
    """Where bodies are, so that they appear where they do: for each landmark (x, y) - z ray = 0, linear in t.

    body    (N, L, 3) camera axes about the hips, metres; rays (N, L, 3) with z = 1; weight (N, L)
    floor   (3,) the room's z in camera axes; floor . t + low = height of the lowest foot, counted floor_weight (N,)
    returns (N, 3) float64 metres, camera axes
    """
    n, marks = weight.shape
    rows = np.zeros((n, marks, 2, 3))
    rows[..., 0, 0] = rows[..., 1, 1] = 1.0
    rows[..., 2] = -rays[..., :2]
    misses = body[..., 2:] * rays[..., :2] - body[..., :2]
    normal = np.einsum("nl,nlai,nlaj->nij", weight, rows, rows) + floor_weight[:, None, None] ** 2 * np.outer(
        floor, floor
    )
    target = np.einsum("nl,nlai,nla->ni", weight, rows, misses) + (floor_weight**2 * (height - low))[:, None] * floor
    few = np.linalg.cond(normal) > 1e8  # nothing seen, nothing known
    normal[few] = np.eye(3)
    target[few] = np.nan
    return np.asarray(np.linalg.solve(normal, target[..., None])[..., 0])


def _lowest(sole: Array) -> Array:
    """The lower of two soles (N, 2); where both are about as low both count, or noise alone would lower it."""
    least = sole.min(axis=1)
    known = np.isfinite(least)
    above = np.where(np.isfinite(sole), sole - np.where(known, least, 0.0)[:, None], np.inf)
    weight = np.exp(-above / FLOOR_M)
    mean = (weight * np.where(np.isfinite(sole), sole, 0.0)).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
    return np.where(known, mean, np.inf)


def _rays(image: Array, focal: float, aspect: float) -> Array:
    """Lines of sight (..., 3) in camera axes, z = 1."""
    x = (image[..., 0] - 0.5) / focal
    y = (image[..., 1] - 0.5) / aspect / focal
    return np.stack((x, y, np.ones_like(x)), axis=-1)


def _towards(sight: Array) -> Array:
    """The smallest turn from the camera's axis to a line of sight (N, 3): (N, 3, 3). Rodrigues, axis z x sight."""
    x, y, z = (sight / np.linalg.norm(sight, axis=1, keepdims=True)).T
    k = 1.0 / (1.0 + z)
    return np.stack((
        np.stack((1 - k * x * x, -k * x * y, x), -1),
        np.stack((-k * x * y, 1 - k * y * y, y), -1),
        np.stack((-x, -y, z), -1),
    ), axis=1)  # fmt: skip
