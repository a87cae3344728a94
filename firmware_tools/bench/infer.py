"""Inference: every bundle that ships on every engine that is installed, against reading the weights once.

A bundle that streams is measured twice: with images that have nothing to do with each other, and with images as the
service has them, each the one before moved on by one pose's packets. Of those nothing is counted but what is new.

The engines bear neither each other nor TensorFlow in one process, so each runs in its own; they take turns.
"""

import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edge.arrays import Array
from edge.inference.bundle import SHIPPED, Bundle, find_bundle, load_bundle
from edge.inference.engine import ENGINES, Engine
from edge.signal.grid import stride_of
from firmware_tools.bench.figures import Limit, Part, Peer, Row, time_row
from firmware_tools.bench.machine import Machine
from firmware_tools.bench.timing import Timing

ONNX = "onnxruntime"
TURNS = 3
CALLS = 400  # a turn
WARM_CALLS = 50
AIM_TIMES = 1.3
CONVERT_S = 300.0
NEW_POINTS = stride_of(30.0)  # from one image to the next


class Taken(msgspec.Struct, frozen=True):
    """What one process says: seconds of each call."""

    model: list[float]  # the model alone
    whole: list[float] = []  # image in, joints out; empty for a peer
    step: list[float] = []  # the step model alone; empty where there is none
    streamed: list[float] = []  # image in, joints out, each image following on the one before


def bench(machine: Machine, calls: int = CALLS) -> Part:
    rows: list[Row] = []
    notes: list[str] = []
    engines = [name for name, module in ENGINES.items() if find_spec(module.partition(".")[0]) is not None]
    notes += [f"{name} is not installed" for name in ENGINES if name not in engines]
    with tempfile.TemporaryDirectory() as scratch:
        for name in sorted(path.parent.name for path in SHIPPED.glob("*/bundle.yaml")):
            bundle = load_bundle(find_bundle(name))
            onnx = Path(scratch) / f"{name}.onnx"
            problem = _convert(SHIPPED / name / "model.tflite", onnx)
            if problem:
                notes.append(f"{name} on {ONNX}: {problem}")
            runners = dict.fromkeys(engines, name) | ({} if problem else {ONNX: str(onnx)})
            for threads in (1, 2)[: machine.cores]:
                rows += _rows(bundle, _take_turns(runners, threads, calls), threads, machine)
    return Part(rows, notes=notes)


def _rows(bundle: Bundle, taken: dict[str, Taken], threads: int, machine: Machine) -> list[Row]:
    once = _read_once(bundle.model, machine)
    timings = {name: Timing.of(said.model) for name, said in taken.items()}
    rows = []
    for name, said in taken.items():
        if not said.whole:
            continue
        others = [Peer(other, 1e3 * timing.median) for other, timing in timings.items() if other != name]
        chosen = name == next(iter(ENGINES)) and threads == 1  # what the service runs
        median = 1e3 * timings[name].median
        fastest = all(median <= (peer.median or np.inf) for peer in others)
        near = median <= AIM_TIMES * once.value or bool(said.step)  # a window is not what a bundle that streams is for
        aim = "no slower than any peer" if said.step else f"{AIM_TIMES:g} times the limit, no slower than any peer"
        label = f"{bundle.description.name}, {name}, {threads} thread{'s' * (threads > 1)}"
        rows.append(time_row("infer", f"{label}: model", "ms", 1e3, timings[name], peers=others, limit=once,
                             aim=aim * chosen, met=fastest and near if chosen else None))  # fmt: skip
        rows.append(time_row("infer", f"{label}: image to joints", "ms", 1e3, Timing.of(said.whole), limit=once))
        if said.step:
            rows += _streamed_rows(label, said, _read_once(bundle.step, machine), chosen)
    return rows


def _streamed_rows(label: str, said: Taken, once: Limit, chosen: bool) -> list[Row]:
    """Every weight meets the new column, so its cost is held against reading the weights, whatever the context.

    It may well be below: called again and again, a small model's weights stay in the processor's cache.
    """
    window, whole, step = (Timing.of(seconds) for seconds in (said.model, said.whole, said.step))
    met = 1e3 * step.median <= AIM_TIMES * once.value
    return [
        time_row("infer", f"{label}, streamed: model", "ms", 1e3, step, limit=once,
                 peers=[Peer("its whole window", 1e3 * window.median)],
                 aim=f"{AIM_TIMES:g} times the limit, whatever the context" * chosen, met=met if chosen else None),
        time_row("infer", f"{label}, streamed: image to joints", "ms", 1e3, Timing.of(said.streamed), limit=once,
                 peers=[Peer("its whole window", 1e3 * whole.median)]),
    ]  # fmt: skip


def _read_once(model: bytes, machine: Machine) -> Limit:
    return Limit("reading the weights once", 1e3 * len(model) / (machine.read_gb_s * 1e9))


def _take_turns(runners: dict[str, str], threads: int, calls: int) -> dict[str, Taken]:
    """runners: engine to the bundle's name or the ONNX file."""
    taken: dict[str, list[Taken]] = {engine: [] for engine in runners}
    for _ in range(TURNS):
        for engine, model in runners.items():
            command = [sys.executable, "-m", "firmware_tools.bench.infer", engine, model, str(threads), str(calls)]
            done = subprocess.run(command, capture_output=True, check=True)
            taken[engine].append(msgspec.json.decode(done.stdout.splitlines()[-1], type=Taken))
    parts = Taken.__struct_fields__
    return {
        engine: Taken(**{part: [s for turn in turns for s in getattr(turn, part)] for part in parts})
        for engine, turns in taken.items()
    }


def _convert(tflite: Path, onnx: Path) -> str:
    """The same int8 model for onnxruntime; why not, where there is none."""
    for needed in (ONNX, "tf2onnx", "tensorflow"):
        if find_spec(needed) is None:
            return f"no figure, {needed} is not installed"
    command = [sys.executable, "-m", "tf2onnx.convert", "--tflite", str(tflite), "--output", str(onnx), "--opset", "17"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=CONVERT_S)
    except subprocess.TimeoutExpired:
        return "no figure, conversion took too long"
    return "" if onnx.is_file() else f"no figure, conversion failed ({done.stderr.strip().splitlines()[-1:]})"


def _image(shape: tuple[int, ...]) -> Array:
    return np.random.default_rng(1).uniform(-0.5, 0.5, shape).astype(np.float32)


def _timed(work: Any, calls: int) -> list[float]:
    for _ in range(WARM_CALLS):
        work()
    seconds = []
    for _ in range(calls):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return seconds


def _ours(engine: str, name: str, threads: int, calls: int) -> Taken:
    loaded = Engine(load_bundle(find_bundle(name)), engine, threads)
    image = _image(loaded.spec.shape)
    whole = _timed(loaded._window._interpreter.invoke, calls), _timed(lambda: loaded.predict(image), calls)
    if loaded._step is None:
        return Taken(*whole)
    points = loaded.spec.packets
    air = _image((points + NEW_POINTS * (WARM_CALLS + calls), *loaded.spec.column))
    images = (air[first : first + points] for first in range(0, len(air) - points, NEW_POINTS))
    step = _timed(loaded._step._interpreter.invoke, calls)
    return Taken(*whole, step, _timed(lambda: loaded.predict(next(images)), calls))


def _theirs(onnx: str, threads: int, calls: int) -> Taken:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    (wanted,) = session.get_inputs()
    shape = [size if isinstance(size, int) else 1 for size in wanted.shape]
    dtype = np.int8 if "int8" in wanted.type else np.float32
    feed = {wanted.name: (100 * _image(tuple(shape))).astype(dtype)}
    return Taken(_timed(lambda: session.run(None, feed), calls))


def main() -> None:
    """In a process of its own: ENGINE MODEL THREADS CALLS, seconds as JSON."""
    engine, model, threads, calls = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    taken = _theirs(model, threads, calls) if engine == ONNX else _ours(engine, model, threads, calls)
    sys.stdout.buffer.write(msgspec.json.encode(taken) + b"\n")


if __name__ == "__main__":
    main()
