"""What a network says of a pose becomes joints. A bundle names the form of its outputs; networks are trained to it.

joints-1   51 coordinates in metres, joint by joint
split-1    71 numbers: root (3, metres), heading (cosine, sine), the direction of each of the 16 limbs in the frame of
           the hips (48), the body's size (1, natural logarithm, 0 for the mean body), and how far off each joint may be
           (17, natural logarithm of metres). Limbs have the mean body's lengths times the size, whatever the network
           says: no pose stretches an arm.
"""

import numpy as np

from edge.arrays import Array
from edge.skeleton import EDGES, N_JOINTS

JOINTS_1 = 3 * N_JOINTS
N_LIMBS = len(EDGES)
ROOT_OUT = slice(0, 3)
HEADING_OUT = slice(3, 5)
LIMBS_OUT = slice(5, 5 + 3 * N_LIMBS)
SIZE_OUT = slice(LIMBS_OUT.stop, LIMBS_OUT.stop + 1)
SPREAD_OUT = slice(SIZE_OUT.stop, SIZE_OUT.stop + N_JOINTS)
SPLIT_1 = SPREAD_OUT.stop
NEAR_M = 0.15  # what confidence is about; the widest of the field's PCK distances
FORMS = {"joints-1": JOINTS_1, "split-1": SPLIT_1}


def limb_chain() -> Array:
    """(17, 16) float64: 1 where a limb lies between the root and a joint."""
    chain = np.zeros((N_JOINTS, N_LIMBS))
    for limb, (parent, child) in enumerate(EDGES):  # a parent's limb comes before its children's
        chain[child] = chain[parent]
        chain[child, limb] = 1.0
    return chain


CHAIN = limb_chain()


def split_joints(values: Array, limb_m: Array) -> Array:
    """Joints of the form split-1.

    values   (..., 71) float64; limb_m (16,) metres, the mean body's limbs
    returns  (..., 17, 3) float64 metres
    """
    shape = values.shape[:-1]
    limbs = values[..., LIMBS_OUT].reshape(*shape, N_LIMBS, 3)
    limbs = limbs / np.maximum(np.linalg.norm(limbs, axis=-1, keepdims=True), 1e-6)
    body = CHAIN @ (limbs * limb_m[:, None] * np.exp(values[..., SIZE_OUT])[..., None])  # (..., 17, 3)
    angle = np.arctan2(values[..., 4], values[..., 3])[..., None]
    x, y = body[..., 0], body[..., 1]
    turned = np.stack((np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y, body[..., 2]), -1)
    return np.asarray(turned + values[..., None, ROOT_OUT])


def joints_of(values: Array, form: str, limb_m: Array) -> Array:
    """Joints (..., 17, 3) float64 metres of either form."""
    if form == "split-1":
        return split_joints(values, limb_m)
    return np.asarray(values.reshape(*values.shape[:-1], N_JOINTS, 3))


def confidence_of(values: Array) -> float:
    """Share of the joints that the form split-1 expects within NEAR_M of the truth, 0 to 1.

    The spread is the mean distance (training fits it as the mean of an exponential distribution). Most of it is an
    error of place, alike in both directions of the floor, so that distances m in the mean are Rayleigh's:
    P(d < r) = 1 - exp(-pi/4 (r/m)^2).
    """
    return float((1.0 - np.exp(-np.pi / 4 * (NEAR_M / np.exp(values[SPREAD_OUT])) ** 2)).mean())
