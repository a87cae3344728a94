"""An MQTT broker inside this process, for the demo on a host that has none, and for the page that shows the skeleton.

It speaks MQTT 3.1.1 only: amqtt 0.12.1 leaves an MQTT 5 CONNECT with a will unanswered, so whoever
publishes to it asks for 3.1.1 from the start.
"""

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from edge.errors import MissingDependency
from edge.publish import websocket

HOST = "127.0.0.1"  # anonymous clients are let in, so only from this host

STEP_S = 10.0  # starting and stopping take milliseconds; longer means it hangs
FAREWELL_S = 2.0  # for the clients' handlers to see that their connections are closed
LAST_WORDS_S = 0.1  # for what was put last, such as `offline`, to be handed out


class EmbeddedBroker:
    """A running broker: where its clients find it, and a way in for this process that never waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop, broker: Any, port: int, websocket_port: int) -> None:
        self.port = port
        self.websocket_url = f"ws://{HOST}:{websocket_port}/"
        self.dropped = 0  # messages that a newer one of their topic overtook
        self._loop, self._broker = loop, broker
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[bytes, bool]] = {}

    def put(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """To all subscribers, QoS 0, from any thread. Where the broker is behind, the latest of each topic stays."""
        with self._lock:
            idle = not self._waiting
            self.dropped += self._waiting.pop(topic, None) is not None
            self._waiting[topic] = payload, retain
        if idle:
            with suppress(RuntimeError):  # it has stopped
                self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._hand_on()))

    async def _hand_on(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for topic, (payload, retain) in waiting.items():
            await self._broker.internal_message_broadcast(topic, payload, 0)
            if retain:
                await self._broker.retain_message(None, topic, payload, 0)


@contextmanager
def embedded_broker() -> Iterator[EmbeddedBroker]:
    """Run amqtt on the loopback interface, for programs over TCP and for browsers; stops it at the end."""
    try:
        from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
        from amqtt.broker import Broker
    except ImportError as error:
        raise MissingDependency(
            "the embedded MQTT broker is not installed: pip install 'wimose[demo]', or pass --mqtt with an address "
            "(for the page of `wimose run`: set mqtt.websocket)"
        ) from error

    config = {
        # The socket is ours: the kernel chooses a free port, and we can hang up on clients (see `stop`).
        "listeners": {"default": {"type": "external"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    handlers: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    async def start() -> tuple[Broker, asyncio.Server, Any]:
        broker = Broker(config)
        await broker.start()

        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None  # start_server runs every client in one
            handlers[task] = writer
            try:
                await broker.external_connected(StreamReaderAdapter(reader), StreamWriterAdapter(writer), "default")
            finally:
                del handlers[task]
                writer.close()  # amqtt leaves that to the client where it went before it said CONNECT

        async def browser(reader: websocket.Reader, writer: websocket.Writer) -> None:
            await broker.external_connected(reader, writer, "default")

        return broker, await asyncio.start_server(client, HOST, 0), await websocket.serve(browser, HOST)

    async def stop(broker: Broker, server: asyncio.Server, browsers: Any) -> None:
        # amqtt cancels its readers and waits for them; on Python 3.11 `asyncio.wait_for` loses a cancellation
        # that meets a packet, and that wait never ends. A reader whose connection is closed ends by itself.
        await asyncio.sleep(LAST_WORDS_S)
        server.close()
        for writer in handlers.values():
            writer.close()
        with suppress(TimeoutError):
            await websocket.stop(browsers, FAREWELL_S)
        if handlers:
            await asyncio.wait(handlers, timeout=FAREWELL_S)
        await broker.shutdown()

    with _quiet("amqtt"), _quiet("websockets"), _loop_in_thread() as loop:
        broker, server, browsers = _call(loop, start())
        port, websocket_port = (listener.sockets[0].getsockname()[1] for listener in (server, browsers))
        try:
            yield EmbeddedBroker(loop, broker, port, websocket_port)
        finally:
            _call(loop, stop(broker, server, browsers))


@contextmanager
def _loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop of its own, so that the caller need not be asynchronous."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="mqtt-broker", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        _call(loop, _cancel_the_rest())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def _call(loop: asyncio.AbstractEventLoop, step: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run_coroutine_threadsafe(step, loop).result(STEP_S)


@contextmanager
def _quiet(logger_name: str) -> Iterator[None]:
    """The broker calls a client that leaves without a word an error; the clients notice what really fails."""
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
