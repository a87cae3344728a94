"""The paper's baseline: WiPose (Jiang et al., "Towards 3D human pose construction using WiFi", MobiCom 2020).

Printed in Wi-Mose, Section V: four convolutional layers, three LSTM layers on top of them, and forward kinematics that
applies what the LSTM says to an initial skeleton; the 2D CSI data as input; the root is the neck (Section VI-C).

Read into it, where nothing is printed:
- The image is the one `wimose` sees, amplitude and phase of both links. The convolutions are 3x3 with batch
  normalisation and ReLU and halve the subcarriers, not the packets; the LSTMs run over the 20 packets and the state
  after the last one gives the pose.
- A limb's turn is six numbers (Zhou et al., CVPR 2019) instead of a quaternion: a person who faces anywhere crosses the
  jump that every quaternion output has, so this favours the baseline.
- WiPose's people stood at a fixed point. Here three more outputs place the neck.
- Windows are independent, so the state starts from zero in each of them, and the smoothness loss (models/losses.py)
  has no neighbours to compare in a batch of drawn windows.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from edge.arrays import Array
from edge.signal.imagespec import WIMOSE_1
from edge.skeleton import N_JOINTS
from models.kinematics import NECK, NO_TURN, forward_kinematics, rotations

CONVOLUTIONS = (32, 64, 128, 128)  # channels
LSTM_UNITS = 256
LSTMS = 3


def wipose(mean: Array, scale: Array, skeleton: Array) -> keras.Model:
    """Input (B, 30, 20, 4), output (B, 51) standardised coordinates: joints = mean + scale * output.

    mean, scale  (51,) metres
    skeleton     (17, 3) metres, of models.kinematics.initial_skeleton
    """
    image = keras.Input(WIMOSE_1.shape, name="image")
    x = image
    for number, channels in enumerate(CONVOLUTIONS, start=1):
        x = layers.Conv2D(channels, 3, (2, 1), padding="same", use_bias=False, name=f"conv{number}")(x)
        x = layers.BatchNormalization(name=f"conv{number}_bn")(x)
        x = layers.ReLU(name=f"conv{number}_relu")(x)
    x = layers.Permute((2, 1, 3), name="packets_first")(x)  # (B, 20, 2, 128)
    x = layers.Reshape((WIMOSE_1.packets, -1), name="packets")(x)  # (B, 20, 256)
    for number in range(1, LSTMS + 1):
        x = layers.LSTM(LSTM_UNITS, return_sequences=number < LSTMS, name=f"lstm{number}")(x)
    still = keras.initializers.RandomNormal(stddev=1e-3)  # starts as the initial skeleton at the mean place
    turns = layers.Dense(N_JOINTS * len(NO_TURN), kernel_initializer=still, dtype="float32", name="turns")(x)
    place = layers.Dense(3, kernel_initializer=still, dtype="float32", name="place")(x)
    joints = Skeleton(mean, scale, skeleton, name="skeleton")([turns, place])
    return keras.Model(image, joints, name="wipose")


@keras.saving.register_keras_serializable("wimose")
class Skeleton(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Forward kinematics from the neck: turns (B, 102), place (B, 3) standardised, to (B, 51) standardised."""

    def __init__(self, mean: Array, scale: Array, skeleton: Array, **options: Any) -> None:
        super().__init__(**{"dtype": "float32", **options})  # millimetres are lost in any shorter one
        self.mean = np.asarray(mean, np.float32)
        self.scale = np.asarray(scale, np.float32)
        self.skeleton = np.asarray(skeleton, np.float32)

    def call(self, inputs: Any) -> Any:
        turns, place = inputs
        mean, scale = ops.convert_to_tensor(self.mean), ops.convert_to_tensor(self.scale)
        neck = slice(3 * NECK, 3 * NECK + 3)
        six = ops.add(ops.reshape(turns, (-1, N_JOINTS, len(NO_TURN))), np.array(NO_TURN, np.float32))
        at = mean[neck] + scale[neck] * place
        joints = forward_kinematics(ops, rotations(ops, six), at, self.skeleton, NECK)
        return (ops.reshape(joints, (-1, 3 * N_JOINTS)) - mean) / scale

    def get_config(self) -> dict[str, Any]:
        arrays = {"mean": self.mean, "scale": self.scale, "skeleton": self.skeleton}
        return {**super().get_config(), **{name: array.tolist() for name, array in arrays.items()}}
