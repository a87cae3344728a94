"""When somebody begins and ends to move, read from the CSI itself."""

import numpy as np
from scipy import signal

from edge.arrays import Array
from edge.errors import RecordingError
from edge.recording import Recording
from edge.signal.links import normalised_power
from edge.signal.path import Packets

BIN_US = 5_000.0  # 200 points/s hold what a walker does at 5.8 GHz
BAND_HZ = (3.0, 60.0)  # below: the body swaying where it stands
SMOOTH_S = 0.25
RUN_S = 0.3  # a step takes longer, a burst of interference is shorter
# Over the quietest moment of the recording. Standing scatters to 1.6 times, walking at the far end of the area is 2.2.
MOVING = 2.0
# No recording is quieter: 0.011 to 0.027 while somebody stands. Simulated noise is, nothing of it being shared.
FLOOR = 0.01
# Somebody who sets out is heard leaning before being under way: half the walking speed is there 0.2 to 0.4 s after the
# first motion in simulated walks along these tracks, and gone as long before the last.
LEAN_S = 0.3


def motion_interval(recording: Recording) -> tuple[float, float]:
    """Onset and end of walking, seconds: LEAN_S inside the first and last RUN_S in which both receivers hear motion.

    Both: the geometric mean of their levels, each over its quietest moment, is above MOVING. Somebody who still moves
    at the last packet walks until then.
    """
    levels = [motion_level(packets) for packets in recording.receivers]
    both = min(map(len, levels))
    score = np.sqrt(np.prod([level[:both] / max(level.min(), FLOOR) for level in levels], axis=0))
    edges = np.flatnonzero(np.diff(np.concatenate(([0], score > MOVING, [0])))).reshape(-1, 2)
    runs = edges[edges[:, 1] - edges[:, 0] >= RUN_S * 1e6 / BIN_US]
    if not len(runs):
        raise RecordingError("nobody moves in this recording; give one of somebody walking")
    onset, end = runs[0, 0], runs[-1, 1]
    onset_s = float(onset * BIN_US * 1e-6 + LEAN_S)
    end_s = float(end * BIN_US * 1e-6 - LEAN_S) if end < both else recording.seconds
    if end_s <= onset_s:
        raise RecordingError("nobody walks in this recording, somebody moves for a moment; give one of a walk")
    return onset_s, end_s


def motion_level(packets: Packets) -> Array:
    """How much one receiver hears move: (M,) float64, no unit, every BIN_US.

    The rms in BAND_HZ that neighbouring subcarriers share, of each pair's conjugate product over the packet's power;
    of the three pairs the quietest, because an antenna that hears interference (receiver 2, recording 1-1-1-1) spoils
    two of them.
    """
    csi, power = packets.csi, normalised_power(packets.csi)
    slot = (packets.time_us / BIN_US).astype(np.int64)
    kept, start = np.unique(slot[slot >= 0], return_index=True)
    sos = signal.butter(3, BAND_HZ, "bandpass", fs=1e6 / BIN_US, output="sos")
    window = round(SMOOTH_S * 1e6 / BIN_US)
    levels = []
    for a, b in ((0, 1), (0, 2), (1, 2)):
        product = csi[:, a] * csi[:, b].conj() / power[:, None]
        product = product[slot >= 0] / np.maximum(np.abs(product.mean(axis=0)), 1e-6)
        binned = np.add.reduceat(product, start) / np.diff(np.append(start, len(product)))[:, None]
        steady = binned[np.searchsorted(kept, np.arange(kept[-1] + 1)).clip(max=len(kept) - 1)]  # a pause repeats
        moving = signal.sosfiltfilt(sos, steady, axis=0)
        shared = (moving[:, 1:] * moving[:, :-1].conj()).real.mean(axis=1)
        whole = np.convolve(shared, np.full(window, 1 / window), "valid")
        early = (len(shared) - len(whole)) // 2  # at the ends the nearest whole window stands in
        mean = np.pad(whole, (early, len(shared) - len(whole) - early), mode="edge")
        levels.append(np.sqrt(np.maximum(mean, 1e-9)))
    return np.asarray(np.min(levels, axis=0))
