from pathlib import Path

import numpy as np
import pytest

from edge.errors import ConfigError
from edge.publish.message import encode
from edge.publish.sink import JsonLines
from tests.publish.test_message import a_pose


def test_one_message_per_line(tmp_path: Path) -> None:
    poses = [a_pose(np.full((17, 3), k), seq=k) for k in range(3)]
    with JsonLines(tmp_path / "poses.jsonl") as sink:
        for pose in poses:
            sink.publish(pose)
    assert (tmp_path / "poses.jsonl").read_bytes() == b"".join(encode(pose) + b"\n" for pose in poses)


def test_unusable_files_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder: name a file in it"):
        JsonLines(tmp_path)
    with pytest.raises(ConfigError, match=r"create the folder .*/missing first"):
        JsonLines(tmp_path / "missing" / "poses.jsonl")
    with pytest.raises(ConfigError, match="File name too long; choose another file"):
        JsonLines(tmp_path / ("x" * 300))
