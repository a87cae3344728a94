"""What a replay did, in figures."""

import resource
from collections.abc import Sequence

import msgspec
import numpy as np
from rich.table import Table

from edge.arrays import Array
from edge.inference.bundle import Bundle
from edge.recording import Recording
from edge.replay import Estimate
from edge.skeleton import ROOT


class ReplayReport(msgspec.Struct, frozen=True):
    """`wimose replay --json`."""

    seconds: float  # of recording that was played
    poses: int
    poses_per_s: float  # per second of recording, between the first pose and the last
    times_real_time: float
    latency_p50_ms: float  # from the arrival of a window's last packets to the last sink's taking the pose
    latency_p99_ms: float
    packets: tuple[int, int]
    unusable: tuple[int, int]  # records without three known antennas
    damaged: tuple[int, int]  # places of each log where records are lost
    paired_share: float
    pairing_residual_us: float
    drift_ppm: float
    references: tuple[int, int]  # antenna whose amplitude is read, by receiver
    partners: tuple[int, int]
    present_share: float
    model: str
    trained_on: str
    engine: str
    peak_memory_mb: float
    # Poses that the truth is known of, and in whose window nobody jumps from one take to the next; None without truth.
    measured: int | None
    mpjpe_mm: float | None  # against the session's truth, where there is one
    root_mm: float | None
    mean_mpjpe_mm: float | None  # the same for always guessing the mean pose of the training
    mean_root_mm: float | None

    @classmethod
    def of(
        cls, recording: Recording, estimates: Sequence[Estimate], engine: str, bundle: Bundle, took_s: float, told: bool
    ) -> "ReplayReport":
        """told  whether the session has a truth"""
        played = estimates[-1].time_s if estimates else 0.0
        latency_ms = np.array([estimate.latency_s for estimate in estimates] or [0.0]) * 1e3
        known = [(estimate.truth, estimate.joints) for estimate in estimates if estimate.truth is not None]
        mean_pose = bundle.mean_pose
        first, second = recording.receivers
        links = recording.links
        return cls(
            seconds=played,
            poses=len(estimates),
            poses_per_s=(len(estimates) - 1) / (played - estimates[0].time_s) if len(estimates) > 1 else 0.0,
            times_real_time=played / took_s,
            latency_p50_ms=float(np.percentile(latency_ms, 50)),
            latency_p99_ms=float(np.percentile(latency_ms, 99)),
            packets=(first.time_us.size, second.time_us.size),
            unusable=recording.unusable,
            damaged=recording.damaged,
            paired_share=recording.pairing.paired_share,
            pairing_residual_us=recording.pairing.residual_us,
            drift_ppm=recording.pairing.drift_ppm,
            references=(links[0].reference, links[1].reference),
            partners=(links[0].partner, links[1].partner),
            present_share=float(np.mean([estimate.message.present for estimate in estimates] or [False])),
            model=bundle.identity,
            trained_on=bundle.description.trained_on,
            engine=engine,
            peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            measured=len(known) if told else None,
            mpjpe_mm=_mean_mm([joints - truth for truth, joints in known]),
            root_mm=_mean_mm([(joints - truth)[[ROOT]] for truth, joints in known]),
            mean_mpjpe_mm=_mean_mm([mean_pose - truth for truth, _ in known]),
            mean_root_mm=_mean_mm([(mean_pose - truth)[[ROOT]] for truth, _ in known]),
        )


def summary_table(report: ReplayReport) -> Table:
    """The same for reading."""
    table = Table(title=f"{report.model}, trained on {report.trained_on} data", show_header=False, title_justify="left")
    table.add_row(
        "poses", f"{report.poses} in {report.seconds:.1f} s of recording, {report.poses_per_s:.1f} per second"
    )
    table.add_row("speed", f"{report.times_real_time:.1f} times real time ({report.engine})")
    table.add_row("latency", f"p50 {report.latency_p50_ms:.2f} ms, p99 {report.latency_p99_ms:.2f} ms")
    table.add_row("packets", f"{report.packets[0]} and {report.packets[1]}, {report.paired_share:.2%} paired")
    if any(report.unusable):
        table.add_row("left out", f"{report.unusable[0]} and {report.unusable[1]} records without three known antennas")
    if any(report.damaged):
        places = f"{report.damaged[0]} and {report.damaged[1]} places of the logs, see `wimose inspect`"
        table.add_row("damaged", places)
    table.add_row("clocks", f"{report.drift_ppm:+.2f} ppm apart, residual {report.pairing_residual_us:.2f} us")
    table.add_row("antennas", f"reference {report.references[0]} and {report.references[1]}")
    table.add_row("somebody present", f"{report.present_share:.0%} of the poses")
    if report.mpjpe_mm is not None and report.root_mm is not None:
        table.add_row(
            "error against truth",
            f"MPJPE {report.mpjpe_mm:.0f} mm, root {report.root_mm:.0f} mm ({report.measured} poses)",
        )
        guess = f"MPJPE {report.mean_mpjpe_mm:.0f} mm, root {report.mean_root_mm:.0f} mm"
        table.add_row("always guessing the mean pose", guess)
    if report.measured == 0:
        table.add_row("error against truth", "of no pose: the person jumps within every window, or nobody is there")
    table.add_row("peak memory", f"{report.peak_memory_mb:.0f} MB")
    return table


def _mean_mm(differences: list[Array]) -> float | None:
    """Mean length of (J, 3) differences in metres, in millimetres."""
    return float(np.linalg.norm(np.array(differences), axis=2).mean() * 1e3) if differences else None
