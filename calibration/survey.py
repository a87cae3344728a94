"""Is the radio good enough? Every figure of both receivers gets a grade, a reason and, where it is not green, a remedy.

The limits are what the signal path needs, or what real recordings of the Intel 5300 show: WiVelo (12 walks, 1000
packets/s, 5.8 GHz, one stream), csi-data (100 packets/s, two streams), WiAR (30 packets/s). At each stands which.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from calibration.figures import Figures, measure
from edge.errors import RecordingError
from edge.parse.intel5300 import CsiLog
from edge.recording import usable
from edge.signal.grid import RATE_HZ
from edge.signal.pairing import Pairing, pair
from edge.signal.resample import MAX_GAP_US

Grade = Literal["green", "amber", "red"]
GRADES: tuple[Grade, ...] = ("green", "amber", "red")

MADE_FOR_HZ = 5e9  # what the shipped models were trained on lies above: 5.825 GHz
GAP_MS = MAX_GAP_US / 1e3


class Item(msgspec.Struct, frozen=True):
    """One graded figure."""

    name: str
    value: float | None  # None: could not be told
    unit: str
    grade: Grade
    why: str
    remedy: str = ""  # empty where nothing needs doing


class ReceiverSurvey(msgspec.Struct, frozen=True):
    """One receiver."""

    name: str
    figures: Figures | None  # None: it was not heard for long enough
    items: tuple[Item, ...]


class Survey(msgspec.Struct, frozen=True):
    """Both, and what they have in common."""

    receivers: tuple[ReceiverSurvey, ReceiverSurvey]
    pair: tuple[Item, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        return (*self.receivers[0].items, *self.receivers[1].items, *self.pair)

    @property
    def grade(self) -> Grade:
        """The worst of all."""
        return max((item.grade for item in self.items), key=GRADES.index)


@dataclass(frozen=True)
class Scale:
    """Where a figure turns amber and red. A high value is good where green lies above amber."""

    name: str
    unit: str
    green: float  # at least (or at most) this much
    amber: float

    def item(self, value: float, why: str, remedy: str) -> Item:
        sign = 1.0 if self.green > self.amber else -1.0
        grade: Grade = (
            "green" if sign * value >= sign * self.green else "amber" if sign * value >= sign * self.amber else "red"
        )
        return Item(self.name, round(value, 4), self.unit, grade, why, "" if grade == "green" else remedy)


# The grid has 150 points/s: a fifth of it missing is bridged. Under 75, packets are 13 ms apart, further than the
# resampling kernel reaches, and a walker's Doppler (40 Hz at 1 m/s) is above half their rate.
RATE = Scale("packet rate", "packets/s", 0.8 * RATE_HZ, 0.5 * RATE_HZ)
LOSS = Scale("loss", "%", 2.0, 10.0)  # WiVelo: 0.1 to 0.2
# A gap that is not bridged silences the model for its whole window, 2.2 s: one a minute costs 4 %, five a fifth.
# WiVelo and WiAR (its whole files): none.
GAPS = Scale("gaps", "a minute", 1.0, 5.0)
USABLE = Scale("three antennas", "%", 99.0, 90.0)  # of records; WiVelo 100, csi-data (two antennas) 0
# Both receivers of WiVelo: -74 to -70 where their weak antenna is already noise; csi-data -52 to -39.
STRENGTH = Scale("signal", "dBm", -75.0, -82.0)
AGC = Scale("AGC range", "dB", 20.0, 30.0)  # WiVelo 0 (pinned), csi-data 1 to 2, WiAR 4 to 9, the most of all sets 26
NOISE_FLOOR = Scale("noise floor", "dBm", -72.0, -60.0)  # all sets: -94 to -72
# The noise of good antennas is 0.02 to 0.08 in every set; of WiVelo's weak one 0.28 to 0.33.
NOISE = Scale("noise", "of amplitude", 0.10, 0.20)
WEAKEST = Scale("weakest antenna", "dB", -10.0, -25.0)  # WiVelo's weak one -13; others -7 or better
# WiVelo receiver 1 0.99, receiver 2 0.85 to 0.93 for its weak antenna, WiAR 0.99; two streams 0.02 to 0.5.
STABILITY = Scale("phase stability", "|R|", 0.9, 0.7)
# Walking: WiVelo receiver 1 5 to 17, receiver 2 0.8 to 3; sitting and breathing 0.05 to 0.5.
RESPONSE = Scale("motion over noise", "ratio", 1.5, 0.5)
RESIDUAL = Scale("pairing residual", "us", 5.0, 50.0)  # WiVelo 0.6; packets are matched within 400
PAIRED = Scale("packets in common", "%", 96.0, 80.0)  # WiVelo 99.9; half is the least that pairs at all

MOVE = "move it nearer, to a place that sees the transmitter, away from metal and from other radios"


def survey(
    logs: tuple[CsiLog, CsiLog], names: tuple[str, str] = ("receiver 1", "receiver 2"), carrier_hz: float | None = None
) -> Survey:
    """Grade two logs of the same packets, recorded while somebody walked.

    carrier_hz  None: not known
    """
    pairing, failed = _pairing(logs)
    heard = [measure(log) for log in logs]
    steps = [figures.step_ms for figures in heard if figures]
    sent = 1e3 / min(steps) if steps else 0.0
    first, second = (
        ReceiverSurvey(name, figures, _receiver(name, figures, log, sent, _loss(pairing, number)))
        for number, (name, figures, log) in enumerate(zip(names, heard, logs, strict=True))
    )
    return Survey((first, second), (*_pair(pairing, failed), _band(carrier_hz)))


def _receiver(name: str, figures: Figures | None, log: CsiLog, sent: float, loss: float | None) -> tuple[Item, ...]:
    if figures is None:
        why = f"{name} heard {len(log)} records, {int(usable(log).sum())} of them with three antennas"
        return (
            Item(RATE.name, 0.0, RATE.unit, "red", why, "connect three antennas, see `wimose doctor`, record longer"),
        )
    return (*_packets(name, figures, sent, loss), *_strength(name, figures), *_quality(name, figures))


def _packets(name: str, figures: Figures, sent: float, loss: float | None) -> list[Item]:
    rate = figures.packets_per_s
    slow = sent < RATE.green  # then no place in the room makes it better
    items = [
        RATE.item(
            rate,
            f"{name} hears {rate:.0f} of {sent:.0f} packets/s",
            f"let the transmitter send {RATE_HZ} packets/s" if slow else f"{MOVE}, or find what else sends there",
        )
    ]
    if loss is not None:
        why = f"{name} misses {100 * loss:.1f} % of the packets that the other receiver hears"
        items.append(LOSS.item(100 * loss, why, f"{MOVE}, or find what else sends on this channel"))
    items.append(
        GAPS.item(
            figures.gaps_per_min,
            f"{figures.gaps_per_min:.1f} pauses a minute longer than {GAP_MS:.0f} ms, the longest "
            f"{figures.longest_gap_ms:.0f} ms; every one of them silences the model for two seconds",
            "let the transmitter send steadily, and keep the access point from scanning for other channels",
        )
    )
    items.append(
        USABLE.item(
            100 * figures.usable,
            f"{100 * figures.usable:.1f} % of the records have three known antennas",
            f"connect all three antennas of {name}, and let the driver use three chains",
        )
    )
    wide = 100 * figures.wide
    why = f"{wide:.0f} % of the packets are 40 MHz wide; the models read the subcarriers of 20 MHz"
    remedy = "set the access point to 20 MHz"
    items.append(Scale("40 MHz", "%", 0.0, 1.0).item(wide, why if wide else "all packets are 20 MHz wide", remedy))
    why = f"{figures.streams} streams: the phase between antennas changes from packet to packet (csi-data, asleep)"
    one = "one stream, as the models were made for"
    remedy = "let the transmitter send one stream (HT MCS 0 to 7), or give it one antenna"
    items.append(Scale("streams", "", 1.0, 3.0).item(figures.streams, why if figures.streams > 1 else one, remedy))
    return items


def _strength(name: str, figures: Figures) -> list[Item]:
    items = []
    if figures.rss_dbm is None:
        items.append(Item(STRENGTH.name, None, STRENGTH.unit, "amber", "the driver reports no RSSI", MOVE))
    else:
        each = ", ".join("none" if rssi is None else f"{rssi:.0f}" for rssi in figures.rssi_db)
        why = f"{figures.rss_dbm:.0f} dBm, RSSI of the antennas {each} dB"
        items.append(STRENGTH.item(figures.rss_dbm, why, f"{name}: {MOVE}"))
    why = f"the gain moves over {figures.agc_range_db:.0f} dB, {figures.agc_steps_per_min:.0f} steps a minute"
    items.append(AGC.item(figures.agc_range_db, why, "find what else sends loudly near it, and move it away from that"))
    if figures.noise_dbm is None:
        why = "the driver does not measure it (monitor mode)"
        items.append(Item(NOISE_FLOOR.name, None, NOISE_FLOOR.unit, "green", why))
    else:
        why = f"{figures.noise_dbm:.0f} dBm"
        items.append(NOISE_FLOOR.item(figures.noise_dbm, why, "another radio or a USB 3 cable is near; move it away"))
    weakest = int(np.argmin(figures.level_db))
    level = figures.level_db[weakest]
    why = f"antenna {weakest + 1} is {-level:.0f} dB under the strongest"
    items.append(WEAKEST.item(level, why, f"check the cable and connector of antenna {weakest + 1} of {name}"))
    return items


def _quality(name: str, figures: Figures) -> list[Item]:
    """What the two better antennas of three show: two are enough for a link, and one may lie in a null."""
    noise, stability, response = (sorted(values)[1] for values in (figures.noise, figures.stability, figures.response))
    antennas = " / ".join(f"{value:.2f}" for value in figures.noise)
    pairs = " / ".join(f"{value:.2f}" for value in figures.stability)
    moved = " / ".join(f"{value:.1f}" for value in figures.response)
    loose = "check the antennas' cables; use one stream, and the 5 GHz band"
    still = "walk about while it listens; if you did, " + MOVE.replace("it", name, 1)
    return [
        NOISE.item(noise, f"{antennas} of the amplitude is noise, antenna by antenna", f"{name}: {MOVE}"),
        STABILITY.item(stability, f"{pairs} for antennas 1-2, 1-3, 2-3; 1 is steady", loose),
        RESPONSE.item(response, f"{moved} times as much motion as noise, antenna by antenna", still),
    ]


def _pair(pairing: Pairing | None, failed: str) -> list[Item]:
    if pairing is None:
        remedy = (
            "tune both receivers to the transmitter's channel; one that hears less than half of its packets cannot be "
            "paired either: mend its packet rate first"
        )
        return [Item(PAIRED.name, None, PAIRED.unit, "red", failed.partition(";")[0], remedy)]
    why = f"{100 * pairing.paired_share:.1f} % of the packets were heard by both"
    remedy = "move the receiver that loses more, see `loss`; both must hear the same transmitter"
    drift = f"{pairing.residual_us:.0f} us from a straight line, clocks {pairing.drift_ppm:+.1f} ppm apart"
    busy = "a receiver's host is too busy to stamp packets in time; stop what else it does"
    return [PAIRED.item(100 * pairing.paired_share, why, remedy), RESIDUAL.item(pairing.residual_us, drift, busy)]


def _band(carrier_hz: float | None) -> Item:
    if carrier_hz is None:
        remedy = "make sure that the access point uses a channel in the 5 GHz band"
        return Item("band", None, "GHz", "amber", "the channel of this recording is not known", remedy)
    ghz = round(carrier_hz * 1e-9, 3)
    if carrier_hz >= MADE_FOR_HZ:
        return Item("band", ghz, "GHz", "green", f"{ghz:g} GHz")
    why = (
        f"{ghz:g} GHz: the NIC turns each antenna's phase by an unknown multiple of 90 degrees there, and motion shows "
        "half the Doppler that the models were trained on"
    )
    return Item("band", ghz, "GHz", "red", why, "let the access point use a channel in the 5 GHz band")


def _pairing(logs: tuple[CsiLog, CsiLog]) -> tuple[Pairing | None, str]:
    try:
        return pair(*(log.timestamp_us[usable(log)] for log in logs)), ""
    except RecordingError as error:
        return None, str(error)


def _loss(pairing: Pairing | None, receiver: int) -> float | None:
    """Share of what the other one heard while both listened that this one did not."""
    if pairing is None:
        return None
    other = (pairing.index_b, pairing.index_a)[receiver]
    return float(1.0 - other.size / (other[-1] - other[0] + 1))
