"""Runs a bundle's TFLite model: image in, joints out."""

import importlib
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.arrays import Array
from edge.errors import BundleMismatch, MissingDependency
from edge.geometry import geometry_values
from edge.inference.bundle import Bundle
from edge.inference.head import Head, inputs
from edge.inference.network import Network
from edge.inference.quantise import quantise
from edge.inference.stream import Stream
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
    """A loaded model. Call it with an image of the bundle's spec, float32; it returns joints (17, 3) float64 metres.

    What it says depends on the image alone. It remembers the last one only to be faster when the next continues it.

    Where the model gives its features, its last layer is applied to them here, in float: in eight bits a root of 1.6 m
    deviation has steps of 50 mm, and that cost 1 % MPJPE of wimose-plus-basic.
    """

    def __init__(
        self, bundle: Bundle, engine: str | None = None, threads: int = 1, head: Head | None = None,
        geometry: Array | None = None,
    ) -> None:  # fmt: skip
        """Load the model. Raises BundleMismatch for one of another shape.

        engine   one of ENGINES, or None for the fastest installed
        threads  one leaves the host's other cores to the hub; the joints are the same bit for bit with more
        head     this room's last layer instead of the model's
        geometry where this room's radios are, see `edge.geometry`; None: nobody told, or the bundle does not ask
        """
        self.name, interpreter = _interpreter(engine)
        self.spec = bundle.spec
        self._bundle, self._form, self._limb_m = bundle, bundle.description.outputs, bundle.limb_m
        self._window = Network(interpreter, bundle.model, threads, bundle.identity)
        (image,) = self._window.inputs
        sizes = [int(np.prod(output["shape"])) for output in self._window.outputs]
        wanted = [FORMS[self._form], *([bundle.description.features] if bundle.description.features else [])]
        shape = tuple(image["shape"])
        if shape != (1, *bundle.input_shape) or sorted(sizes) != sorted(wanted):
            raise BundleMismatch(f"{bundle.identity}: model takes {shape} and gives {sizes}; install it again")
        self._image_scale, self._image_zero = (np.float32(value) for value in image["quantization"])
        self._joints = sizes.index(wanted[0])
        self._features = sizes.index(wanted[1]) if len(wanted) > 1 else None
        # int8 to values in one step: mean + scale * quantum * (value - zero)
        quantum, zero = self._window.outputs[self._joints]["quantization"]
        self._gain = bundle.output_scale * quantum
        self._offset = bundle.output_mean - self._gain * zero
        self._step = Network(interpreter, bundle.step, threads, bundle.identity) if bundle.step else None
        if self._step is not None and not self._agree(self._step):
            self._step = None
        self._own = self._last_layer()
        self._settle(head, geometry)

    def sibling(self, head: Head | None = None, geometry: Array | None = None) -> "Engine":
        """Another room's engine on the same loaded model, with its own head, geometry and memory, same thread."""
        other = copy(self)
        other._settle(head, geometry)
        return other

    @property
    def streams(self) -> bool:
        """Whether images that continue the one before cost less than others."""
        return self._step is not None

    def __call__(self, image: Array) -> Array:
        return self.predict(image).joints

    def predict(self, image: Array) -> Prediction:
        """What the model says of an image, with how sure it is. Raises ValueError for an image of another spec."""
        if image.shape != self.spec.shape:  # the kernel below does not look
            raise ValueError(f"an image of {image.shape}; {self._bundle.identity} reads {self.spec.shape}")
        quantise(image.ravel(), self._image_scale, self._image_zero, self._image.ravel())
        if self._counts is not self._image:
            self._counts[..., : self._image.shape[-1]] = self._image
        said = self._stream(self._counts) if self._stream is not None else None
        if said is None:
            said = self._window(self._counts)
        features = self._read_features(said, image)
        if self._head is not None and features is not None:
            values = self._head(features)
        else:
            values = self._offset + self._gain * said[self._joints].ravel()
        confidence = confidence_of(values) if self._form == "split-1" else None
        return Prediction(joints_of(values, self._form, self._limb_m), confidence, features)

    def last_layer(self) -> Head:
        """The model's own last layer, which calibration begins with.

        Raises BundleMismatch where the bundle does not give its features.
        """
        if self._own is None:
            raise BundleMismatch(
                f"{self._bundle.identity} does not give its features, or its last layer cannot be read; calibrate with "
                "another bundle"
            )
        return self._own

    def _last_layer(self) -> Head | None:
        """The last layer as a head; None where the bundle does not give its features, or it cannot be read."""
        bundle = self._bundle
        outputs, features, unit = FORMS[self._form], bundle.description.features, bundle.output_scale
        layer = self._window.constant(np.int8, outputs, outputs * features)
        biases = self._window.constant(np.int32, outputs, outputs)
        if self._features is None or layer is None or biases is None:
            return None
        (weights, scale), (bias, bias_scale) = layer, biases
        out = np.zeros((inputs(bundle), outputs))
        out[:features] = (weights.reshape(outputs, features) * scale[:, None] * unit[:, None]).T
        return Head(out, bundle.output_mean + unit * bias * bias_scale)

    def _settle(self, head: Head | None, geometry: Array | None) -> None:
        """Take what belongs to a room."""
        bundle = self._bundle
        if head is not None and head.weights.shape != (inputs(bundle), FORMS[self._form]):
            raise BundleMismatch(f"{bundle.identity} and the room's last layer do not fit: calibrate the room again")
        self._head = head or self._own
        # Used again for every image.
        self._image = self._counts = np.empty(self.spec.shape, np.int8)
        if bundle.description.geometry:
            told = geometry_values(None) if geometry is None else geometry
            counts = np.empty(told.shape, np.int8)
            quantise(told, self._image_scale, self._image_zero, counts)
            self._counts = np.empty(bundle.input_shape, np.int8)
            self._counts[..., self.spec.shape[-1] :] = counts
        self._stream = Stream(self._step, bundle.input_shape, bundle.identity) if self._step is not None else None

    def _agree(self, step: Network) -> bool:
        """Whether step and window model say the same with the kernels that the runtime has for this processor."""
        shape = self._bundle.input_shape
        counts = np.random.default_rng(1).integers(-64, 64, shape, np.int8)
        values = self.spec.shape[-1]
        counts[..., values:] = counts[..., :1, values:]  # the radios stand still
        stepped = Stream(step, shape, self._bundle.identity).anew(counts)
        whole = self._window(counts)
        return [one.tobytes() for one in stepped] == [other.tobytes() for other in whole]

    def _read_features(self, said: list[Array], image: Array) -> Array | None:
        if self._features is None:
            return None
        scale, zero = self._window.outputs[self._features]["quantization"]
        counts = said[self._features].ravel()
        return np.asarray(np.concatenate((scale * (counts.astype(np.float64) - zero), swings(image, self.spec))))


def _interpreter(engine: str | None) -> tuple[str, Any]:
    for name in (engine,) if engine else ENGINES:
        try:
            return name, importlib.import_module(ENGINES[name]).Interpreter
        except ImportError:
            continue
    wanted = " or ".join((engine,) if engine else ENGINES)
    raise MissingDependency(f"no TFLite engine ({wanted}) is installed: pip install ai-edge-litert")
