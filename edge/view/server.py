"""The page's files and its scene over HTTP, to this host alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from edge.errors import ConfigError

HOST = "127.0.0.1"  # the page shows where people are: whoever wants it elsewhere puts a proxy with a login before it
STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".yaml": "text/plain; charset=utf-8",
    ".LICENSE": "text/plain; charset=utf-8",
}
IDLE_S = 10.0  # a connection that says nothing for so long does not keep a thread


@contextmanager
def serve_page(scene: bytes, websocket: str, port: int, otherwise: int | None = None) -> Iterator[str]:
    """Serve the page; yields its URL. Connections that are open at the end are not waited for.

    websocket  the broker's URL, which the page may connect to besides this server
    port       0 for any that is free
    otherwise  port to take where that one is taken; None: raise ConfigError
    """
    files = {f"/{path.relative_to(STATIC)}": path.read_bytes() for path in STATIC.rglob("*") if path.is_file()}
    files["/"] = files["/index.html"]
    files["/scene.json"] = scene
    nobody = "; ".join(f"{whom} 'none'" for whom in ("base-uri", "form-action", "frame-ancestors", "object-src"))
    policy = f"default-src 'self'; connect-src 'self' {_origin(websocket)}; {nobody}"

    class Handler(PageHandler):
        pass

    Handler.files, Handler.policy = files, policy
    server = _listen(Handler, port, otherwise)
    thread = threading.Thread(target=server.serve_forever, name="page", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class PageHandler(BaseHTTPRequestHandler):
    """Answers with files that were read at the start: no request names a path on the disk."""

    files: dict[str, bytes]
    policy: str
    timeout = IDLE_S
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "wimose", ""

    def do_GET(self) -> None:
        if not self._is_asked_for_by_its_name():
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, b"this page answers to 127.0.0.1 and localhost\n", ".yaml")
            return
        path = urlsplit(self.path).path
        body = self.files.get(path)
        if body is None:
            self._answer(HTTPStatus.NOT_FOUND, b"not here\n", ".yaml")
        else:
            suffix = Path(path).suffix or ".html"
            self._answer(HTTPStatus.OK, body, suffix)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def _is_asked_for_by_its_name(self) -> bool:
        """A stranger's name that was made to lead here (DNS rebinding) gets nothing."""
        name = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        return name in (HOST, "localhost")

    def _answer(self, status: HTTPStatus, body: bytes, suffix: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", TYPES.get(suffix, "application/json"))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", self.policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """A line for every file would bury what the program says."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a browser that keeps its connection does not keep the program
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that leaves in the middle of a file is no event."""


def _listen(handler: type[PageHandler], port: int, otherwise: int | None) -> _Server:
    try:
        return _Server((HOST, port), handler)
    except OSError as error:
        if otherwise is None:
            raise ConfigError(
                f"cannot serve the page on port {port}: {error.strerror}; set view.port to another, or to 0"
            ) from error
    return _Server((HOST, otherwise), handler)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
