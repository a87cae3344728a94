import numpy as np
import pytest

from edge.arrays import Array
from edge.config import BUNDLE, Config
from edge.inference.bundle import find_bundle, load_bundle
from edge.inference.engine import Engine, Prediction
from edge.service.doctor import cost
from edge.service.doctor.cost import BUDGET_S, WARM, Cost, engine, judged, measured
from edge.signal.imagespec import ImageSpec


@pytest.fixture(autouse=True)
def any_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "version", lambda name: f"1.2 of {name}")


class Clocks:
    """What `time` tells: nothing passes but what somebody spends."""

    def __init__(self) -> None:
        self.seconds = self.cpu_s = 0.0

    def perf_counter(self) -> float:
        return self.seconds

    def process_time(self) -> float:
        return self.cpu_s


class Slow:
    """An engine that takes twenty milliseconds, eight of them of the processor, and remembers what it was shown."""

    def __init__(self, spec: ImageSpec, clocks: Clocks) -> None:
        self.spec = spec
        self.clocks = clocks
        self.images: list[Array] = []

    def predict(self, image: Array) -> Prediction:
        self.images.append(image.copy())
        self.clocks.seconds += 0.020
        self.clocks.cpu_s += 0.008
        return Prediction(np.zeros((17, 3)), None, None)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    clocks = Clocks()
    monkeypatch.setattr(cost, "time", clocks)
    return Slow(load_bundle(find_bundle(BUNDLE)).spec, clocks)


def test_the_one_that_is_installed_is_named_and_timed() -> None:
    found = engine(Config())
    assert found.verdict in ("ok", "warn"), found  # how fast this machine is, no test says
    assert " ms a pose on one thread: " in found.found
    assert found.found.endswith("% of a core at 30 poses/s")
    name = Engine(load_bundle(find_bundle(BUNDLE))).name
    assert found.found.startswith(cost.DISTRIBUTIONS[name])


def test_a_bundle_that_does_not_load_is_said_elsewhere() -> None:
    assert engine(Config(bundle="no-such")).verdict == "fail"


@pytest.mark.parametrize(("poses_per_s", "stride"), [(30.0, 5), (7.5, 20)])
def test_images_follow_each_other_as_poses_do(poses_per_s: float, stride: int, slow: Slow) -> None:
    took = measured(slow, poses_per_s, poses=6)  # type: ignore[arg-type]
    assert len(slow.images) == WARM + 6
    for before, after in zip(slow.images, slow.images[1:], strict=False):
        np.testing.assert_array_equal(before[stride:], after[:-stride])
    assert took.seconds == pytest.approx(0.020)
    assert took.cpu_s == pytest.approx(0.008)


def test_it_does_not_take_long(slow: Slow) -> None:
    measured(slow, 30.0)  # type: ignore[arg-type]
    assert BUDGET_S <= slow.clocks.seconds < BUDGET_S + 0.03


def test_what_it_costs_is_a_share_of_a_core() -> None:
    found = judged("litert", Cost(0.001, 0.0005), 30.0, 1, "x86_64")
    assert found.verdict == "ok"
    assert found.found == (
        "ai-edge-litert 1.2 of ai-edge-litert takes 1.00 ms a pose on one thread: 1.5 % of a core at 30 poses/s"
    )
    assert "6.0 % of a core at 30 poses/s in each of 4 rooms" in judged("litert", Cost(1, 0.0005), 30, 4, "arm").found


@pytest.mark.parametrize(
    ("name", "processor", "ms", "rooms", "remedy"),
    [
        ("tflite", "x86_64", 3.0, 1, ""),  # 9 %
        ("tflite", "x86_64", 4.0, 1, "install ai-edge-litert"),
        ("tflite", "x86_64", 40.0, 1, "install ai-edge-litert"),
        ("tflite", "aarch64", 4.0, 1, ""),  # not slower than the other there
        ("tflite", "aarch64", 40.0, 1, "take a smaller bundle"),
        ("litert", "x86_64", 4.0, 1, ""),
        ("litert", "x86_64", 17.0, 1, "take a smaller bundle"),
        ("litert", "x86_64", 4.0, 5, "give a room to another host"),
    ],
)
def test_what_is_too_slow_comes_with_a_remedy(name: str, processor: str, ms: float, rooms: int, remedy: str) -> None:
    found = judged(name, Cost(1e-3 * ms, 1e-3 * ms), 30.0, rooms, processor)
    assert found.verdict == ("warn" if remedy else "ok")
    assert remedy in found.remedy
