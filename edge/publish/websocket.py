"""Browsers at the embedded broker: MQTT in the binary messages of a WebSocket (MQTT 3.1.1, section 6).

amqtt has such a listener, but its writer loses or repeats bytes where two messages are sent at once, and its reader
spins where a connection ends within a packet; so the connection's two ends are written here.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

PROTOCOL = "mqtt"  # the subprotocol's name
MAX_MESSAGE_BYTES = 1 << 16  # a page subscribes and pings; nothing it says is near this
FAREWELL_S = 1.0  # for a browser to confirm the end; one that is frozen does not
PING_S = 5.0  # a browser that does not answer for so long again is cut off: what waits for it stays small

# Any page in the user's browser may open a connection to this host, and says where it came from: only pages that this
# host serves are let in, and programs, which say nothing.
ORIGINS = (None, re.compile(r"https?://(127\.0\.0\.1|localhost)(:\d+)?"))

Handler = Callable[["Reader", "Writer"], Awaitable[None]]


async def serve(handler: Handler, host: str) -> Any:
    """Listen on a free port; `handler` is run for every connection, until it is done with it."""
    import websockets.asyncio.server
    from websockets.typing import Subprotocol

    async def client(connection: Any) -> None:
        await handler(Reader(connection), Writer(connection))

    return await websockets.asyncio.server.serve(
        client, host, 0,
        origins=ORIGINS, subprotocols=[Subprotocol(PROTOCOL)], compression=None, max_size=MAX_MESSAGE_BYTES,
        ping_interval=PING_S, ping_timeout=PING_S, close_timeout=FAREWELL_S,
    )  # fmt: skip


class Reader:
    """What amqtt reads from: bytes, however they were cut into messages."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._bytes = bytearray()

    async def read(self, n: int = -1) -> bytes:
        """The next n bytes (-1: those of the next message); fewer where the connection has ended."""
        from websockets.exceptions import ConnectionClosed

        while len(self._bytes) < max(n, 1):
            try:
                message = await self._connection.recv()
            except ConnectionClosed:
                return b""
            self._bytes += message.encode() if isinstance(message, str) else message
        end = len(self._bytes) if n == -1 else n
        taken = bytes(self._bytes[:end])
        del self._bytes[:end]
        return taken

    def feed_eof(self) -> None:
        """amqtt says this to a reader it is done with; this one ends with its connection."""


class Writer:
    """What amqtt writes to."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._bytes = bytearray()

    def write(self, data: bytes) -> None:
        self._bytes += data

    async def drain(self) -> None:
        from websockets.exceptions import ConnectionClosed

        data, self._bytes = bytes(self._bytes), bytearray()  # before the wait: meanwhile others write
        if data:
            try:
                await self._connection.send(data)
            except ConnectionClosed as error:
                raise ConnectionResetError("the browser has left") from error  # what amqtt expects of a socket

    def get_peer_info(self) -> tuple[str, int] | None:
        address = self._connection.remote_address
        return (address[0], address[1]) if address else None

    def get_ssl_info(self) -> None:
        return None

    async def close(self) -> None:
        await self._connection.close()


async def stop(server: Any, timeout_s: float) -> None:
    """Say goodbye to every browser, and wait until their handlers have seen it."""
    server.close()
    await asyncio.wait_for(asyncio.shield(server.wait_closed()), timeout_s)
