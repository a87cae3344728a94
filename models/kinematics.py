"""Forward kinematics: a skeleton whose limbs turn at the joints and never change their length.

The arrays are NumPy's or Keras'; `xp` is `numpy` or `keras.ops`.
"""

from typing import Any

import numpy as np

from edge.arrays import Array
from edge.skeleton import EDGES, JOINTS, N_JOINTS, ROOT
from models.metrics import heading, turned

NECK = JOINTS.index("Neck")

# First two rows of the identity, as `rotations` takes them: no turn.
NO_TURN = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def tree(root: int) -> tuple[tuple[int, int], ...]:
    """(parent, child) of every limb, outwards from any joint; a parent is reached before its children."""
    reached, limbs = [root], []
    for parent in reached:  # grows while it is read
        for edge in EDGES:
            if parent in edge and (child := edge[1 - edge.index(parent)]) not in reached:
                reached.append(child)
                limbs.append((parent, child))
    return tuple(limbs)


def rotations(xp: Any, six: Any) -> Any:
    """Six numbers to a rotation, without the jump that angles and quaternions have (Zhou et al., CVPR 2019, Eq. 15).

    six      (..., 6): two vectors, made orthonormal by Gram and Schmidt; any length but zero
    returns  (..., 3, 3): they and their cross product, as rows
    """
    first, second = _unit(xp, six[..., :3]), six[..., 3:]
    second = _unit(xp, second - first * xp.sum(first * second, axis=-1, keepdims=True))
    return xp.stack([first, second, _cross(xp, first, second)], axis=-2)


def forward_kinematics(xp: Any, turns: Any, place: Any, skeleton: Array, root: int) -> Any:
    """Joints of a skeleton whose limbs are turned one after the other, from the root outwards.

    p[child] = p[parent] + R[child] (skeleton[child] - skeleton[parent]) with R[child] = R[parent] turns[child]; the
    turn of the root turns everything.

    turns     (B, 17, 3, 3) of each joint's limb against its parent's
    place     (B, 3) of the root, metres
    skeleton  (17, 3) metres
    returns   (B, 17, 3) metres
    """
    so_far = {root: turns[:, root]}
    joints = {root: place}
    for parent, child in tree(root):
        so_far[child] = xp.matmul(so_far[parent], turns[:, child])
        limb = (skeleton[child] - skeleton[parent]).astype(np.float32)
        joints[child] = joints[parent] + xp.sum(xp.multiply(so_far[child], limb), axis=-1)
    return xp.stack([joints[n] for n in range(N_JOINTS)], axis=1)


def limb_lengths(joints: Array) -> Array:
    """(..., 17, 3) metres to (..., 16) metres, in the order of EDGES."""
    parents, children = np.array(EDGES).T
    return np.asarray(np.linalg.norm(joints[..., children, :] - joints[..., parents, :], axis=-1))


def initial_skeleton(joints: Array) -> Array:
    """The standing person that limbs are turned from: mean lengths and mean directions, facing along x, MidHip at 0.

    joints   (N, 17, 3) metres, of training poses
    returns  (17, 3) metres
    """
    facing = turned(joints, -heading(joints))
    lengths = limb_lengths(joints)
    skeleton = np.zeros((N_JOINTS, 3))
    for n, (parent, child) in enumerate(EDGES):
        limbs = (facing[:, child] - facing[:, parent]) / lengths[:, n, None]
        direction = limbs.mean(axis=0)
        skeleton[child] = skeleton[parent] + lengths[:, n].mean() * direction / np.linalg.norm(direction)
    assert EDGES[0][0] == ROOT
    return skeleton


def _cross(xp: Any, a: Any, b: Any) -> Any:
    """Of vectors (..., 3). TFLite knows no such operation."""
    parts = [a[..., n - 2] * b[..., n - 1] - a[..., n - 1] * b[..., n - 2] for n in range(3)]
    return xp.stack(parts, axis=-1)


def _unit(xp: Any, vectors: Any) -> Any:
    # The bound keeps the gradient finite where a network says nothing at all.
    return vectors / xp.sqrt(xp.maximum(xp.sum(xp.square(vectors), axis=-1, keepdims=True), 1e-12))
