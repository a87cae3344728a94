"""The documented example: it is what is built in, and nothing of that is left out."""

from pathlib import Path

import msgspec
import pytest

from edge.config import ROOM_KEYS, Config, Receiver, keys, load_config, load_rooms
from edge.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "edge" / "service" / "config.example.yaml"


def test_it_is_what_is_built_in() -> None:
    assert load_config(EXAMPLE, environ={}) == Config()


def test_every_key_stands_in_it() -> None:
    values = msgspec.yaml.decode(EXAMPLE.read_bytes())
    for key in keys():
        inner = values
        for name in key.split("."):
            assert name in inner, key
            inner = inner[name]
    for receiver in values["receivers"]:
        assert set(receiver) == {field.name for field in msgspec.structs.fields(Receiver)}


def test_every_key_is_explained() -> None:
    """A comment right before it, or before the first of its paragraph."""
    explained = False
    for line in EXAMPLE.read_text().splitlines():
        text = line.strip()
        if not text or text.endswith(":"):
            explained = explained and bool(text)
        elif text.startswith("#"):
            explained = True
        else:
            assert explained, line


def test_its_list_of_rooms_is_one(tmp_path: Path) -> None:
    """With the keys of one room taken away, as it says, and the comment signs in front of the list."""
    values = msgspec.yaml.decode(EXAMPLE.read_bytes())
    shared = {key: value for key, value in values.items() if key not in ROOM_KEYS}
    lines = EXAMPLE.read_text().splitlines()
    begin = lines.index("# rooms:")
    listed = "\n".join(line[2:] for line in lines[begin : lines.index("", begin)])
    path = tmp_path / "config.yaml"
    path.write_bytes(msgspec.yaml.encode(shared) + listed.encode())
    kitchen, hall = load_rooms(path, {}, ["rooms.kitchen.profile=k.yaml"])
    assert (kitchen.room, kitchen.profile, hall.room, hall.profile) == ("kitchen", "k.yaml", "hall", None)
    assert [key for key in ROOM_KEYS if getattr(kitchen, key) is None] == []


def test_a_changed_example_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(EXAMPLE.read_text().replace("room: room", "room: lab"))
    assert load_config(path, environ={}).room == "lab"
    path.write_text(EXAMPLE.read_text().replace("poses_per_s", "poses_per_second"))
    with pytest.raises(ConfigError, match="did you mean poses_per_s"):
        load_config(path, environ={})
