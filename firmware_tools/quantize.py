"""A trained Keras model becomes a TFLite file in full int8: weights per channel, activations, input, output."""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import Array
from edge.errors import MissingDependency
from edge.progress import track
from firmware_tools.tasks import Normal


@dataclass(frozen=True)
class Representative:
    """Training images that set the scales."""

    images: int
    ordinary: float  # share of them shown to the converter, the most ordinary ones; it stretches scales to the extreme


# In the room that it was trained in, wimose-plus needs resolution: the 0.9 most ordinary of 1000 images left +0.5 %
# MPJPE on clips and on people never seen, all of 3000 +0.8 and +1.1 % (every sixth window of the benchmark's parts).
REPRESENTATIVE = {
    "wimose": Representative(1000, 0.5),
    "wipose": Representative(1000, 0.5),
    "wimose-plus": Representative(1000, 0.9),
}
# Of many rooms, everything must fit: others drive channels further than any image of the training rooms, and what is
# clipped there places people wrongly. Of 1000 images the 0.8, 0.9 and 0.97 most ordinary ones, and all, left MPJPE in
# the benchmark's validation rooms at +5.7, +4.1, +3.1 and +1.8 %; all of 3000, +0.6 %.
MANY_ROOMS = Representative(3000, 1.0)


def load_model(model_file: Path) -> Any:
    """A finished run's model, in Keras on TensorFlow: the converter reads its graphs, whatever trained the weights."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import keras
    except ImportError as error:
        raise MissingDependency("quantising needs TensorFlow: pip install 'wimose[train]'") from error
    import models.wipose  # noqa: F401  registers its layer

    return keras.saving.load_model(model_file, compile=False)


def quantize(model: Any, images: Array, ordinary: float) -> bytes:
    """Convert to int8.

    A few images may drive rarely used channels a hundred times further than all others. Scales that reach so far leave
    the others no resolution: the first model of this kind went from 878 to 1070 mm MPJPE, from 221 to 560 mm
    root-relative. Where the scales are those of the ordinary images, what lies beyond is clipped (890 and 222 mm).

    images    (W, ...) float32 from training rooms only
    ordinary  share of them that sets the scales
    returns   the .tflite file
    """
    try:
        import tensorflow as tf
    except ImportError as error:
        raise MissingDependency("quantising needs TensorFlow: pip install 'wimose[train]'") from error

    count = max(round(ordinary * len(images)), 1)
    chosen = images[np.argsort(_extremeness(model, images))[:count]] if count < len(images) else images
    widest = chosen[0].copy()  # reaches from -1 to 1, so that the input's scale is the range of the image spec
    widest.flat[:2] = -1.0, 1.0

    def representative() -> Iterator[list[Array]]:
        for image in track(chain([widest], chosen[1:]), "quantising", len(chosen)):
            yield [image[None]]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    # The converter tells its life story on stdout, where figures go, and warns of a choice that is meant.
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
        return bytes(converter.convert())


def balance(model: Any, normal: Normal, images: Array) -> Normal:
    """Give every output of a pose in parts mean 0 and deviation 1 over some images, by its last layer's weights.

    An int8 tensor has one scale. Left as they are trained, the limbs' lengths, which mean nothing, reach to 20 and the
    root, in units of 1.6 m, is then rounded to 270 mm: 428 mm MPJPE became 450 (wimose-plus, 18 h).

    returns  the constants that go with the changed weights
    """
    layer = model.get_layer("pose")
    kernel, bias = layer.get_weights()  # (1, F, O), (O,)
    said = np.asarray(model.predict(images, batch_size=100, verbose=0), np.float64).reshape(len(images), -1)
    mean, deviation = said.mean(axis=0), np.maximum(said.std(axis=0), 1e-3)
    layer.set_weights([kernel / deviation, (bias - mean) / deviation])
    return replace(normal, mean=normal.mean + normal.scale * mean, scale=normal.scale * deviation)


def _extremeness(model: Any, images: Array) -> Array:
    """How far each image drives any layer beyond what is usual there: (W,), 1 is a layer's median."""
    import keras

    outputs = [layer.output for layer in model.layers[1:]]
    peaks = keras.Model(model.input, [keras.ops.max(keras.ops.abs(keras.ops.reshape(y, (-1, _size(y)))), axis=1)
                                      for y in outputs])  # fmt: skip
    reached = np.stack(peaks.predict(images, batch_size=200, verbose=0), axis=1)  # (W, layers)
    return np.asarray((reached / np.maximum(np.median(reached, axis=0), 1e-6)).max(axis=1))


def _size(tensor: Any) -> int:
    """Values of one image in a layer's output."""
    return int(np.prod(tensor.shape[1:]))
