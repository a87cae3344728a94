"""The page in a headless Chromium, at real brokers: it must draw, move, and never show a figure that is not there."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.address import BrokerAddress
from edge.publish.message import ReceiverTelemetry, Telemetry, TruthMessage
from edge.publish.mqtt import MqttPublisher
from edge.view.feed import Feed
from edge.view.page import open_view
from tests.conftest import WAIT_S, Mosquitto, StartMosquitto, free_port, heed_ctrl_c
from tests.publish.test_mqtt import INFO
from tests.view.conftest import LAB, Page, figure, walker

Publisher = MqttPublisher | Feed

NONE = "\N{EN DASH}"  # what stands where a figure is not known


@contextmanager
def demo(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`wimose demo` in a process of its own, and the address that it prints."""
    command = [sys.executable, "-u", "-m", "edge.cli", "demo", *arguments]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"http://\S+", line):
                    # What it prints from now on is read, too: a full pipe would stop it.
                    threading.Thread(target=process.stdout.read, daemon=True).start()
                    yield process, found[0]
                    break
            else:
                pytest.fail("the demo printed no address")
        finally:
            process.kill()


class Walk:
    """Publishes 30 poses a second from a thread, of somebody who circles, with truth and telemetry beside them."""

    def __init__(self, publisher: Publisher) -> None:
        self.present = True
        self._publisher = publisher
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(WAIT_S)

    def _run(self) -> None:
        seq = 0
        while not self._stop.wait(1 / 30):
            pose = walker(seq, present=self.present)
            self._publisher.publish(pose)
            self._publisher.tell(TruthMessage(seq=seq, joints=(np.array(pose.joints) + np.array([0.3, 0, 0])).tolist()))
            if seq % 10 == 0:
                self._publisher.tell(telemetry(pose.t))
            seq += 1


def telemetry(t: float, problem: str = "") -> Telemetry:
    return Telemetry(
        t=t, poses_per_s=30.0, latency_p50_ms=12.3, latency_p99_ms=20.0, pairing_residual_us=1.0, drift_ppm=0.5,
        receivers={"receiver1": heard(0.012), "receiver2": heard(None)},
        drops={}, memory_mb=100.0, problem=problem, source="replay",
    )  # fmt: skip


def heard(loss: float | None) -> ReceiverTelemetry:
    return ReceiverTelemetry(packets_per_s=149.0, loss=loss, silent_s=0.0, unusable=0, damaged=0, missed=0)


def assert_draws_and_moves(page: Page) -> None:
    """Neither blank nor stale, and that by the figure itself: the links have moving lights of their own."""
    first = page.picture()
    page.page.wait_for_timeout(1000)
    second = page.picture()
    assert first.std() > 4, "the canvas is blank"
    assert figure(first).sum() > 60, "there is no figure"
    changed = figure(first) ^ figure(second)
    assert changed.sum() > 20, "the figure stands still"


def assert_says_no_data(page: Page, why: str) -> None:
    page.wait_for("none")
    page.wait_until(lambda: why in page.text(".veil span"))
    page.page.locator(".veil").wait_for(state="visible", timeout=WAIT_S * 1e3)
    assert page.text(".veil strong") == "no data"
    page.wait_until(lambda: figure(page.picture()).sum() == 0)
    assert [page.text(f".tile:nth-child({number}) b") for number in (1, 2, 3, 5)] == [NONE] * 4


def test_the_demo_is_seen_walking_and_gone_when_it_ends(open_page: Callable[..., Page]) -> None:
    pytest.importorskip("amqtt")
    page = open_page()
    with demo("--room", "kitchen", "--loop") as (process, url):
        page.page.goto(url)
        page.wait_for("present")
        assert page.text(".badge") == "SIMULATED"
        assert page.text(".title h1").lower() == "kitchen"
        assert "trained on simulated data" in page.text(".model >> nth=0")
        page.page.locator(".veil").wait_for(state="hidden", timeout=WAIT_S * 1e3)
        page.wait_until(lambda: page.page.locator(".entry >> nth=2").get_attribute("hidden") is None)  # of the ghost
        page.wait_until(lambda: 28 < number(page, 1) < 32)
        page.wait_until(lambda: number(page, 2) > 0)
        assert "·" in page.text(".tile:nth-child(3) b")
        page.wait_until(lambda: number(page, 4) > 0)  # mm against the truth
        assert_draws_and_moves(page)
        assert page.complaints == []
        assert {asked.split("/")[2] for asked in page.requested} == {url.split("/")[2]}, "it asked somebody else"
        process.send_signal(signal.SIGINT)
        process.wait(WAIT_S)
    assert_says_no_data(page, "the demo has ended: run it again")

    def at_rest() -> bool:
        still = page.picture()
        page.page.wait_for_timeout(500)
        return bool((page.picture() == still).all())

    page.wait_until(at_rest)  # its shadow fades after it; what has ended does not go on being drawn


def test_at_mosquitto_with_websockets(open_page: Callable[..., Page], start_mosquitto: StartMosquitto) -> None:
    port = free_port()
    broker = start_mosquitto(f"allow_anonymous true\nlistener {port} 127.0.0.1\nprotocol websockets")
    page = open_page()
    with ExitStack() as stack:
        url, feed = open_view(stack, LAB, f"ws://127.0.0.1:{port}", port=0)
        assert feed is None
        page.page.goto(url)
        page.wait_for("none")
        page.wait_until(lambda: page.text(".veil span") == "waiting for the first pose")
        publisher = stack.enter_context(publisher_to(broker).connect())
        walk = Walk(publisher)
        stack.callback(walk.stop)
        page.wait_for("present")
        assert page.text(".badge") == "REPLAY"
        page.wait_until(lambda: page.text(".tile:nth-child(2) b") == "12")
        assert page.text(".tile:nth-child(3) b") == f"1.2 · {NONE}"
        page.wait_until(lambda: page.text(".tile:nth-child(4) b") == "300")
        assert_draws_and_moves(page)

        walk.present = False
        page.wait_for("nobody")
        assert page.text(".status") == "nobody moves"
        page.page.locator(".veil").wait_for(state="hidden", timeout=WAIT_S * 1e3)
        page.wait_until(lambda: figure(page.picture()).sum() == 0)
        walk.present = True
        page.wait_for("present")

        walk.stop()
        publisher.tell(telemetry(0.0, problem="receiver2 has been silent for 3 s"))
        assert_says_no_data(page, "receiver2 has been silent for 3 s")

        broker.kill()
        broker.start()
        again = Walk(publisher)
        stack.callback(again.stop)
        page.wait_for("present")


def test_a_feed_of_its_own_where_the_broker_does_not_speak_to_browsers(open_page: Callable[..., Page]) -> None:
    pytest.importorskip("amqtt")
    page = open_page()
    with ExitStack() as stack:
        url, feed = open_view(stack, LAB, None, port=0)
        assert feed is not None
        walk = Walk(feed)
        stack.callback(walk.stop)
        page.page.goto(url)
        page.wait_for("present")
        walk.stop()
    page.wait_for("none")
    page.wait_until(lambda: page.text(".veil span") == "wimose is not running")


def test_a_broker_that_wants_a_password(
    open_page: Callable[..., Page], start_mosquitto: StartMosquitto, tmp_path: Path
) -> None:
    (tmp_path / "passwords").write_text("viewer:open sesame\n")
    subprocess.run(["mosquitto_passwd", "-U", tmp_path / "passwords"], check=True)
    port = free_port()
    start_mosquitto(
        f"allow_anonymous false\npassword_file {tmp_path / 'passwords'}\nlistener {port} 127.0.0.1\nprotocol websockets"
    )
    page = open_page()
    with ExitStack() as stack:
        url, _ = open_view(stack, LAB, f"ws://127.0.0.1:{port}", port=0)
        page.page.goto(url)
        for password in ("wrong", "open sesame"):
            page.page.fill("input[name=username]", "viewer")
            page.page.fill("input[name=password]", password)
            page.page.click("button")
        page.wait_until(lambda: page.text(".veil span") == "waiting for the first pose")
        assert page.page.locator("form").count() == 0


def test_it_turns_by_mouse_and_zooms_by_wheel(open_page: Callable[..., Page]) -> None:
    page = open_page(reduced_motion="reduce")
    with ExitStack() as stack:
        url, _ = open_view(stack, LAB, "ws://127.0.0.1:9", port=0)  # nobody is there: nothing but the room
        page.page.goto(url)
        page.wait_for("none")
        page.page.wait_for_timeout(500)
        before = page.picture()
        mouse = page.page.mouse
        mouse.move(200, 170)
        mouse.down()
        mouse.move(290, 170, steps=4)
        mouse.up()
        page.page.wait_for_timeout(700)
        turned = page.picture()
        assert np.abs(turned - before).mean() > 0.5
        mouse.wheel(0, -400)
        page.page.wait_for_timeout(700)
        assert np.abs(page.picture() - turned).mean() > 0.5


def test_it_pinches_by_touch_on_a_phone(open_page: Callable[..., Page]) -> None:
    page = open_page(has_touch=True, is_mobile=True)
    with ExitStack() as stack:
        url, _ = open_view(stack, LAB, "ws://127.0.0.1:9", port=0)
        page.page.set_viewport_size({"width": 320, "height": 500})
        page.page.goto(url)
        page.wait_for("none")
        page.page.wait_for_timeout(500)
        assert page.page.evaluate("document.documentElement.scrollWidth") == 320
        before = page.picture()
        touch(page.page, [(130, 240), (190, 240)], [(60, 240), (260, 240)])
        page.page.wait_for_timeout(700)
        assert np.abs(page.picture() - before).mean() > 0.5


def test_messages_that_make_no_sense_change_nothing(open_page: Callable[..., Page]) -> None:
    page = open_page()
    with ExitStack() as stack:
        url, _ = open_view(stack, LAB, "ws://127.0.0.1:9", port=0)
        page.page.goto(url + "icon.svg")
        refused = page.page.evaluate(
            """async () => {
              const { Monitor } = await import("/monitor.js");
              const monitor = new Monitor();
              const joints = Array.from({ length: 17 }, () => [0, 0, 0]);
              const hostile = ["", "null", "[]", "7", "{", '{"joints":7}', JSON.stringify({ joints: joints.slice(1) }),
                JSON.stringify({ joints: joints.map(() => [0, 0]) }), JSON.stringify({ v: 2, joints }),
                JSON.stringify({ joints: joints.map(() => [0, 0, 1e9]) }),
                JSON.stringify({ joints: joints.map(() => [0, 0, "0"]) }),
                JSON.stringify({ joints: joints.map(() => [0, 0, null]) })];
              for (const text of hostile) for (const name of ["pose", "truth"]) monitor.take(name, text, 1);
              return [monitor.refused / 2 / hostile.length, monitor.view(1).phase];
            }"""
        )
        assert refused == [1, "none"]


def number(page: Page, tile: int) -> float:
    text = page.text(f".tile:nth-child({tile}) b")
    return 0.0 if text == NONE else float(text)


def publisher_to(broker: Mosquitto) -> MqttPublisher:
    return MqttPublisher(BrokerAddress(broker.host, broker.port, tls=False, user=None), "lab", INFO)


def touch(page: Any, begin: list[tuple[int, int]], end: list[tuple[int, int]], steps: int = 5) -> None:
    """Two fingers from one place to another."""
    session = page.context.new_cdp_session(page)
    for step in range(steps + 1):
        points = [
            {"x": x + (u - x) * step / steps, "y": y + (v - y) * step / steps, "id": number}
            for number, ((x, y), (u, v)) in enumerate(zip(begin, end, strict=True))
        ]
        kind = "touchStart" if step == 0 else "touchMove"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        time.sleep(0.02)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
