"""An MQTT broker inside this process, so that the demo runs on a host that has none.

It speaks MQTT 3.1.1 only: amqtt 0.12.1 leaves an MQTT 5 CONNECT with a will unanswered, so whoever
publishes to it asks for 3.1.1 from the start.
"""

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from edge.errors import MissingDependency

HOST = "127.0.0.1"  # anonymous clients are let in, so only from this host

STEP_S = 10.0  # starting and stopping take milliseconds; longer means it hangs
FAREWELL_S = 2.0  # for the clients' handlers to see that their connections are closed


@contextmanager
def embedded_broker() -> Iterator[int]:
    """Run amqtt on the loopback interface; yields its TCP port and stops it at the end."""
    try:
        from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
        from amqtt.broker import Broker
    except ImportError as error:
        raise MissingDependency(
            "the embedded MQTT broker is not installed: pip install 'wimose[demo]', or pass --mqtt with an address"
        ) from error

    config = {
        # The socket is ours: the kernel chooses a free port, and we can hang up on clients (see `stop`).
        "listeners": {"default": {"type": "external"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    handlers: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    async def start() -> tuple[Broker, asyncio.Server]:
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

        return broker, await asyncio.start_server(client, HOST, 0)

    async def stop(broker: Broker, server: asyncio.Server) -> None:
        # amqtt cancels its readers and waits for them; on Python 3.11 `asyncio.wait_for` loses a cancellation
        # that meets a packet, and that wait never ends. A reader whose connection is closed ends by itself.
        server.close()
        for writer in handlers.values():
            writer.close()
        if handlers:
            await asyncio.wait(handlers, timeout=FAREWELL_S)
        await broker.shutdown()

    with _quiet("amqtt"), _loop_in_thread() as loop:
        broker, server = _call(loop, start())
        port: int = server.sockets[0].getsockname()[1]
        try:
            yield port
        finally:
            _call(loop, stop(broker, server))


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
