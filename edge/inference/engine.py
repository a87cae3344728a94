"""Runs a bundle's TFLite model: image in, joints out."""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import Array
from edge.errors import BundleMismatch, MissingDependency
from edge.inference.bundle import Bundle
from edge.skeleton import N_JOINTS

# The same Interpreter class under two names; the first that is installed is used. LiteRT is 6 to 25 times faster on
# per-channel int8, tflite-runtime is there where LiteRT has no wheel.
ENGINES = {"litert": "ai_edge_litert.interpreter", "tflite": "tflite_runtime.interpreter"}


class Engine:
    """A loaded model. Call it with an image (30, 20, 4) float32; it returns joints (17, 3) float64 metres."""

    def __init__(self, bundle: Bundle, engine: str | None = None, threads: int = 1) -> None:
        """Load the model. Raises BundleMismatch for one of another shape.

        engine   one of ENGINES, or None for the fastest installed
        threads  one leaves the host's other cores to the hub; the joints are the same bit for bit with more
        """
        self.name, interpreter = _interpreter(engine)
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
        if shapes != ((1, *bundle.spec.shape), (1, 3 * N_JOINTS)):
            raise BundleMismatch(f"{bundle.identity}: model takes {shapes[0]} and gives {shapes[1]}; install it again")
        if image["dtype"] != np.int8 or joints["dtype"] != np.int8:
            raise BundleMismatch(f"{bundle.identity}: model is not int8 in and out; quantise it with `wimose bundle`")
        # int8 to metres in one step: mean + scale * quantum * (value - zero)
        self._gain = bundle.output_scale * joints_scale
        self._offset = bundle.output_mean - self._gain * joints_zero

    def __call__(self, image: Array) -> Array:
        counts = np.round(image / self._image_scale + self._image_zero).clip(-128, 127).astype(np.int8)
        self._interpreter.set_tensor(self._image, counts[None])
        self._interpreter.invoke()
        output = self._interpreter.get_tensor(self._joints)[0]
        return np.asarray((self._offset + self._gain * output).reshape(N_JOINTS, 3))


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
