"""Motion augmentation: takes that nobody captured, made of those that somebody did.

The household motion to learn from is under eight minutes, and a network knows it by heart before it knows how people
move. So a take that is only learnt from may have another's arms, another body, another pace and another way through
the room. Joints stay at their limbs' ends; what is not kept is a foot's hold on the floor, which slips as far as a
limb was changed.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from edge.arrays import Array
from edge.pose import CHAIN
from edge.skeleton import EDGES, JOINTS, ROOT
from firmware_tools.simulate.motion import Clip
from models.metrics import heading, turned

PLAIN = 0.3  # of the takes stay as captured
LENGTH = 0.06  # deviation of a limb's length, left and right alike
PACE = 0.15  # deviation of the pace within a take, natural logarithm
PACE_S = 1.0  # how long a pace lasts
TURN_RAD_S = 0.4  # deviation of the turning that is added
TURN_S = 1.5
TURNING = 0.6  # of the takes
HEADING_S = 0.5  # hips face hither and thither while somebody lies
# Deviation of what is added to a posture, degrees, for all of a take: of a limb and everything beyond it.
POSTURE_DEG = {"Back": 5, "Neck": 5, "Nose": 8, "LKnee": 4, "LElbow": 14, "LWrist": 18, "RKnee": 4, "RElbow": 14,
               "RWrist": 18}  # fmt: skip
TRADED = {"nothing": 0.45, "left arm": 0.075, "right arm": 0.075, "arms": 0.25, "upper body": 0.15}
ARMS = {"left arm": ("LElbow", "LWrist"), "right arm": ("RElbow", "RWrist"),
        "arms": ("LElbow", "LWrist", "RElbow", "RWrist")}  # fmt: skip
LIMB = {JOINTS[child]: n for n, (_, child) in enumerate(EDGES)}  # the limb that ends at a joint
UPPER = [n for name, n in LIMB.items() if "Hip" not in name and "Knee" not in name and "Ankle" not in name]
PARENTS, CHILDREN = np.array(EDGES).T


def augmented(clip: Clip, others: list[Clip], rng: np.random.Generator) -> Clip:
    """The clip as somebody else might have acted it, or as it is; others are those whose arms it may be given."""
    if rng.uniform() < PLAIN or len(clip.joints) < 4:
        return clip
    joints = _paced(clip, rng)
    lowest = joints[..., 2].min(axis=1)
    root, facing = joints[:, ROOT], _facing(joints, clip.frames_per_s)
    limbs = _limbs(joints, facing)
    trade = str(rng.choice(list(TRADED), p=list(TRADED.values())))
    if trade != "nothing":
        other = others[int(rng.integers(len(others)))]
        limbs = _traded(limbs, _meanwhile(other, len(limbs), rng), trade)
    limbs = _postured(limbs, rng) * _lengths(rng)[:, None]
    way, turn = _way(root[:, :2], clip.frames_per_s, rng)
    body = turned(CHAIN @ limbs, facing + turn)
    body[..., :2] += way[:, None]
    body[..., 2] += (lowest - body[..., 2].min(axis=1))[:, None]
    return Clip(clip.person, clip.group, clip.name + "+", clip.label, body.astype(np.float32), clip.frames_per_s)


def _paced(clip: Clip, rng: np.random.Generator) -> Array:
    """Faster here, slower there: joints (T, 17, 3) float64 metres, of as many frames."""
    count = len(clip.joints)
    pace = np.exp(PACE * _smooth(count - 1, PACE_S * clip.frames_per_s, rng))
    time = np.concatenate(([0.0], np.cumsum(pace)))
    return np.asarray(clip.at(time / time[-1] * clip.seconds))


def _facing(joints: Array, frames_per_s: float) -> Array:
    """Where somebody faces, smoothly: (T,) radians."""
    unit = np.exp(1j * heading(joints))
    sigma = HEADING_S * frames_per_s
    return np.asarray(np.arctan2(gaussian_filter1d(unit.imag, sigma), gaussian_filter1d(unit.real, sigma)))


def _limbs(joints: Array, facing: Array) -> Array:
    """Vectors of the limbs in the frame of who faces along x: (T, 16, 3) metres."""
    body = turned(joints - joints[:, ROOT : ROOT + 1], -facing)
    return np.asarray(body[:, CHILDREN] - body[:, PARENTS])


def _meanwhile(other: Clip, count: int, rng: np.random.Generator) -> Array:
    """Limbs of another take in as many frames, there and back where it is shorter: (T, 16, 3) metres."""
    if rng.uniform() < 0.5:
        other = other.mirrored()
    length = len(other.joints)
    frames = int(rng.integers(length)) + np.arange(count)
    back = 2 * max(length - 1, 1)
    frames = np.minimum(frames % back, back - frames % back)
    joints = other.joints.astype(np.float64)
    return np.asarray(_limbs(joints, _facing(joints, other.frames_per_s))[frames])


def _traded(limbs: Array, others: Array, trade: str) -> Array:
    """Somebody's limbs with another's upper body, or with another's arms on the own trunk; lengths stay."""
    out = limbs.copy()
    if trade == "upper body":
        new, which = others[:, UPPER], UPPER
    else:
        which = [LIMB[joint] for joint in ARMS[trade]]
        new = np.einsum("tij,tkj,tnk->tni", _trunk(limbs), _trunk(others).swapaxes(1, 2), others[:, which])
    length = np.linalg.norm(limbs[:, which], axis=2, keepdims=True)
    out[:, which] = new * length / np.maximum(np.linalg.norm(new, axis=2, keepdims=True), 1e-6)
    return out


def _trunk(limbs: Array) -> Array:
    """The trunk's axes as columns, from shoulders and neck: (T, 3, 3)."""
    across = limbs[:, LIMB["LShoulder"]] - limbs[:, LIMB["RShoulder"]]
    up = limbs[:, LIMB["Neck"]] + limbs[:, LIMB["Back"]]
    across = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    ahead = np.cross(across, up)
    ahead = ahead / np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-6)
    return np.stack((ahead, across, np.cross(ahead, across)), axis=2)


def _postured(limbs: Array, rng: np.random.Generator) -> Array:
    """Every joint bent a little further all the while, with everything beyond it."""
    turns = {ROOT: Rotation.identity()}
    for parent, child in EDGES:
        bent = np.radians(POSTURE_DEG.get(JOINTS[child], 0.0)) * rng.standard_normal(3)
        turns[child] = turns[parent] * Rotation.from_rotvec(bent)
    return np.stack([turns[child].apply(limbs[:, n]) for n, (_, child) in enumerate(EDGES)], axis=1)


def _lengths(rng: np.random.Generator) -> Array:
    """What every limb's length is multiplied by: (16,), left and right alike."""
    drawn = {name.lstrip("LR"): np.exp(LENGTH * rng.standard_normal()) for name in LIMB}
    return np.array([drawn[JOINTS[child].lstrip("LR")] for child in CHILDREN])


def _way(root: Array, frames_per_s: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """The hips' way (T, 2) metres bent to the left and to the right, and what it is turned by (T,) radians."""
    turn = np.zeros(len(root))
    if rng.uniform() < TURNING:
        speed = TURN_RAD_S * _smooth(len(root), TURN_S * frames_per_s, rng)
        turn = np.cumsum(speed) / frames_per_s
    steps = np.diff(root, axis=0)
    middle = (turn[1:] + turn[:-1]) / 2
    cosine, sine = np.cos(middle), np.sin(middle)
    bent = np.stack((cosine * steps[:, 0] - sine * steps[:, 1], sine * steps[:, 0] + cosine * steps[:, 1]), axis=1)
    return root[0] + np.concatenate((np.zeros((1, 2)), np.cumsum(bent, axis=0))), turn


def _smooth(count: int, sigma: float, rng: np.random.Generator) -> Array:
    """Noise of deviation 1 that changes over so many points: (count,)."""
    noise = gaussian_filter1d(rng.standard_normal(count + 2 * int(4 * sigma)), sigma)[int(4 * sigma) :][:count]
    return np.asarray(noise * np.sqrt(2.0 * np.sqrt(np.pi) * sigma))
