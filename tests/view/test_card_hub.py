"""The dashboard card over a real Home Assistant's own connection, for those who ask for it with WIMOSE_TEST_HA=1."""

import json
import threading
from collections.abc import Callable

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from edge.publish.message import encode
from edge.view.server import serve_page
from tests.hub.conftest import Hub, hub  # noqa: F401 - a fixture of that folder
from tests.view.conftest import Page, walker
from tests.view.test_card import CONFIG

# As the hub's frontend does it: https://developers.home-assistant.io/docs/api/websocket
DASHBOARD = """<!doctype html><body style="margin: 0"><script type="module">
  import "./wimose-card.js";
  const HUB = %s;
  const socket = new WebSocket(HUB.url.replace("http", "ws") + "/api/websocket");
  const waiting = new Map(), callbacks = new Map();
  let next = 1;
  const connection = {
    subscribeMessage(callback, message) {
      const id = next++;
      callbacks.set(id, callback);
      socket.send(JSON.stringify({ id, ...message }));
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
  };
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "auth_required") {
      socket.send(JSON.stringify({ type: "auth", access_token: HUB.token }));
    } else if (message.type === "auth_ok") {
      const card = document.createElement("wimose-card");
      card.setConfig(HUB.config);
      card.hass = { connection };
      document.body.append(card);
    } else if (message.type === "event") {
      callbacks.get(message.id)(message.event);
    } else if (message.type === "result") {
      const { resolve, reject } = waiting.get(message.id);
      message.success ? resolve(async () => {}) : reject(message.error);
    }
  };
</script></body>"""


def test_it_draws_what_a_real_hub_hands_on(open_page: Callable[..., Page], hub: Hub) -> None:  # noqa: F811
    page = open_page(bypass_csp=True)  # the dashboard's policy is the hub's
    dashboard = DASHBOARD % json.dumps({"url": hub._url, "token": hub._token, "config": CONFIG})
    publisher = Client(CallbackAPIVersion.VERSION2)
    publisher.username_pw_set(hub.user, hub.password)
    publisher.connect(hub.host, hub.port)
    publisher.loop_start()
    stop = threading.Event()

    def walk() -> None:
        seq = 0
        while not stop.wait(1 / 30):
            publisher.publish("wimose/lab/pose", encode(walker(seq, "live")))
            seq += 1

    walking = threading.Thread(target=walk, daemon=True)
    walking.start()
    try:
        with serve_page(b"{}", "ws://127.0.0.1:9", port=0) as url:
            page.page.goto(url + "dashboard")  # not there, but of this host: Chromium lets no other page connect to it
            page.page.set_content(dashboard)
            page.wait_for("present")
            assert page.text(".badge") == "LIVE"
            page.wait_until(lambda: page.text(".tile:nth-child(1) b") == "30.0")
            stop.set()
            page.wait_for("none")
    finally:
        stop.set()
        walking.join()
        publisher.disconnect()
        publisher.loop_stop()
