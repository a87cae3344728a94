"""Write a simulated session: the same folder a recording makes, with its truth."""

from pathlib import Path

import msgspec
import numpy as np

from edge.errors import ConfigError
from edge.session import SCHEMA, ReceiverEntry, SessionFile
from firmware_tools.simulate.motion import load_clips
from firmware_tools.simulate.room import Room
from firmware_tools.simulate.scene import MAX_TAKE_S, SimulatedLogs, draw_scene, record, single_take
from firmware_tools.splits import draw_weights

TRUTH_HZ = 30.0  # the motion capture's own rate


def simulate_session(
    folder: Path, room: Room, motion: Path, clip: str | None, seconds: float, packets_per_s: float, seed: int,
    empty_s: float = 0.0,
) -> None:  # fmt: skip
    """Simulate and write one session. Same arguments, same bytes.

    clip     name of one clip to play from its beginning; many drawn at random if None
    empty_s  of the seconds, at the beginning, with nobody in the room: no truth, and the session says so
    """
    clips = load_clips(motion)
    rng = np.random.default_rng(seed)
    room = room.for_session(rng)
    if clip is None:
        scene = draw_scene(room, clips, draw_weights(clips, MAX_TAKE_S), seconds, rng, packets_per_s, empty_s)
    else:
        named = [candidate for candidate in clips if candidate.name == clip]
        if not named:
            raise ConfigError(f"no clip {clip!r} in {motion}; index.json lists them")
        scene = single_take(room, named[0], seconds, rng, packets_per_s, empty_s)
    recorded = record(room, scene, rng)
    write_session(folder, room, recorded, packets_per_s, empty_s, _note(room, clip, seed))


def write_session(
    folder: Path, room: Room, recorded: SimulatedLogs, packets_per_s: float, empty_s: float, note: str
) -> None:
    """Write what was recorded in a room, and the truth."""
    folder.mkdir(parents=True, exist_ok=True)
    antennas = [tuple(position) for position in room.antennas().round(4).tolist()]
    receivers = []
    for r, log in enumerate(recorded.logs):
        name = f"receiver{r + 1}"
        (folder / f"{name}.dat").write_bytes(log)
        receivers.append(ReceiverEntry(name, f"{name}.dat", "nic", antennas[3 * r : 3 * r + 3], room.links[r]))
    every = max(round(packets_per_s / TRUTH_HZ), 1)
    present = np.flatnonzero(recorded.take >= 0)[::every]
    np.savez_compressed(folder / "joints.npz", t=recorded.time_s[present], joints=recorded.joints[present])
    file = SessionFile(
        schema=SCHEMA,
        source="simulated",
        room=room.name,
        carrier_hz=room.carrier_hz,
        bandwidth_mhz=20,
        packets_per_s=packets_per_s,
        receivers=(receivers[0], receivers[1]),
        room_size_m=room.size,
        transmitter_m=room.transmitter,
        empty_s=empty_s or None,
        note=note,
    )
    (folder / "session.yaml").write_bytes(msgspec.yaml.encode(file))  # last: its presence means the session is whole


def _note(room: Room, clip: str | None, seed: int) -> str:
    """What made the session, and what its file has no field for: the screens it stood behind."""
    parts = [f"clip {clip}"] if clip else []
    parts += [f"seed {seed}"]
    parts += [f"a screen of {screen.loss_db:.1f} dB from {screen.start} to {screen.end} m" for screen in room.screens]
    return ", ".join(parts)
