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
from edge.pose import FORMS, confidence_of, joints_of

# The same Interpreter class under two names; the first that is installed is used. LiteRT is 6 to 25 times faster on
# per-channel int8, tflite-runtime is there where LiteRT has no wheel.
ENGINES = {"litert": "ai_edge_litert.interpreter", "tflite": "tflite_runtime.interpreter"}


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says of one image."""

    joints: Array  # (17, 3) float64 metres
    confidence: float | None  # share of the joints it expects within pose.NEAR_M of the truth; None: it does not say


class Engine:
    """A loaded model. Call it with an image of the bundle's spec, float32; it returns joints (17, 3) float64 metres."""

    def __init__(self, bundle: Bundle, engine: str | None = None, threads: int = 1) -> None:
        """Load the model. Raises BundleMismatch for one of another shape.

        engine   one of ENGINES, or None for the fastest installed
        threads  one leaves the host's other cores to the hub; the joints are the same bit for bit with more
        """
        self.name, interpreter = _interpreter(engine)
        self.spec = bundle.spec
        self._form, self._limb_m = bundle.description.outputs, bundle.limb_m
        try:
            with _quiet_stderr():
                self._interpreter = interpreter(model_content=bundle.model, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BundleMismatch(f"{bundle.identity}: {self.name} cannot load the model ({error})") from error
        (image,) = self._interpreter.get_input_details()
        (joints,) = self._interpreter.get_output_details()
        self._image, self._joints = image["index"], joints["index"]
        self._image_scale, self._image_zero = image["quantization"]
        joints_scale, joints_zero = joints["quantization"]
        shapes = tuple(image["shape"]), tuple(joints["shape"])
        if shapes != ((1, *bundle.spec.shape), (1, FORMS[self._form])):
            raise BundleMismatch(f"{bundle.identity}: model takes {shapes[0]} and gives {shapes[1]}; install it again")
        if image["dtype"] != np.int8 or joints["dtype"] != np.int8:
            raise BundleMismatch(f"{bundle.identity}: model is not int8 in and out; quantise it with `wimose bundle`")
        # int8 to values in one step: mean + scale * quantum * (value - zero)
        self._gain = bundle.output_scale * joints_scale
        self._offset = bundle.output_mean - self._gain * joints_zero

    def __call__(self, image: Array) -> Array:
        return self.predict(image).joints

    def predict(self, image: Array) -> Prediction:
        """What the model says of an image, with how sure it is."""
        counts = np.round(image / self._image_scale + self._image_zero).clip(-128, 127).astype(np.int8)
        self._interpreter.set_tensor(self._image, counts[None])
        self._interpreter.invoke()
        output = self._interpreter.get_tensor(self._joints)[0]
        values = self._offset + self._gain * output
        confidence = confidence_of(values) if self._form == "split-1" else None
        return Prediction(joints_of(values, self._form, self._limb_m), confidence)


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
