"""The page's server: its files and nothing else, to this host and under its own name only."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from edge.errors import ConfigError
from edge.view.scene import Room, scene_json
from edge.view.server import HOST, STATIC, serve_page
from tests.conftest import WAIT_S
from tests.view.conftest import LAB

SOCKET = "wss://hub.local:9001/mqtt"
SCENE = scene_json(LAB, SOCKET, 4)


@pytest.fixture
def port() -> Iterator[int]:
    with serve_page(SCENE, SOCKET, port=0) as url:
        found = urlsplit(url).port
        assert found is not None
        yield found


def ask(port: int, path: str, method: str = "GET", host: str | None = None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(HOST, port, timeout=WAIT_S)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host if host is not None else f"{HOST}:{port}")
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def test_every_file_with_its_type(port: int) -> None:
    kinds = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    for path in STATIC.rglob("*"):
        if path.is_file():
            status, headers, body = ask(port, f"/{path.relative_to(STATIC)}")
            assert (status, body) == (200, path.read_bytes())
            assert headers["content-type"].startswith(kinds.get(path.suffix, "text/plain"))
    assert ask(port, "/")[2] == (STATIC / "index.html").read_bytes()
    assert ask(port, "/?from=bookmark")[0] == 200


def test_the_scene(port: int) -> None:
    status, headers, body = ask(port, "/scene.json")
    assert (status, headers["content-type"]) == (200, "application/json")
    scene = json.loads(body)
    assert scene["room"] == "lab"
    assert scene["topics"] == "wimose/lab/"
    assert (scene["websocket"], scene["protocol"]) == (SOCKET, 4)
    assert scene["size_m"] == [5.0, 4.0, 2.6]
    assert scene["receivers"][1] == {"name": "receiver2", "antennas_m": [[0.5, 3.5, 1.2]]}
    assert len(scene["joints"]) == 17
    assert scene["edges"][0] == [0, 1]


def test_it_may_connect_to_the_broker_and_to_nobody_else(port: int) -> None:
    headers = ask(port, "/")[1]
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["connect-src"] == "'self' wss://hub.local:9001"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/../server.py", "/%2e%2e/server.py", "//etc/passwd", "/vendor/../../server.py", "/vendor", "/vendor/", "/.git"],
)
def test_nothing_else_is_served(port: int, path: str) -> None:
    assert ask(port, path)[0] == 404


@pytest.mark.parametrize("host", ["", "evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_a_name_that_was_made_to_lead_here_gets_nothing(port: int, host: str) -> None:
    status, _, body = ask(port, "/scene.json", host=host)
    assert status == 421
    assert b"receiver" not in body
    assert ask(port, "/scene.json", host=f"localhost:{port}")[0] == 200


def test_it_answers_what_a_browser_does_not_ask(port: int) -> None:
    status, headers, body = ask(port, "/", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) == (STATIC / "index.html").stat().st_size
    assert ask(port, "/", "POST")[0] == 501


def test_it_listens_on_the_loopback_interface_alone(port: int) -> None:
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if " 0A " in line]
    assert [address for address in listening if address.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


def test_it_ends_whoever_is_still_connected() -> None:
    with serve_page(SCENE, SOCKET, port=0) as url:
        port = urlsplit(url).port
        idle = socket.create_connection((HOST, port), timeout=WAIT_S)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port))
    idle.close()


def test_a_port_that_is_taken(port: int) -> None:
    with pytest.raises(ConfigError, match=rf"port {port}: .*; set view.port"), serve_page(SCENE, SOCKET, port):
        pass
    with serve_page(SCENE, SOCKET, port, otherwise=0) as url:
        assert urlsplit(url).port not in (port, 0)


def test_a_room_that_nobody_has_measured() -> None:
    from edge.config import Config

    scene = json.loads(scene_json(Room.of_config(Config()), SOCKET, 4))
    assert (scene["size_m"], scene["transmitter_m"], scene["carrier_hz"]) == (None, None, None)
    assert [receiver["antennas_m"] for receiver in scene["receivers"]] == [None, None]
