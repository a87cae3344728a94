from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.publish.message import Info, Pose, encode, pose_message
from edge.skeleton import EDGES, JOINTS


def a_pose(joints: NDArray[np.floating[Any]], **changes: object) -> Pose:
    fields = {
        "t": 1700000000.25,
        "seq": 7,
        "frame": "room",
        "present": True,
        "confidence": 0.875,
        "source": "replay",
        "trained_on": "simulated",
        "model": "wi-mose@0123abcd",
    }
    return pose_message(joints, **(fields | changes))  # type: ignore[arg-type]


def test_exact_bytes_of_a_pose() -> None:
    joints = np.zeros((17, 3), np.float32)
    joints[0] = (1.2344, -0.00049, 2.9996)
    joints[16] = (-0.5, 0.1, 1e-9)
    assert encode(a_pose(joints)) == (
        b'{"v":1,"t":1700000000.25,"seq":7,"frame":"room","unit":"m","joints":[[1.234,0.0,3.0],'
        + b"[0.0,0.0,0.0]," * 15
        + b'[-0.5,0.1,0.0]],"present":true,"confidence":0.875,"source":"replay","trained_on":"simulated",'
        b'"model":"wi-mose@0123abcd"}'
    )


def test_float32_reaches_the_wire_in_three_decimals() -> None:
    generator = np.random.default_rng(1)
    joints = generator.uniform(-9, 9, (17, 3)).astype(np.float32)
    sent = a_pose(joints, confidence=np.float32(0.9))
    assert np.abs(np.array(sent.joints) - joints).max() <= 0.0005 + 1e-6
    assert all(repr(x) == repr(round(x, 3)) for joint in sent.joints for x in joint)
    assert b'"confidence":0.9,' in encode(sent)


@pytest.mark.parametrize(
    ("joints", "changes"),
    [
        (np.zeros((16, 3)), {}),
        (np.zeros((3, 17)), {}),
        (np.full((17, 3), np.nan), {}),
        (np.full((17, 3), np.inf), {}),
        (np.zeros((17, 3)), {"t": float("nan")}),
        (np.zeros((17, 3)), {"confidence": 1.01}),
        (np.zeros((17, 3)), {"confidence": float("nan")}),
    ],
)
def test_what_no_reader_could_draw_is_refused(joints: NDArray[np.floating[Any]], changes: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        a_pose(joints, **changes)


def test_info_carries_the_skeleton() -> None:
    sent = encode(Info(version="0.1.0", bundle="wi-mose@0123abcd", room_profile=None))
    assert sent.startswith(
        b'{"version":"0.1.0","bundle":"wi-mose@0123abcd","room_profile":null,"joints":["MidHip","LHip"'
    )
    assert sent.endswith(b"[14,15],[15,16]]}")
    assert sent.count(b'"') == 2 * (len(JOINTS) + 5 + 2)
    assert sent.count(b"[") == len(EDGES) + 2
