"""A streamed image says bit for bit what the window model says of it, whatever came before."""

import json
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.arrays import Array
from edge.errors import BundleMismatch
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.inference.engine import ENGINES, Engine, Prediction
from edge.inference.head import Head, inputs
from edge.inference.network import Network
from edge.pose import SPLIT_1
from edge.recording import align
from edge.session import load_session
from edge.signal.imagespec import ImageSpec
from edge.signal.path import Packets, SignalPath

ROOT = Path(__file__).parents[2]
SESSION = ROOT / "edge" / "demo" / "session"  # simulated
SHIPPED = "wimose-plus-basic"
SPEC = load_bundle(find_bundle(SHIPPED)).spec
COLUMN, FILTER = 5, 15  # grid points: from one to the next, and of the filters that make one


def columns_of(spec: ImageSpec) -> int:
    return (spec.packets - FILTER) // COLUMN + 1


COLUMNS = columns_of(SPEC)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(find_bundle(SHIPPED))


@pytest.fixture(scope="module")
def whole(bundle: Bundle) -> Engine:
    """It has no step model, so it knows nothing but windows."""
    return Engine(msgspec.structs.replace(bundle, step=b""))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which model was run, call after call."""
    run: list[str] = []
    call = Network.__call__

    def spy(self: Network, *arrays: Array) -> list[Array]:
        run.append("window" if len(arrays) == 1 else "step")
        return call(self, *arrays)

    monkeypatch.setattr(Network, "__call__", spy)
    return run


@cache
def session(poses_per_s: float, gap: bool = False, seconds: float = 7.5, spec: ImageSpec = SPEC) -> list[Array]:
    """Images of the demo's session. `gap`: receiver 1 heard nothing for 0.3 s."""
    recording = align(load_session(SESSION).logs)
    first, second = (packets.part(0, int((packets.time_us < 1e6 * seconds).sum())) for packets in recording.receivers)
    if gap:
        heard = (first.time_us < 2.8e6) | (first.time_us > 3.1e6)
        first = Packets(first.time_us[heard], first.csi[heard])
    return [image.values for image in SignalPath(recording.links, poses_per_s, spec).push((first, second))]


def noise(seed: int, points: int) -> Array:
    return np.random.default_rng(seed).normal(0, 0.15, (points, *SPEC.column)).clip(-1, 1).astype(np.float32)


def same(said: Prediction, other: Prediction) -> bool:
    assert said.features is not None
    assert other.features is not None
    return (
        said.joints.tobytes() == other.joints.tobytes()
        and said.features.tobytes() == other.features.tobytes()
        and said.confidence == other.confidence
    )


@pytest.mark.parametrize("name", ["wimose-plus-basic", "wimose-plus-rooms"])
@pytest.mark.parametrize(("poses_per_s", "new"), [(30.0, 1), (15.0, 2), (10.0, 3), (7.5, 4), (6.0, 5)])
def test_a_session_is_streamed_and_nobody_can_tell(name: str, poses_per_s: float, new: int, calls: list[str]) -> None:
    bundle = load_bundle(find_bundle(name))
    engine, whole = Engine(bundle), Engine(msgspec.structs.replace(bundle, step=b""))
    images = session(poses_per_s, seconds=4.5, spec=bundle.spec)
    assert len(images) > 10
    expected = [whole.predict(image) for image in images]
    calls.clear()
    said = [engine.predict(image) for image in images]
    assert calls == ["window"] + ["step"] * (columns_of(bundle.spec) + new * (len(images) - 2))
    assert all(same(one, other) for one, other in zip(said, expected, strict=True))
    assert len({one.joints.tobytes() for one in said}) > len(images) / 2  # they do differ


def test_after_a_gap_it_begins_anew(bundle: Bundle, whole: Engine, calls: list[str]) -> None:
    images = session(30.0, gap=True)
    assert len(images) < len(session(30.0)) - SPEC.whole // COLUMN  # withheld while the gap lay in the window
    expected = [whole.predict(image) for image in images]
    engine = Engine(bundle)
    calls.clear()
    assert all(same(engine.predict(image), other) for image, other in zip(images, expected, strict=True))
    assert calls.count("window") == 2
    assert calls.count("step") == 2 * COLUMNS + len(images) - 4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_comes_after_whatever(bundle: Bundle, whole: Engine, seed: int, calls: list[str]) -> None:
    """On and back, by whole columns and by less, and the same again."""
    engine, air, rng = Engine(bundle), noise(seed, SPEC.packets + 575), np.random.default_rng(seed)
    at = 300
    for _ in range(60):
        at += COLUMN if rng.random() < 0.5 else int(rng.integers(-40, 41))
        at = min(max(at, 0), len(air) - SPEC.packets)
        image = air[at : at + SPEC.packets]
        assert same(engine.predict(image), whole.predict(image))
    assert "step" in calls


def test_a_value_that_changed_within_the_window_is_seen(bundle: Bundle, whole: Engine) -> None:
    engine, air = Engine(bundle), noise(4, SPEC.packets + 75)
    for start in (0, COLUMN, 2 * COLUMN):
        engine.predict(air[start : start + SPEC.packets])
    changed = air[3 * COLUMN : 3 * COLUMN + SPEC.packets].copy()
    changed[150] *= -1.0
    assert same(engine.predict(changed), whole.predict(changed))
    assert not np.array_equal(whole(changed), whole(air[3 * COLUMN : 3 * COLUMN + SPEC.packets]))


def test_it_keeps_nothing_of_the_callers(bundle: Bundle, whole: Engine) -> None:
    """An image's memory may be used again for the next."""
    engine, air = Engine(bundle), noise(5, SPEC.packets + 75)
    image = np.empty(SPEC.shape, np.float32)
    for start in range(0, 12 * COLUMN, COLUMN):
        image[:] = air[start : start + SPEC.packets]
        said = engine.predict(image)
        image[:] = 0.0
        assert same(said, whole.predict(air[start : start + SPEC.packets]))


def test_siblings_have_their_own_heads_and_memories(bundle: Bundle, calls: list[str]) -> None:
    rng = np.random.default_rng(6)
    heads = [
        Head(rng.normal(size=(inputs(bundle), SPLIT_1)) * 0.01, rng.normal(size=SPLIT_1)),
        Head(rng.normal(size=(inputs(bundle), SPLIT_1)) * 0.01, rng.normal(size=SPLIT_1)),
        None,
    ]
    first = Engine(bundle, head=heads[0])
    rooms = [first, first.sibling(heads[1]), first.sibling()]
    alone = [Engine(bundle, head=head) for head in heads]
    airs = [noise(seed, SPEC.packets + 175) for seed in (7, 8, 9)]
    calls.clear()
    said: list[list[Prediction]] = [[], [], []]
    for start in range(0, 20 * COLUMN, COLUMN):
        for n in range(3):
            said[n].append(rooms[n].predict(airs[n][start : start + SPEC.packets]))
    assert calls.count("window") == 3  # the first of each room: they do not disturb each other
    for n in range(3):
        for i, start in enumerate(range(0, 20 * COLUMN, COLUMN)):
            assert same(said[n][i], alone[n].predict(airs[n][start : start + SPEC.packets]))
    with pytest.raises(BundleMismatch, match="calibrate the room again"):
        first.sibling(Head(np.zeros((5, SPLIT_1)), np.zeros(SPLIT_1)))


def apart(engine: str) -> list[int]:
    """Of how many images of a session, and how many of them streamed, a runtime says something else than of windows."""
    bundle = load_bundle(find_bundle(SHIPPED))
    streaming, whole = Engine(bundle, engine), Engine(msgspec.structs.replace(bundle, step=b""), engine)
    images = session(15.0, gap=True)
    wrong = sum(not same(streaming.predict(image), whole.predict(image)) for image in images)
    return [wrong, len(images), int(streaming.streams)]


@pytest.mark.parametrize("engine", list(ENGINES))
def test_either_runtime_streams(engine: str) -> None:
    if find_spec(ENGINES[engine].partition(".")[0]) is None:
        pytest.skip(f"{engine} has no wheel for this Python")
    # In a process of its own: the runtimes and TensorFlow share symbol names and do not bear each other.
    code = "import json, sys; from tests.inference.test_stream import apart; print(json.dumps(apart(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", code, engine], cwd=ROOT, capture_output=True, check=True)
    wrong, images, streams = json.loads(done.stdout)
    assert images > 30
    assert (wrong, streams) == (0, 1)


def test_a_step_that_says_something_else_is_not_used(bundle: Bundle, whole: Engine) -> None:
    """Another model's, had it come past the hash; or a runtime that rounds one column unlike many."""
    other = load_bundle(find_bundle("wimose-plus-rooms"))
    engine = Engine(msgspec.structs.replace(bundle, step=other.step))
    assert not engine.streams
    assert same(engine.predict(noise(1, SPEC.packets)), whole.predict(noise(1, SPEC.packets)))
    assert Engine(bundle).streams
    assert Engine(other).streams


def test_a_step_of_another_shape_is_refused(bundle: Bundle) -> None:
    for step in (bundle.model, load_bundle(find_bundle("wimose-basic")).model):
        with pytest.raises(BundleMismatch, match=r"step\.tflite is not for windows"):
            Engine(msgspec.structs.replace(bundle, step=step))
