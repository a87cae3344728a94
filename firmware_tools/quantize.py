"""A trained Keras model becomes a TFLite file in full int8: weights per channel, activations, input, output."""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from edge.arrays import Array
from edge.errors import MissingDependency
from firmware_tools.dataset import IMAGE_SCALE

REPRESENTATIVE = 500  # training images that show the converter how far activations reach


def quantize(model_file: Path, images: Array) -> bytes:
    """Convert to int8.

    images   (W, 30, 20, 4) int8 from training rooms only, times IMAGE_SCALE
    returns  the .tflite file
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"  # the converter reads TensorFlow graphs, whatever trained the weights
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import keras
        import tensorflow as tf
    except ImportError as error:
        raise MissingDependency("quantising needs TensorFlow: pip install 'wimose[train]'") from error

    def representative() -> Iterator[list[Array]]:
        chosen = images[:: max(len(images) // REPRESENTATIVE, 1)].astype(np.float32) / IMAGE_SCALE
        # One image that reaches from -1 to 1, so that the input's scale is the range of the image spec.
        chosen[0, 0, 0, 0], chosen[0, 0, 1, 0] = -1.0, 1.0
        for image in chosen:
            yield [image[None]]

    converter = tf.lite.TFLiteConverter.from_keras_model(keras.saving.load_model(model_file, compile=False))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    # The converter tells its life story on stdout, where figures go, and warns of a choice that is meant.
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
        return bytes(converter.convert())
