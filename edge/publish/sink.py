"""Where poses go: the protocol that every publisher keeps, and the simplest of them, a file."""

from pathlib import Path
from typing import Protocol, Self

from edge.errors import ConfigError
from edge.publish.message import Pose, encode


class PoseSink(Protocol):
    """Takes poses one by one, in order; closing it delivers what is still on its way."""

    def publish(self, pose: Pose) -> None: ...

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class JsonLines(PoseSink):
    """One `pose` message per line: byte for byte what MQTT would carry."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("wb")
        except IsADirectoryError as error:
            raise ConfigError(f"{path} is a folder: name a file in it, such as {path / 'poses.jsonl'}") from error
        except FileNotFoundError as error:
            raise ConfigError(f"cannot write {path}: create the folder {path.parent} first") from error
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error.strerror}; choose another file") from error

    def publish(self, pose: Pose) -> None:
        self._file.write(encode(pose) + b"\n")

    def close(self) -> None:
        self._file.close()
