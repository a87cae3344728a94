"""Opens the page: its server, and where no broker speaks to browsers, one inside this process that does."""

from contextlib import ExitStack

from edge.publish.broker import embedded_broker
from edge.view.feed import Feed
from edge.view.scene import Room, scene_json
from edge.view.server import serve_page

PORT = 8765  # as `view.port` in the configuration
MQTT_3_1_1 = 4  # as the CONNECT packet says it; brokers that speak MQTT 5 speak this as well


def open_view(
    stack: ExitStack, room: Room, websocket: str | None, port: int = PORT, otherwise: int | None = None
) -> tuple[str, Feed | None]:
    """Serve the page until the stack is closed.

    room       what to draw
    websocket  where the broker that the poses go to speaks to browsers, or None: then the page has a broker of its own,
               which the sink that comes back feeds
    otherwise  port to take where `port` is taken; None: raise ConfigError
    returns    the page's URL; the sink to give the poses to, None where `websocket` was given
    """
    feed = None
    if websocket is None:
        broker = stack.enter_context(embedded_broker())
        feed = stack.enter_context(Feed(broker, room.room))
        websocket = broker.websocket_url
    scene = scene_json(room, websocket, MQTT_3_1_1)
    return stack.enter_context(serve_page(scene, websocket, port, otherwise)), feed
