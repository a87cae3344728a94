"""The network of Wi-Mose (Table I, Fig. 2): 13 residual blocks, two dense layers, 51 coordinates.

Fig. 2 reads: 1x1 to `in` channels, 3x3 to `in` channels, 1x1 to `out` channels, and a shortcut that is a 1x1
convolution where the shape changes; batch normalisation and ReLU follow every convolution; the stride belongs to the
3x3 and to the shortcut. That gives the 76.66 million parameters of Table I as written.

At 1x1 spatial size a 3x3 kernel only ever touches its centre tap, and going from 2x2 to 1x1 at stride 2 touches only
2x2 taps (SAME padding puts the missing row and column at the end). `wimose(compact=True)`, the default, has just those
taps: the same function with 29.47 million parameters.

Outputs are standardised coordinates: joints = mean + scale * output, both (51,), kept with the bundle.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from edge.arrays import Array
from edge.signal.imagespec import WIMOSE_1
from edge.skeleton import N_JOINTS


@dataclass(frozen=True)
class Block:
    """A row of Table I."""

    size_in: tuple[int, int]
    channels_in: int
    channels_out: int
    stride: int


TABLE_I = (
    Block((30, 20), 4, 4, 1),
    Block((30, 20), 4, 8, 1),
    Block((30, 20), 8, 8, 2),
    Block((15, 10), 8, 16, 1),
    Block((15, 10), 16, 16, 2),
    Block((8, 5), 16, 64, 1),
    Block((8, 5), 64, 64, 2),
    Block((4, 3), 64, 256, 1),
    Block((4, 3), 256, 256, 2),
    Block((2, 2), 256, 1024, 1),
    Block((2, 2), 1024, 1024, 2),
    Block((1, 1), 1024, 2048, 1),
    Block((1, 1), 2048, 2048, 1),
)
FEATURES = 512  # FC1


def wimose(compact: bool = True) -> keras.Model:
    """Table I. Input (B, 30, 20, 4), output (B, 51).

    compact  leave out the taps that never meet anything but padding
    """
    image = keras.Input(WIMOSE_1.shape, name="image")
    x = image
    for number, row in enumerate(TABLE_I, start=1):
        x = _residual(x, row, f"block{number}", compact)
    x = layers.Flatten(name="flatten")(x)  # (B, 2048)
    x = layers.Dense(FEATURES, activation="relu", name="fc1")(x)
    joints = layers.Dense(3 * N_JOINTS, name="fc2")(x)  # (B, 51)
    return keras.Model(image, joints, name="wimose")


def _residual(x: keras.KerasTensor, row: Block, name: str, compact: bool) -> keras.KerasTensor:
    """Fig. 2: 1x1, 3x3, 1x1 beside the shortcut. x (B, H, W, in) to (B, H/stride, W/stride, out)."""
    kernel, stride = _middle(row, compact)
    shortcut = x
    if row.stride > 1 or row.channels_in != row.channels_out:
        shortcut = _conv(x, row.channels_out, 1, row.stride, f"{name}_shortcut")
    y = _conv(x, row.channels_in, 1, 1, f"{name}_in")
    y = _conv(y, row.channels_in, kernel, stride, f"{name}_middle")
    y = _conv(y, row.channels_out, 1, 1, f"{name}_out")
    return layers.Add(name=f"{name}_add")([y, shortcut])


def _middle(row: Block, compact: bool) -> tuple[int, int]:
    """Kernel and stride of the middle convolution, without its dead taps if compact."""
    if compact and row.size_in == (2, 2) and row.stride == 2:
        return 2, 2
    if compact and row.size_in == (1, 1):
        return 1, 1
    return 3, row.stride


def _conv(x: keras.KerasTensor, channels: int, kernel: int, stride: int, name: str) -> keras.KerasTensor:
    """Convolution, batch normalisation, ReLU."""
    x = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False, name=name)(x)
    x = layers.BatchNormalization(momentum=0.99, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def expand(compact: keras.Model) -> keras.Model:
    """Table I as written with the weights of a compact model: the dead taps are zero, the outputs are the same."""
    full = wimose(compact=False)
    for layer in full.layers:
        weights = compact.get_layer(layer.name).get_weights()
        if isinstance(layer, layers.Conv2D):
            weights = [_pad_taps(weights[0], layer.kernel_size[0])]
        layer.set_weights(weights)
    return full


def _pad_taps(kernel: Array, size: int) -> Array:
    """(k, k, in, out) to (size, size, in, out): a lone tap goes to the centre, 2x2 to the beginning."""
    have = kernel.shape[0]
    if have == size:
        return kernel
    start = 1 if have == 1 else 0
    padded = np.zeros((size, size, *kernel.shape[2:]), kernel.dtype)
    padded[start : start + have, start : start + have] = kernel
    return padded
