"""What of the simulated world may be made easier, to see where a network loses the pose (`study.ladder`)."""

import msgspec
import numpy as np

from edge.parse.subcarriers import INDEX_20_MHZ
from firmware_tools.simulate.nic import PERMUTATIONS, Nic


class World(msgspec.Struct, frozen=True):
    """The whole world by default; each False takes something away, and `augmented` adds to it."""

    spot: bool = True  # a take lies anywhere it fits; else around the middle of the room
    heading: bool = True  # a take is turned anyhow; else its mean heading is along x
    nic: bool = True  # receivers as drawn; else IDEAL_NIC
    varied: bool = True  # speeds and bodies are drawn; else as captured
    augmented: bool = False  # limbs, postures and ways as well (`simulate.augment`); to learn from, never to measure in


# Nothing between antenna and record but what every record has: whole counts (0.9 % of the rms at this level), a common
# phase, slope and gain, which the signal path divides out.
IDEAL_NIC = Nic(
    offsets=np.ones(3, np.complex128),
    response=np.ones(INDEX_20_MHZ.size),
    noise=0.0,
    error=0.0,
    level=33.0,  # counts, the highest that is drawn
    slope_ns=208.0,
    slope_deviation_ns=0.0,
    clock_offset_us=0,
    clock_ppm=0.0,
    loss=0.0,
    burst=0.0,
    burst_s=0.01,
    antenna_sel=PERMUTATIONS[0],
    agc_target_dbm=-7.0,
    agc_hysteresis_db=1.0,
    agc_jitter_db=0.0,
)
