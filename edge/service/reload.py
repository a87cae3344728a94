"""Another bundle or other profiles while the service runs: what a room cannot use leaves that room as it was."""

import logging
from collections.abc import Callable, Sequence

from edge.config import Config
from edge.errors import WimoseError
from edge.service.journal import speaker
from edge.service.model import Model
from edge.service.station import Station

log = logging.getLogger(__name__)


def reload_rooms(stations: Sequence[Station], load: Callable[[], Sequence[Config]]) -> None:
    """Read the configuration again. Never raises for what the user can mend: it is logged, and poses go on."""
    try:
        rooms = {config.room: config for config in load()}
        model = Model.load(next(iter(rooms.values())))
    except WimoseError as error:
        log.error("reload refused, going on as before: %s", error)
        return
    if changed := rooms.keys() ^ {station.room for station in stations}:
        log.warning("rooms come and go with a restart of the service alone: %s", ", ".join(sorted(changed)))
    for station in stations:
        speaker.set(station.room)
        if station.room in rooms:
            _exchange(station, model, rooms[station.room])
    speaker.set("")


def _exchange(station: Station, model: Model, config: Config) -> None:
    try:
        fitted = model.fitted(config)
        station.host.exchange(fitted.engine, fitted.labels(config), fitted.links, fitted.present_level)
    except WimoseError as error:
        log.error("reload refused, going on as before: %s", error)
        return
    station.audience.publisher.update_info(fitted.info())
    log.info("reloaded: %s", fitted.bundle.identity)
