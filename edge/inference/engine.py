"""Runs a bundle's TFLite model: image in, joints out."""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import Array
from edge.errors import BundleMismatch, MissingDependency
from edge.inference.bundle import Bundle
from edge.inference.head import Head, inputs
from edge.inference.quantise import quantise
from edge.pose import FORMS, confidence_of, joints_of
from edge.signal.swings import swings

# The same Interpreter class under two names; the first that is installed is used. LiteRT is 6 to 25 times faster on
# per-channel int8, tflite-runtime is there where LiteRT has no wheel.
ENGINES = {"litert": "ai_edge_litert.interpreter", "tflite": "tflite_runtime.interpreter"}


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says of one image."""

    joints: Array  # (17, 3) float64 metres
    confidence: float | None  # share of the joints it expects within pose.NEAR_M of the truth; None: it does not say
    features: Array | None  # (F,) float64, what a room's last layer reads; None: the bundle does not give them


class Engine:
    """A loaded model. Call it with an image of the bundle's spec, float32; it returns joints (17, 3) float64 metres."""

    def __init__(self, bundle: Bundle, engine: str | None = None, threads: int = 1, head: Head | None = None) -> None:
        """Load the model. Raises BundleMismatch for one of another shape.

        engine   one of ENGINES, or None for the fastest installed
        threads  one leaves the host's other cores to the hub; the joints are the same bit for bit with more
        head     this room's last layer instead of the model's
        """
        self.name, interpreter = _interpreter(engine)
        self.spec = bundle.spec
        self._identity, self._form, self._limb_m = bundle.identity, bundle.description.outputs, bundle.limb_m
        self._mean, self._unit = bundle.output_mean, bundle.output_scale
        try:
            with _quiet_stderr():
                self._interpreter = interpreter(model_content=bundle.model, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BundleMismatch(f"{bundle.identity}: {self.name} cannot load the model ({error})") from error
        (image,) = self._interpreter.get_input_details()
        outputs = {int(np.prod(output["shape"])): output for output in self._interpreter.get_output_details()}
        wanted = [FORMS[self._form], *([bundle.description.features] if bundle.description.features else [])]
        shape = tuple(image["shape"])
        if shape != (1, *bundle.spec.shape) or sorted(outputs) != sorted(wanted):
            raise BundleMismatch(f"{bundle.identity}: model takes {shape} and gives {[*outputs]}; install it again")
        if {tensor["dtype"] for tensor in (image, *outputs.values())} != {np.int8}:
            raise BundleMismatch(f"{bundle.identity}: model is not int8 in and out; quantise it with `wimose bundle`")
        if head is not None and head.weights.shape != (inputs(bundle), FORMS[self._form]):
            raise BundleMismatch(f"{bundle.identity} and the room's last layer do not fit: calibrate the room again")
        self._image = image["index"]
        self._image_scale, self._image_zero = (np.float32(value) for value in image["quantization"])
        self._counts = np.empty(shape, np.int8)  # used again for every image
        joints = outputs[FORMS[self._form]]
        self._joints = joints["index"]
        # int8 to values in one step: mean + scale * quantum * (value - zero)
        self._gain = bundle.output_scale * joints["quantization"][0]
        self._offset = bundle.output_mean - self._gain * joints["quantization"][1]
        self._features = outputs[wanted[1]] if len(wanted) > 1 else None
        self._head = head

    def __call__(self, image: Array) -> Array:
        return self.predict(image).joints

    def predict(self, image: Array) -> Prediction:
        """What the model says of an image, with how sure it is."""
        quantise(image.ravel(), self._image_scale, self._image_zero, self._counts.ravel())
        self._interpreter.set_tensor(self._image, self._counts)
        self._interpreter.invoke()
        features = self._read_features(image)
        if self._head is not None and features is not None:
            values = self._head(features)
        else:
            values = self._offset + self._gain * self._interpreter.get_tensor(self._joints)[0]
        confidence = confidence_of(values) if self._form == "split-1" else None
        return Prediction(joints_of(values, self._form, self._limb_m), confidence, features)

    def last_layer(self) -> Head:
        """The model's own last layer as a room's head that says the same, up to the rounding of its outputs.

        Raises BundleMismatch where the bundle does not give its features.
        """
        if self._features is None:
            raise BundleMismatch(f"{self._identity} does not give its features; calibrate with a bundle that does")
        outputs, features = self._mean.size, int(np.prod(self._features["shape"]))
        weights, scale = self._constant(np.int8, outputs, outputs * features)
        bias, bias_scale = self._constant(np.int32, outputs, outputs)
        out = np.zeros((features + int(np.prod(self.spec.column)), outputs))
        out[:features] = (weights.reshape(outputs, features) * scale[:, None] * self._unit[:, None]).T
        return Head(out, self._mean + self._unit * bias * bias_scale)

    def _constant(self, dtype: type, channels: int, size: int) -> tuple[Array, Array]:
        """The constant of so many channels and numbers, (channels, ...) float64, and the scale of each channel."""
        for tensor in self._interpreter.get_tensor_details():
            shape, scales = tensor["shape"], tensor["quantization_parameters"]["scales"]
            if tensor["dtype"] is dtype and np.prod(shape) == size and len(scales) == channels == shape[0]:
                return self._interpreter.get_tensor(tensor["index"]).astype(np.float64), np.asarray(scales)
        raise BundleMismatch(f"{self._identity}: its last layer cannot be read; calibrate with another bundle")

    def _read_features(self, image: Array) -> Array | None:
        if self._features is None:
            return None
        scale, zero = self._features["quantization"]
        counts = self._interpreter.get_tensor(self._features["index"]).ravel()
        return np.asarray(np.concatenate((scale * (counts.astype(np.float64) - zero), swings(image, self.spec))))


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """The runtime greets from C++ on stderr, whatever its log level; what goes wrong it raises as well."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _interpreter(engine: str | None) -> tuple[str, Any]:
    for name in (engine,) if engine else ENGINES:
        try:
            return name, importlib.import_module(ENGINES[name]).Interpreter
        except ImportError:
            continue
    wanted = " or ".join((engine,) if engine else ENGINES)
    raise MissingDependency(f"no TFLite engine ({wanted}) is installed: pip install ai-edge-litert")
