"""The dashboard card in a Chromium, on a stand-in for the dashboard that hands messages on as the hub does."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from edge.publish.message import TruthMessage, encode
from edge.view.server import serve_page
from tests.conftest import WAIT_S
from tests.view.conftest import Page, figure, walker

# Home Assistant's frontend: a card is given its configuration, then `hass`, whose connection subscribes
# with {type: "mqtt/subscribe", topic} and calls back with {topic, payload, qos, retain}, the payload as text.
DASHBOARD = """<!doctype html><body style="margin: 0; background: #eee"><script type="module">
  import "./wimose-card.js";
  window.subscribed = new Map();
  window.refuse = null;
  const connection = {
    async subscribeMessage(callback, message) {
      if (window.refuse) throw window.refuse;
      if (message.type !== "mqtt/subscribe") throw { code: "unknown_command" };
      window.subscribed.set(message.topic, callback);
      return async () => window.subscribed.delete(message.topic);
    },
  };
  window.show = (config) => {
    const card = document.createElement("wimose-card");
    card.setConfig(config);
    card.hass = { connection };
    document.body.append(card);
    card.hass = { connection }; // as often as anything in the hub changes
    return card.getCardSize();
  };
  window.deliver = (topic, payload) => window.subscribed.get(topic)?.({ topic, payload, qos: 0, retain: false });
  window.ready = true;
</script></body>"""

CONFIG = {
    "type": "custom:wimose-card",
    "room": "lab",
    "size_m": [5.0, 4.0, 2.6],
    "transmitter_m": [0.5, 0.5, 1.2],
    "receivers": [{"name": "receiver1", "antennas_m": [[4.5, 0.5, 1.2]]}, {"name": "receiver2", "antennas_m": None}],
    "height": 300,
}


def dashboard(page: Page, url: str) -> Any:
    page.page.route("**/dashboard.html", lambda route: route.fulfill(body=DASHBOARD, content_type="text/html"))
    page.page.goto(url + "dashboard.html")
    page.page.wait_for_function("window.ready")
    return page.page


def test_it_draws_what_the_hub_hands_on(open_page: Callable[..., Page]) -> None:
    page = open_page()
    with serve_page(b"{}", "ws://127.0.0.1:9", port=0) as url:
        hub = dashboard(page, url)
        assert hub.evaluate("window.customCards[0].type") == "wimose-card"
        assert hub.evaluate("(config) => show(config)", CONFIG) == 6
        topics = {f"wimose/lab/{name}" for name in ("pose", "truth", "telemetry", "state", "status", "info")}
        assert set(hub.evaluate("[...subscribed.keys()]")) == topics
        page.wait_for("none")

        def tell(seq: int) -> None:
            pose = walker(seq, "simulated")
            hub.evaluate("(text) => deliver('wimose/lab/pose', text)", encode(pose).decode())
            truth = encode(TruthMessage(seq=seq, joints=pose.joints)).decode()
            hub.evaluate("(text) => deliver('wimose/lab/truth', text)", truth)

        def keep_telling(seconds: int) -> None:
            """From within the page, as fast as the hub would."""
            poses = [json.loads(encode(walker(seq, "simulated"))) for seq in range(30 * seconds)]
            hub.evaluate(
                """(poses) => { let next = 0; window.teller = setInterval(
                     () => deliver("wimose/lab/pose", JSON.stringify(poses[next++ % poses.length])), 33); }""",
                poses,
            )

        tell(0)
        page.wait_for("present")
        assert page.text(".badge") == "SIMULATED"
        assert page.text(".title h1").lower() == "lab"

        def off_by_nothing() -> bool:
            tell(0)  # again: on a busy machine one pose may have gone stale before it is looked at
            return page.text(".tile:nth-child(4) b") == "0"  # mm: the truth is the pose here

        page.wait_until(off_by_nothing)
        keep_telling(6)
        hub.wait_for_timeout(500)
        first = page.picture()
        hub.wait_for_timeout(1000)
        second = page.picture()
        assert first.shape[:2] == (300, 400)
        assert first.std() > 4, "the canvas is blank"
        assert (figure(first) ^ figure(second)).sum() > 20, "the figure stands still"

        hub.evaluate("clearInterval(window.teller)")
        page.wait_for("none")
        page.page.locator(".veil").wait_for(state="visible", timeout=WAIT_S * 1e3)
        assert page.text(".veil strong") == "no data"
        page.wait_until(lambda: figure(page.picture()).sum() == 0)

        hub.evaluate("document.querySelector('wimose-card').remove()")
        page.wait_until(lambda: hub.evaluate("subscribed.size") == 0)
        assert page.complaints == []
        assert {asked.split("/")[2] for asked in page.requested} == {url.split("/")[2]}


def test_it_says_who_may_not_look(open_page: Callable[..., Page]) -> None:
    page = open_page()
    with serve_page(b"{}", "ws://127.0.0.1:9", port=0) as url:
        hub = dashboard(page, url)
        hub.evaluate("window.refuse = { code: 'unauthorized', message: 'Unauthorized' }")
        hub.evaluate("(config) => show(config)", {"room": "lab"})
        page.wait_until(lambda: page.text(".veil span") == "the hub lets only administrators see this")


def test_a_configuration_that_cannot_be_right_is_refused(open_page: Callable[..., Page]) -> None:
    page = open_page()
    with serve_page(b"{}", "ws://127.0.0.1:9", port=0) as url:
        hub = dashboard(page, url)
        wrong = [{}, {"room": ""}, {"room": "a/b"}, {"room": "+"}, {"room": 7}, {"room": "lab", "size_m": [1, 2]},
                 {"room": "lab", "size_m": [0, 4, 3]}, {"room": "lab", "transmitter_m": "corner"},
                 {"room": "lab", "receivers": [{"antennas_m": [[1, 2]]}]}]  # fmt: skip
        for config in wrong:
            said = hub.evaluate(
                "(config) => { try { document.createElement('wimose-card').setConfig(config); return ''; }"
                " catch (error) { return error.message; } }",
                config,
            )
            assert said.startswith("wimose-card: "), config
        assert np.isfinite(hub.evaluate("show({ room: 'lab' })"))
