"""Each statistic on CSI made to have a known one; the comparison; one real recording against the committed range."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.arrays import Array
from edge.cli import main
from edge.parse.intel5300 import parse_log, read_log
from edge.parse.subcarriers import INDEX_20_MHZ, SPACING_HZ
from edge.skeleton import JOINTS
from firmware_tools.realism import check as realism
from firmware_tools.realism import sessions as realism_sessions
from firmware_tools.realism.doppler import doppler_bandwidth, doppler_centroid, doppler_share
from firmware_tools.realism.reference import (
    LEVELS,
    Samples,
    Take,
    find_takes,
    load_reference,
    measure_reference,
    sample,
)
from firmware_tools.realism.statistics import (
    ANY,
    STATISTICS,
    STILL,
    WALKING,
    agc_range,
    amplitude_deviation,
    antenna_imbalance,
    coherent_deviation,
    packet_gaps,
    packet_jitter,
    pair_stability,
    phase_slope,
    phase_slope_deviation,
    quantised_peak,
    selectivity,
    white_residual,
)
from firmware_tools.realism.stretch import Stretch, stretch_of
from firmware_tools.simulate.motion import Clip
from firmware_tools.simulate.room import BASIC
from tests.simulate.stickman import STANDING, SWING, simulated_logs, walk

N = 1500


def stretch(csi: Array, rate_hz: float = 500.0, streams: int = 1) -> Stretch:
    time_s = np.arange(len(csi)) / rate_hz
    return Stretch(time_s, np.full(len(csi), 40, np.uint8), time_s, csi.astype(np.complex64), streams)


def still(gains: tuple[float, ...] = (1.0, 1.0, 1.0)) -> Array:
    """(N, 3, 30) a channel that stands: 1 on every subcarrier, but for each antenna's gain."""
    return np.asarray(np.ones((N, 3, 30), complex) * np.array(gains)[:, None])


def noise(deviation: float, rng: np.random.Generator) -> Array:
    return np.asarray(rng.normal(0, deviation / np.sqrt(2), (N, 3, 30, 2)) @ (1, 1j))


def turned_packets(csi: Array, delays_ns: Array, rng: np.random.Generator) -> Array:
    """Every packet with a phase of its own and a delay."""
    slopes = -2 * np.pi * delays_ns[:, None] * 1e-9 * SPACING_HZ * INDEX_20_MHZ
    return np.asarray(csi * np.exp(1j * (slopes + rng.uniform(0, 2 * np.pi, (len(csi), 1))))[:, None])


def test_deviation_is_the_movement_of_one_antenna_against_the_others() -> None:
    csi = still()
    csi[:, 1] *= 1 + 0.2 * np.sin(2 * np.pi * np.arange(N) / 100)[:, None]
    # The other two stand but for the packet's level, which a third of the power moves.
    got = amplitude_deviation(stretch(csi * 10 ** np.random.default_rng(1).uniform(0, 1, (N, 1, 1))))
    np.testing.assert_allclose(got, np.array((1 / 3, 2 / 3, 1 / 3)) * 0.2 / np.sqrt(2), rtol=0.1)


def test_coherent_deviation_leaves_noise_out() -> None:
    rng = np.random.default_rng(2)
    moving = still()
    moving[:, 1] *= 1 + 0.2 * np.sin(2 * np.pi * np.arange(N) / 100)[:, None]
    np.testing.assert_allclose(
        coherent_deviation(stretch(moving + noise(0.1, rng))), amplitude_deviation(stretch(moving)), atol=0.01
    )
    assert amplitude_deviation(stretch(still() + noise(0.1, rng))).min() > 0.06
    assert coherent_deviation(stretch(still() + noise(0.1, rng))).max() < 0.01


def test_white_residual_is_the_noise_whatever_moves_and_turns() -> None:
    rng = np.random.default_rng(3)
    moving = still((1.0, 1.0, 0.2)) * rng.uniform(0.8, 1.2, 30)  # a receiver's own ripple stands still
    moving[:, 0] *= 1 + 0.2 * np.sin(2 * np.pi * np.arange(N) / 100)[:, None]
    csi = turned_packets(moving + noise(0.05, rng), rng.normal(230, 20, N), rng)
    rms = np.sqrt(np.mean(np.abs(moving) ** 2))
    np.testing.assert_allclose(white_residual(stretch(csi)), 0.05 / rms, rtol=0.1)


def test_selectivity_is_the_range_over_the_band() -> None:
    csi = still() * 10 ** (np.linspace(0, 6, 30) / 20)
    np.testing.assert_allclose(selectivity(stretch(csi)), 6.0, atol=1e-3)


def test_phase_slope_and_its_deviation() -> None:
    rng = np.random.default_rng(4)
    delays = rng.normal(230, 5, N)
    csi = stretch(turned_packets(still() + noise(0.5, rng), delays, rng))
    assert phase_slope(csi)[0] == pytest.approx(delays.mean(), abs=1.0)
    # This noise costs 1.1 ns by the fitted line; by the mean step between subcarriers it would be 6.3.
    assert phase_slope_deviation(csi)[0] == pytest.approx(delays.std(), rel=0.05)


def test_pair_stability_is_the_mean_resultant_length() -> None:
    rng = np.random.default_rng(5)
    csi = still()
    csi[:, 2] *= np.exp(1j * rng.normal(0, 0.5, N))[:, None]
    got = pair_stability(stretch(csi))
    np.testing.assert_allclose(got, (1.0, np.exp(-(0.5**2) / 2), np.exp(-(0.5**2) / 2)), atol=0.02)
    assert pair_stability(stretch(csi, streams=2)).size == 0


def test_what_stands_in_the_header() -> None:
    csi = still((1.0, 0.5, 0.25)) * 60
    agc = np.full(N, 40, np.uint8)
    agc[700:] = 47
    arrival = np.arange(N) / 100.0
    arrival[1::10] += 0.005  # a tenth of the packets is half a step late
    arrival[900:] += 0.5
    heard = Stretch(arrival, agc, arrival, csi.astype(np.complex64), 1)
    assert agc_range(heard)[0] == 7
    assert quantised_peak(heard)[0] == 60
    assert antenna_imbalance(heard)[0] == pytest.approx(20 * np.log10(4), abs=1e-4)
    assert packet_jitter(heard)[0] == pytest.approx(1.5, abs=0.01)
    assert packet_gaps(heard)[0] == pytest.approx(100 / (N - 1))


def test_doppler_of_one_echo_is_a_line_at_its_frequency() -> None:
    rng = np.random.default_rng(6)
    csi = still()
    csi[:, 0] += 0.2 * np.exp(2j * np.pi * 30 * np.arange(N) / 500)[:, None]
    echo = stretch(turned_packets(csi, rng.normal(230, 20, N), rng))
    assert doppler_centroid(echo)[0] == pytest.approx(30.0, abs=1.0)
    assert doppler_bandwidth(echo)[0] < 2.0
    assert doppler_share(echo, 20, 40)[0] > 95
    assert doppler_share(echo, 40, 80)[0] < 5
    assert doppler_centroid(stretch(csi, rate_hz=100.0)).size == 0  # too slow for 80 Hz


def test_a_simulated_log_is_read_whole() -> None:
    log = parse_log(simulated_logs(7.0, seed=1).logs[0])
    read = stretch_of(log)
    assert read.csi.shape == (len(log), 3, 30)
    parts = read.segments()
    assert [round(part.arrival_s[-1] - part.arrival_s[0]) for part in parts] == [3, 3]


def test_every_source_weighs_the_same() -> None:
    """A thousand values of one set do not drown three of another."""
    values = np.concatenate((np.zeros(1000), np.ones(3)))
    weights = np.concatenate((np.full(1000, 0.5 / 1000), np.full(3, 0.5 / 3)))
    quantiles = Samples(values, weights, {"a": 1, "b": 1}).quantiles()
    assert quantiles[8] == 0.0  # 40 %
    assert quantiles[13] == pytest.approx(1.0)  # 65 %
    csi = np.zeros((N, 3, 30)) + 10.0
    takes = [Take("a", f"{n}", STILL, stretch(csi)) for n in range(9)] + [Take("b", "0", STILL, stretch(csi * 2))]
    peaks = sample(takes)["quantised peak", ANY]
    assert peaks.values @ peaks.weights == pytest.approx(15.0)
    assert peaks.recordings == {"a": 9, "b": 1}


@pytest.mark.parametrize(
    ("simulated", "verdict"),
    [
        (LEVELS, "inside"),
        (np.where(LEVELS > 0.8, 3.0, LEVELS), "inside"),  # a tail, but the middle half is where it should be
        (LEVELS / 20, "low"),
        (1 + LEVELS, "high"),
        (LEVELS * 4 - 1.5, "wide"),
        (0.5 + LEVELS / 10, "narrow"),
    ],
)
def test_verdicts(simulated: Array, verdict: str) -> None:
    assert realism.judge(LEVELS, simulated) == verdict


def test_distances_of_shifted_distributions() -> None:
    reference = next(row for row in load_reference() if row.statistic == "phase slope")
    real = np.array(reference.quantiles)
    for shift, step in ((0.0, 0.0), (1000.0, 1.0)):
        row = realism.compare(reference, Samples(np.repeat(real + shift, 50), np.full(1050, 1 / 1050), {}))
        assert row.distance == pytest.approx(shift / (real[19] - real[1]), abs=0.05)
        assert row.largest_step == pytest.approx(step, abs=0.06)


def test_table_is_committed_for_every_statistic() -> None:
    rows = {(row.statistic, row.activity): row for row in load_reference()}
    for statistic in STATISTICS:
        for activity in statistic.activities:
            row = rows.pop((statistic.name, activity))
            assert (np.diff(row.quantiles) >= 0).all() and len(row.quantiles) == LEVELS.size
            assert row.samples > 0 and row.recordings
    assert not rows


def clips() -> list[Clip]:
    """The stickman under the labels of the motion capture, and one that walks straight on, two steps in 1.2 s."""
    time_s = np.arange(91) / 30.0
    joints = np.repeat(STANDING[None], time_s.size, axis=0)
    for name, reach in SWING.items():
        joints[:, JOINTS.index(name), 0] += reach * np.sin(2 * np.pi * time_s / 1.2)
    joints[..., 0] += 1.1 * time_s[:, None]
    straight = Clip("stickman", "stickman", "straight", "walk", joints.astype(np.float32), 30.0)
    labels = (*realism_sessions.WAVING_LABELS[:1], *realism_sessions.SITTING_LABELS)
    return [straight, *(Clip("stickman", "stickman", label, label, walk(4.0).joints, 30.0) for label in labels)]


def test_check_measures_every_statistic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(realism_sessions.PACKETS_PER_S, WALKING, 260.0)
    first, second = (realism.check("basic", [BASIC], clips(), sessions=1, seconds=3.2, seed=1) for _ in range(2))
    assert first == second
    assert {(row.statistic, row.activity) for row in first.rows} == {
        (statistic.name, activity) for statistic in STATISTICS for activity in statistic.activities
    }
    wrong = [row for row in first.rows if row.verdict != "inside"]
    assert [miss.split(": ")[0] for miss in first.misses] == [row.name for row in wrong]
    still_row, walking_row = (
        next(row for row in first.rows if row.name == f"coherent deviation, {activity}")
        for activity in (STILL, WALKING)
    )
    assert walking_row.simulated[2] > still_row.simulated[2]


def test_an_empty_room_does_not_move() -> None:
    takes = [take for take in realism_sessions.simulate_takes([BASIC], clips(), 1, 3.2, np.random.default_rng(1))
             if take.activity == "empty"]  # fmt: skip
    assert len(takes) == 2
    for take in takes:
        assert coherent_deviation(take.stretch).max() < 0.02


def test_committed_ranges_hold_a_real_recording(data: Path) -> None:
    log = read_log(data / "csi" / "wivelo" / "1-1-2-1-r1.dat")
    take = Take("wivelo", "1-1-2-1-r1.dat", WALKING, stretch_of(log).part(1.5, 99.0))
    measured = sample([take])
    for row in load_reference():
        if (row.statistic, row.activity) in measured:
            got = measured[row.statistic, row.activity].values
            rounding = 1e-3 * max(abs(row.quantiles[-1]), 1.0)
            assert row.quantiles[0] - rounding <= got.min(), row.statistic
            assert got.max() <= row.quantiles[-1] + rounding, row.statistic
    assert ("white residual", ANY) in measured


def test_measuring_again_writes_the_table(data: Path, tmp_path: Path) -> None:
    """The way of `--measure`, with the few recordings of one set."""
    (tmp_path / "csi" / "csikit").mkdir(parents=True)
    (tmp_path / "csi" / "csikit" / "intel").symlink_to(data / "csi" / "csikit" / "intel")
    assert [take.file for take in find_takes(tmp_path / "csi")] == ["example.dat"]
    table = measure_reference(tmp_path / "csi")
    assert {row.recordings["csikit/intel"] for row in table.rows} == {1}
    assert realism.main(["--measure", str(tmp_path), "--out", str(tmp_path / "table.yaml")]) == 0
    assert load_reference(tmp_path / "table.yaml") == table.rows


def test_command_prints_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    motion = [replace(clip, name=str(number)) for number, clip in enumerate(clips())]
    arrays = {f"clip_{clip.name}": clip.joints for clip in motion}
    np.savez(tmp_path / "stickman.npz", fps=30.0, **arrays)
    index = [{"subject": "stickman", "group": "a", "clip": clip.name, "label": clip.label} for clip in motion]
    (tmp_path / "index.json").write_text(json.dumps({"index": index}))
    monkeypatch.setattr(realism, "SESSIONS", 1)
    monkeypatch.setitem(realism_sessions.PACKETS_PER_S, WALKING, 260.0)
    for room in ("basic", "valid"):  # one room, and a kind of drawn ones
        arguments = ["--room", room, "--seconds", "3.2", "--motion", str(tmp_path)]
        assert main(["simulate", "--check", "--json", *arguments]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["room"] == room
        assert len(report["rows"]) == len(load_reference())
    assert main(["simulate"]) == 2
    assert "--check" in capsys.readouterr().err
