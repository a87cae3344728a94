"""A TFLite model in memory: int8 arrays in, int8 arrays out. It remembers nothing, so rooms share it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import Array
from edge.errors import BundleMismatch


class Network:
    """Call it with one array for each input, in any shape of the right size; it returns a new array for each output."""

    def __init__(self, interpreter: Any, model: bytes, threads: int, identity: str) -> None:
        """Load the model. Raises BundleMismatch where the runtime cannot, or where an end is not int8.

        interpreter  the runtime's class
        identity     of the bundle, for messages
        """
        try:
            with _quiet_stderr():
                self._interpreter = interpreter(model_content=model, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            runtime = interpreter.__module__.partition(".")[0]
            raise BundleMismatch(f"{identity}: {runtime} cannot load the model ({error})") from error
        self.inputs: list[dict[str, Any]] = self._interpreter.get_input_details()
        self.outputs: list[dict[str, Any]] = self._interpreter.get_output_details()
        if {tensor["dtype"] for tensor in (*self.inputs, *self.outputs)} != {np.int8}:
            raise BundleMismatch(f"{identity}: model is not int8 in and out; quantise it with `wimose bundle`")
        self._ins = [(tensor["index"], tuple(tensor["shape"])) for tensor in self.inputs]
        self._outs = [tensor["index"] for tensor in self.outputs]

    def __call__(self, *arrays: Array) -> list[Array]:
        for (index, shape), array in zip(self._ins, arrays, strict=True):
            self._interpreter.set_tensor(index, array.reshape(shape))
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outs]

    def constant(self, dtype: type, channels: int, size: int) -> tuple[Array, Array] | None:
        """The constant of so many channels and numbers, (channels, ...) float64, and the scale of each channel.

        None where the model has no such constant.
        """
        for tensor in self._interpreter.get_tensor_details():
            shape, scales = tensor["shape"], tensor["quantization_parameters"]["scales"]
            if tensor["dtype"] is dtype and np.prod(shape) == size and len(scales) == channels == shape[0]:
                return self._interpreter.get_tensor(tensor["index"]).astype(np.float64), np.asarray(scales)
        return None


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
