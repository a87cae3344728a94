"""A bundle: what a trained model needs to run anywhere, checked before it is believed.

bundle.yaml    name, version, hash, image spec, skeleton, outputs, training, accuracy
model.tflite   int8 weights and activations, int8 image in, int8 standardised coordinates out
step.tflite    where images overlap, the same network for what is new in one, see `stream`
"""

import hashlib
from pathlib import Path

import msgspec
import numpy as np

from edge.arrays import Array
from edge.errors import BundleMismatch, ConfigError
from edge.geometry import GEOMETRY_VALUES
from edge.pose import FORMS, N_LIMBS, joints_of
from edge.signal.imagespec import ImageSpec, known_spec
from edge.skeleton import JOINTS

MAX_MODEL_BYTES = 64 << 20  # twice the largest that ships; a wrong file is not read into memory

SHIPPED = Path(__file__).parents[2] / "models" / "bundles"


class Accuracy(msgspec.Struct, frozen=True, omit_defaults=True):
    """Errors on one split under one condition, beside those of the baselines that a model must beat.

    Millimetres, degrees, mm/s^2; PCK is the percentage of joints within 50, 100 and 150 mm. models/metrics.py defines
    them. What has a default was not always measured.
    """

    split: str
    room: str
    windows: int
    mpjpe_mm: float
    root_mm: float
    relative_mpjpe_mm: float
    p_mpjpe_mm: float
    heading_deg: float
    mean_mpjpe_mm: float
    mean_root_mm: float
    mean_relative_mpjpe_mm: float
    mean_p_mpjpe_mm: float
    mean_heading_deg: float
    true_root_mpjpe_mm: float
    true_root_p_mpjpe_mm: float
    canonical_mpjpe_mm: float
    canonical_root_mm: float
    canonical_relative_mpjpe_mm: float
    canonical_p_mpjpe_mm: float
    shuffled_mpjpe_mm: float
    shuffled_root_mm: float
    shuffled_relative_mpjpe_mm: float
    shuffled_p_mpjpe_mm: float
    shuffled_heading_deg: float
    float_mpjpe_mm: float | None = None  # before quantisation; measured only where the bundle was made
    float_p_mpjpe_mm: float | None = None

    condition: str = "LoS"  # LoS | NLoS
    motion: str = "all"  # household | dance (and acrobatics) | all
    network: str = ""
    seed: int | None = None  # of the training
    pck: tuple[float, ...] = ()
    relative_pck: tuple[float, ...] = ()
    jitter_mm_s2: float | None = None
    relative_jitter_mm_s2: float | None = None
    per_joint_mm: tuple[float, ...] = ()  # (17,), in the order of the skeleton
    relative_per_joint_mm: tuple[float, ...] = ()
    p_per_joint_mm: tuple[float, ...] = ()
    mean_pck: tuple[float, ...] = ()
    mean_relative_pck: tuple[float, ...] = ()
    mean_jitter_mm_s2: float | None = None
    true_root_pck: tuple[float, ...] = ()
    true_root_jitter_mm_s2: float | None = None
    canonical_pck: tuple[float, ...] = ()
    canonical_jitter_mm_s2: float | None = None
    canonical_p_per_joint_mm: tuple[float, ...] = ()
    shuffled_pck: tuple[float, ...] = ()
    shuffled_relative_pck: tuple[float, ...] = ()
    knn_mpjpe_mm: float | None = None
    knn_root_mm: float | None = None
    knn_relative_mpjpe_mm: float | None = None
    knn_p_mpjpe_mm: float | None = None
    knn_heading_deg: float | None = None
    knn_pck: tuple[float, ...] = ()
    knn_relative_pck: tuple[float, ...] = ()
    knn_jitter_mm_s2: float | None = None
    float_root_mm: float | None = None
    float_relative_mpjpe_mm: float | None = None
    float_heading_deg: float | None = None
    float_pck: tuple[float, ...] = ()
    float_relative_pck: tuple[float, ...] = ()
    float_jitter_mm_s2: float | None = None
    float_per_joint_mm: tuple[float, ...] = ()
    confidence: float | None = None  # percent of joints that the model expects within 150 mm; the third of pck is true
    confidence_error: float | None = (
        None  # percent, mean difference of the two over tenths of the windows by confidence
    )


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`bundle.yaml`."""

    schema: int
    name: str
    version: str
    sha256: str  # of model.tflite
    image_spec: str
    skeleton: list[str]  # joint names, in order
    output_mean_m: list[float]  # of every output, value = mean + scale * output; metres where it is a length
    output_scale_m: list[float]
    room: str  # the frame and geometry the joints are in
    trained_on: str  # simulated | recorded
    training: dict[str, str | int | float]
    licence: str
    accuracy: list[Accuracy]
    outputs: str = "joints-1"  # what the outputs are, see `pose`
    limb_m: list[float] = []  # (16,) metres, mean limbs, where the outputs are a pose in parts
    features: int = 0  # values of the second output, which the last layer reads; 0: there is no second output
    geometry: bool = False  # whether it is told where the radios are, behind the values of every grid point
    step_sha256: str = ""  # of step.tflite; empty: there is none


class Bundle(msgspec.Struct, frozen=True):
    """A bundle whose hash, spec and skeleton have been checked."""

    description: Description
    spec: ImageSpec
    model: bytes  # model.tflite
    step: bytes = b""  # step.tflite; empty: there is none

    @property
    def identity(self) -> str:
        """`name@hash8`, as every pose message names its model."""
        return f"{self.description.name}@{self.description.sha256[:8]}"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of what the model reads: an image of the spec, and behind each grid point the geometry where it is told."""
        *points, values = self.spec.shape
        return (*points, values + GEOMETRY_VALUES) if self.description.geometry else self.spec.shape

    @property
    def output_mean(self) -> Array:
        return np.array(self.description.output_mean_m)

    @property
    def output_scale(self) -> Array:
        return np.array(self.description.output_scale_m)

    @property
    def mean_pose(self) -> Array:
        """(17, 3) metres: what it would say if it heard nothing, the mean over its training."""
        return joints_of(self.output_mean, self.description.outputs, self.limb_m)

    @property
    def limb_m(self) -> Array:
        return np.array(self.description.limb_m)


def find_bundle(name_or_path: str) -> Path:
    """A shipped bundle by name, or any bundle by its folder. Raises ConfigError where there is none."""
    for folder in (SHIPPED / name_or_path, Path(name_or_path)):
        if (folder / "bundle.yaml").is_file():
            return folder
    shipped = ", ".join(sorted(path.parent.name for path in SHIPPED.glob("*/bundle.yaml"))) or "none"
    raise ConfigError(f"no bundle {name_or_path!r}; give a folder with bundle.yaml, or one that ships: {shipped}")


def load_bundle(folder: Path) -> Bundle:
    """Read and check a bundle. Raises BundleMismatch where its parts do not belong together."""
    try:
        description = msgspec.yaml.decode((folder / "bundle.yaml").read_bytes(), type=Description)
        model = _read(folder / "model.tflite", description.sha256)
        step = _read(folder / "step.tflite", description.step_sha256) if description.step_sha256 else b""
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}: {error.filename}; install the bundle again") from error
    except msgspec.DecodeError as error:
        raise BundleMismatch(f"{folder}: bundle.yaml cannot be read ({error}); install the bundle again") from error
    if tuple(description.skeleton) != JOINTS:
        raise BundleMismatch(f"{folder}: its skeleton is not the one this version publishes; update wimose")
    if description.outputs not in FORMS:
        raise BundleMismatch(f"{folder}: outputs {description.outputs!r} are not known to this version; update wimose")
    count = FORMS[description.outputs]
    if not len(description.output_mean_m) == len(description.output_scale_m) == count:
        raise BundleMismatch(f"{folder}: output_mean_m and output_scale_m need {count} numbers each; install it again")
    if description.outputs == "split-1" and len(description.limb_m) != N_LIMBS:
        raise BundleMismatch(f"{folder}: limb_m needs {N_LIMBS} numbers; install it again")
    return Bundle(description, known_spec(description.image_spec), model, step)


def _read(file: Path, sha256: str) -> bytes:
    """A bundle's model. Raises BundleMismatch for a file of another hash, or of a size that no model has."""
    size = file.stat().st_size
    if size > MAX_MODEL_BYTES:
        raise BundleMismatch(f"{file.parent}: {file.name} has {size >> 20} MB, more than any bundle; install it again")
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BundleMismatch(f"{file.parent}: {file.name} is not the file bundle.yaml names (hash); install it again")
    return content
