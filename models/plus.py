"""wimose-plus: four seconds of all antennas, and a pose in parts.

For each receiver a bank of learnt filters on the 150 Hz columns (100 ms each: what a short-time Fourier transform would
be over time, and a beamformer over antennas and subcarriers), then dilated residual convolutions at 30 Hz (Bai et al.,
An Empirical Evaluation of Generic Convolutional and Recurrent Networks, 2018). No convolution pads, so a long stretch
gives for every fifth grid point just what the window that ends there gives: training reads stretches, which costs a
fifteenth of reading windows, and the host reads windows.

Behind the values of every grid point stands where the radios are (`edge.geometry`): what is heard of a place depends on
it, and in rooms that differ from session to session nothing else tells. It shifts what every convolution over time says
before its half waves are cut off.

Outputs are `edge.pose` split-1, standardised, and for training alone how the joints move: what Doppler says directly,
and of a pose only through its history. In the room's frame, because the hips' is not known before the heading is; and
sizes without directions besides, which are the easiest of all to hear.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from edge.arrays import Array
from edge.geometry import GEOMETRY_VALUES
from edge.pose import (
    CHAIN,
    HEADING_OUT,
    LIMBS_OUT,
    N_LIMBS,
    ROOT_OUT,
    SIZE_OUT,
    SPLIT_1,
    SPREAD_OUT,
)
from edge.signal.imagespec import PLUS_2
from edge.skeleton import EDGES, N_JOINTS
from models.metrics import heading, turned

STEM_POINTS = 15  # grid points of a filter, 100 ms
STRIDE = 5  # grid points from one output to the next, 30 Hz
DILATIONS = (1, 2, 4, 8, 16, 32)
WIDTH = 192
FILTERS = 384  # of each receiver
BANK = 128  # of them, the last, begin as a filter bank
GEOMETRY_FILTERS = 32
BANK_HZ = (5.0, 75.0)  # from slower than a turning trunk to half the grid's rate
VELOCITY = 3 * N_JOINTS
MOTION = VELOCITY + N_JOINTS  # velocities, then their sizes
MOTION_STEPS = 3  # truth points either side's distance: 0.1 s
STILL_M_S = 0.02  # no joint's deviation counts as less: of a stick man's shoulders there is none
VALUES = PLUS_2.column[0] + GEOMETRY_VALUES  # of a grid point
TARGETS = 3 * N_JOINTS + MOTION + 2  # joints, motion, weights of both


def plus(
    width: int = WIDTH, points: int | None = None, training: bool = True, dilations: tuple[int, ...] = DILATIONS,
    outputs: int = SPLIT_1,
) -> keras.Model:  # fmt: skip
    """Input (B, points, 160), output (B, n, 71 + 68): n outputs, the first of the first 645 points.

    points              None for stretches of any length; 645 for the host
    training            with the motion, m/s
    dilations, outputs  others only for ablations: the context, see `context_points` (0 looks at one point alone), and
                        what is said of a pose
    """
    columns = keras.Input((points, VALUES), name="columns")
    where = _geometry(columns)
    x = _conv(layers.Concatenate(name="stems")(_stems(columns)), where, width, 1, "join")
    for name, dilation in zip((f"block{dilation}" for dilation in DILATIONS), dilations, strict=True):
        y = _conv(x, where, width, 3 if dilation else 1, f"{name}_time", dilation_rate=max(dilation, 1))
        y = layers.Conv1D(width, 1, use_bias=False, name=f"{name}_mix")(y)
        # Silent at first (Goyal et al., Accurate, Large Minibatch SGD, 2017). Six blocks that speak at random began
        # with a loss of 28 to 350, by the seed, and placed people 6 to 15 m off half a minute later; these with 17.
        y = layers.BatchNormalization(momentum=0.99, gamma_initializer="zeros", name=f"{name}_mix_bn")(y)
        x = layers.Cropping1D((2 * dilation, 0), name=f"{name}_crop")(x)
        x = layers.ReLU(name=name)(layers.Add(name=f"{name}_add")([x, y]))
    x = layers.Conv1D(width, 1, activation="relu", name="features")(x)
    pose = layers.Conv1D(outputs, 1, name="pose")(x)
    if not training:
        return keras.Model(columns, layers.Reshape((outputs,), name="outputs")(pose), name="wimose_plus")
    # Silent at first: squares of anything said at random would drown the pose.
    motion = layers.Conv1D(MOTION, 1, kernel_initializer="zeros", name="motion")(x)
    model = keras.Model(columns, layers.Concatenate(name="outputs")([pose, motion]), name="wimose_plus")
    for r in range(2):
        kernel = model.get_layer(f"stem{r + 1}").kernel
        begin = ops.convert_to_numpy(kernel).copy()
        begin[..., -BANK:] = filter_bank(begin.shape[1], np.random.default_rng(r))
        kernel.assign(begin)
    return model


def filter_bank(values: int, rng: np.random.Generator) -> Array:
    """Windowed waves of BANK frequencies on random mixtures of the values: (15, values, BANK), each of length 1.

    Limbs are fast and faint, the trunk is slow and loud. What hears a limb must be deaf to the trunk; filters of random
    weights hear all frequencies alike, and descend that valley slowly.
    """
    time_s = (np.arange(STEM_POINTS) - STEM_POINTS // 2) / PLUS_2.rate_hz
    phase = 2 * np.pi * np.outer(time_s, np.linspace(*BANK_HZ, BANK)) + rng.uniform(0, 2 * np.pi, BANK)
    waves = np.hanning(STEM_POINTS + 2)[1:-1, None] * np.cos(phase)
    bank = waves[:, None] * rng.standard_normal((values, BANK))
    return np.asarray(bank / np.linalg.norm(bank, axis=(0, 1)))


def _stems(columns: keras.KerasTensor) -> list[keras.KerasTensor]:
    """Each receiver through filters of its own; both halves of every wave: an echo's phase turns with every half
    wavelength walked, and only its size tells a place."""
    half = PLUS_2.column[0] // 2
    halves = []
    for r in range(2):
        mine = columns[..., r * half : (r + 1) * half]
        y = layers.Conv1D(FILTERS, STEM_POINTS, strides=STRIDE, use_bias=False, name=f"stem{r + 1}")(mine)
        y = layers.BatchNormalization(momentum=0.99, name=f"stem{r + 1}_bn")(y)
        halves += _halves(y, f"stem{r + 1}")
    return halves


def _halves(x: keras.KerasTensor, name: str) -> list[keras.KerasTensor]:
    """What is above zero, and what is below (Shang et al., Understanding and Improving CNNs via CReLU, 2016)."""
    turned_over = layers.Rescaling(-1.0, name=f"{name}_turned")(x)
    return [layers.ReLU(name=f"{name}_over")(x), layers.ReLU(name=f"{name}_under")(turned_over)]


def context_points(dilations: tuple[int, ...]) -> int:
    """Grid points that one output depends on; 645 of the default."""
    return STEM_POINTS + 2 * STRIDE * sum(dilations)


def _geometry(columns: keras.KerasTensor) -> keras.KerasTensor:
    """What is made of where the radios are, which is the same at every grid point: one column.

    Both halves of every filter, because in one room nothing ever changes here: a filter that is cut off there has no
    gradient, and of 64 all fell silent but one, for good.
    """
    x = columns[:, -1:, PLUS_2.column[0] :]
    for name in ("geometry1", "geometry2"):
        x = layers.Conv1D(GEOMETRY_FILTERS, 1, name=name)(x)
        x = layers.Concatenate(name=f"{name}_halves")(_halves(x, name))
    return x


def _conv(
    x: keras.KerasTensor, where: keras.KerasTensor, width: int, size: int, name: str, **how: int
) -> keras.KerasTensor:  # fmt: skip
    x = layers.Conv1D(width, size, padding="valid", use_bias=False, name=name, **how)(x)
    x = layers.BatchNormalization(momentum=0.99, name=f"{name}_bn")(x)
    shift = layers.Conv1D(width, 1, use_bias=False, kernel_initializer="zeros", name=f"{name}_geometry")(where)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_placed")([x, shift]))


def for_host(trained: keras.Model, width: int = WIDTH) -> keras.Model:
    """The same weights reading one window and without the motion."""
    host = plus(width, PLUS_2.packets, training=False)
    for layer in host.layers:
        if layer.weights:
            layer.set_weights(trained.get_layer(layer.name).get_weights())
    return host


def standard(joints: Array) -> tuple[Array, Array]:
    """Mean and scale of the outputs over training poses (N, 17, 3): (71,) each; value = mean + scale * output."""
    mean, scale = np.zeros(SPLIT_1), np.ones(SPLIT_1)
    root = joints[:, 0]
    mean[ROOT_OUT], scale[ROOT_OUT] = root.mean(axis=0), root.std(axis=0).max()
    parents, children = np.array(EDGES).T
    body = turned(joints - joints[:, :1], -heading(joints))
    limbs = body[:, children] - body[:, parents]
    limbs /= np.maximum(np.linalg.norm(limbs, axis=2, keepdims=True), 1e-6)
    mean[LIMBS_OUT] = limbs.mean(axis=0).ravel()
    scale[LIMBS_OUT] = 0.5
    scale[SIZE_OUT] = 0.1
    mean[SPREAD_OUT] = np.log(0.3)
    return mean, scale


def targets(joints: Array, weight: Array, unbroken: Array) -> Array:
    """What the loss compares with, for stretches of truth at 30 Hz.

    joints    (B, n + 6, 17, 3) metres: the truth of n outputs, and 3 points more on either side
    weight    (B, n), 0 for outputs that are not to be learnt
    unbroken  (B, n), 0 where the motion is not to be learnt: the points on either side belong to another take
    returns   (B, n, 121) float32: joints, motion, weight, weight of the motion
    """
    now = joints[:, MOTION_STEPS:-MOTION_STEPS]
    shape = (*now.shape[:2], -1)
    weights = np.stack((weight, weight * unbroken), axis=2)
    return np.asarray(np.concatenate((now.reshape(shape), motion(joints), weights), axis=2), np.float32)


def motion(joints: Array) -> Array:
    """How joints (B, n + 6, 17, 3) metres move: (B, n, 68) m/s.

    Velocities in the room's frame, of MidHip and of all others relative to it, then their sizes.
    """
    moved = joints[:, 2 * MOTION_STEPS :] - joints[:, : -2 * MOTION_STEPS]
    moved = np.concatenate((moved[:, :, :1], moved[:, :, 1:] - moved[:, :, :1]), axis=2)
    parts = (moved.reshape(*moved.shape[:2], -1), np.linalg.norm(moved, axis=3))
    return np.asarray(np.concatenate(parts, axis=2) * (30.0 / (2 * MOTION_STEPS)))


def motion_scale(joints: Array) -> Array:
    """Deviation of the motion over training truth (B, n + 6, 17, 3): (68,) m/s, the same for a joint's directions."""
    variance = motion(joints).var(axis=(0, 1))
    variance[:VELOCITY] = np.repeat(variance[:VELOCITY].reshape(N_JOINTS, 3).mean(axis=1), 3)
    return np.asarray(np.maximum(np.sqrt(variance), STILL_M_S))


def plus_loss(
    mean: Array, scale: Array, limb_m: Array, motion_m_s: Array, motion_weight: float = 1.0
) -> Callable[[Any, Any], Any]:
    """Sum of: root error and error of the body (both mean distances, metres), heading (squared distance of its unit
    vector), motion, and the spread (Laplace's likelihood of each joint's error, which teaches nothing but the spread).

    Weighted by what can still be learnt: most of what body and heading leave stays whatever is learnt, and with a root
    of 2 instead of 8 its share of the gradient was a tenth, and places a tenth worse. With body and motion a few times
    fainter, as places are metres and limbs are not, the network learnt places alone.

    mean, scale  (71,), see `standard`; limb_m (16,) metres; motion_m_s (68,), see `motion_scale`
    """
    mean32, scale32 = mean.astype(np.float32), scale.astype(np.float32)
    chain = CHAIN.astype(np.float32)
    limb32 = limb_m.astype(np.float32)[:, None]
    moved = motion_loss(motion_m_s)

    def loss(truth: Any, output: Any) -> Any:
        joints = ops.reshape(truth[..., : 3 * N_JOINTS], (-1, N_JOINTS, 3))
        weight = ops.reshape(truth[..., -2], (-1,))
        values = ops.reshape(output[..., :SPLIT_1], (-1, SPLIT_1)) * scale32 + mean32

        root = joints[:, 0]
        hips = joints[:, 1, :2] - joints[:, 4, :2]  # left minus right
        facing = ops.stack((hips[:, 1], -hips[:, 0]), axis=1)
        facing = facing / ops.maximum(_length(facing), 1e-3)
        said = values[:, HEADING_OUT]
        limbs = ops.reshape(values[:, LIMBS_OUT], (-1, N_LIMBS, 3))
        limbs = limbs / _length(limbs)
        body = ops.matmul(chain, limbs * limb32 * ops.exp(values[:, SIZE_OUT])[..., None])
        true_body = _rotate(joints - joints[:, :1], facing, -1.0)

        root_error = _length(values[:, ROOT_OUT] - root)[:, 0]
        body_error = ops.mean(_length(body - true_body)[..., 0], axis=1)
        turn = ops.sum(ops.square(said - facing), axis=1)
        whole = _rotate(body, said / _length(said), 1.0) + values[:, None, ROOT_OUT]
        off = ops.stop_gradient(_length(whole - joints)[..., 0])
        spread = values[:, SPREAD_OUT]
        likelihood = ops.mean(spread + off * ops.exp(-spread), axis=1)
        pose = 8.0 * root_error + 10.0 * body_error + turn + 0.02 * likelihood
        return _mean(pose, weight) + motion_weight * moved(truth, output[..., SPLIT_1:])

    return loss


def motion_loss(motion_m_s: Array) -> Callable[[Any, Any], Any]:
    """What is not explained of the variance of velocities, and of their sizes; 2 where nothing is.

    motion_m_s  (68,), see `motion_scale`
    """
    share = np.repeat((1 / VELOCITY, 1 / N_JOINTS), (VELOCITY, N_JOINTS)) / motion_m_s**2
    share = share.astype(np.float32)

    def loss(truth: Any, motion: Any) -> Any:
        error = ops.sum(ops.square(motion - truth[..., 3 * N_JOINTS : -2]) * share, axis=-1)
        return _mean(ops.reshape(error, (-1,)), ops.reshape(truth[..., -1], (-1,)))

    return loss


def _mean(values: Any, weights: Any) -> Any:
    return ops.sum(values * weights) / ops.maximum(ops.sum(weights), 1.0)


def _length(vectors: Any) -> Any:
    """Lengths along the last axis, which stays; the constant keeps the gradient finite at zero."""
    return ops.sqrt(ops.sum(ops.square(vectors), axis=-1, keepdims=True) + 1e-8)


def _rotate(joints: Any, facing: Any, sign: float) -> Any:
    """Turn (N, 17, 3) about the vertical by the angle of (N, 2) unit vectors, or back with sign -1."""
    cosine, sine = facing[:, None, 0], sign * facing[:, None, 1]
    x, y = joints[..., 0], joints[..., 1]
    return ops.stack((cosine * x - sine * y, sine * x + cosine * y, joints[..., 2]), axis=-1)
