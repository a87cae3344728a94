"""What a pose costs on this processor: which TFLite engine makes it, in how long, and how much of a core that is."""

import platform
import time
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from edge.config import Config
from edge.errors import WimoseError
from edge.inference.bundle import find_bundle, load_bundle
from edge.inference.engine import Engine
from edge.service.doctor.finding import Check, Finding
from edge.signal.grid import stride_of

POSES, BUDGET_S = 200, 0.5  # as many as fit: the median does not care for those that were interrupted
WARM = 5  # poses that allocate, and fill what the engine remembers of the one before
DISTRIBUTIONS = {"litert": "ai-edge-litert", "tflite": "tflite-runtime"}
MOST = 0.5  # of a core; beyond, poses wait for each other whenever the hub is busy
MUCH = 0.1  # with an engine that is known to be slow here


@dataclass(frozen=True)
class Cost:
    """Of one pose on one thread."""

    seconds: float  # median
    cpu_s: float  # processor time, median


def engine(config: Config, rooms: int = 1) -> Finding:
    """Time the network as it will run: on images that follow each other as poses do. So many rooms share it."""
    check = Check("engine")
    try:
        loaded = Engine(load_bundle(find_bundle(config.bundle)), config.engine)
    except WimoseError as error:
        return check.fail(str(error), "the bundle comes first, see there")
    return judged(loaded.name, measured(loaded, config.poses_per_s), config.poses_per_s, rooms, platform.machine())


def measured(loaded: Engine, poses_per_s: float, poses: int = POSES) -> Cost:
    spec, stride = loaded.spec, stride_of(poses_per_s)
    columns = np.random.default_rng(1).uniform(-0.5, 0.5, (spec.packets + stride * (WARM + poses), *spec.column))
    columns = columns.astype(np.float32)
    took, cpu = [], []
    begun = time.perf_counter()
    for n in range(WARM + poses):
        image = np.ascontiguousarray(spec.image(columns[n * stride : n * stride + spec.packets]))
        at, cpu_at = time.perf_counter(), time.process_time()
        loaded.predict(image)
        took.append(time.perf_counter() - at)
        cpu.append(time.process_time() - cpu_at)
        if n > WARM and time.perf_counter() - begun > BUDGET_S:
            break
    return Cost(float(np.median(took[WARM:])), float(np.median(cpu[WARM:])))


def judged(name: str, cost: Cost, poses_per_s: float, rooms: int, processor: str) -> Finding:
    """name: of the engine; processor: as `uname -m` says it"""
    check = Check("engine")
    share = cost.cpu_s * poses_per_s * rooms
    many = f" in each of {rooms} rooms" if rooms > 1 else ""
    found = (
        f"{DISTRIBUTIONS[name]} {version(DISTRIBUTIONS[name])} takes {1e3 * cost.seconds:.2f} ms a pose on one thread: "
        f"{100 * share:.1f} % of a core at {poses_per_s:g} poses/s{many}"
    )
    if name == "tflite" and processor == "x86_64" and share > MUCH:
        return check.warn(
            f"{found}; it does not accelerate int8 models on x86",
            "install ai-edge-litert, which does, and let `engine` in the configuration be null",
        )
    if share > MOST:
        return check.warn(
            found, "lower poses_per_s, take a smaller bundle, or give a room to another host" if rooms > 1 else
            "lower poses_per_s, or take a smaller bundle"
        )  # fmt: skip
    return check.ok(found)
