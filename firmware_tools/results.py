"""Writes models/RESULTS.md from what was measured: `python -m firmware_tools.results`.

models/results/ holds the figures as the commands gave them: benchmark-<model>.json of `wimose evaluate --json`, with
curve-<model>.csv of `python -m firmware_tools.curve`, beside training.md, which says how much each was shown,
walks.json of `wimose evaluate --walks --json`, and with --calibrate walks-calibrated-<bundle>.json,
realism-<room>.json of `wimose simulate --check --json`, known.yaml of `study.known`, still.yaml of `study.still`, and
ladder.yaml, ablations.yaml, seeds.yaml and rooms-<bundle>.yaml of `wimose ladder`, `wimose ablate`, `wimose seeds` and
`wimose rooms`.
"""

import csv
from collections.abc import Callable
from pathlib import Path

import msgspec

from edge.inference.bundle import Accuracy
from firmware_tools.evaluate import SPLIT_NAMES, Figures, Row, accuracy_figures, per_joint_figures
from firmware_tools.markdown import confidence_markdown, figures_markdown
from firmware_tools.realism.check import RealismReport
from firmware_tools.study.ablations import Ablated
from firmware_tools.study.ladder import Ladder
from firmware_tools.study.rooms import Rooms, each_figures, rooms_figures
from firmware_tools.study.seeds import Seeds, budget_figures, less_figures, split_figures, splits
from firmware_tools.study.still import GOING_M_S
from firmware_tools.study.trial import Trial, error_figures, motion_figures
from firmware_tools.walks.track import ALL, WalkErrors

FOLDER = Path(__file__).parents[1] / "models" / "results"
PAGE = FOLDER.parent / "RESULTS.md"
HEAD = """# What was measured

Written by `python -m firmware_tools.results` from the figures in `models/results/`. **Everything but the real walks and
the real side of the realism table is simulated.** Millimetres and degrees; int8 models, as they ship. *Canonical* is a
constant pose that is told the true place and heading, *shuffled CSI* the same model shown another moment.
"""


def page(folder: Path) -> str:
    """The whole page; what was not measured is left out."""
    sections: list[tuple[str, str, Callable[[Path], str]]] = [
        ("training.md", "Benchmark", Path.read_text),
        ("benchmark-*.json", "", _benchmark),
        ("seeds.yaml", "Three networks on equal terms", _seeds),
        ("rooms-*.yaml", "Rooms never seen, calibrated", _rooms),
        ("walks.json", "Real walks", _walks),
        ("walks-calibrated-*.json", "Real walks, calibrated", _walks_calibrated),
        ("realism-*.json", "Realism", _realism),
        ("known.yaml", "Known by heart", _known),
        ("still.yaml", "Going and staying", _still),
        ("ladder.yaml", "The ladder", _ladder),
        ("ablations.yaml", "Ablations", _ablations),
    ]
    parts = [HEAD]
    for pattern, title, write in sections:
        files = sorted(folder.glob(pattern))
        if files:
            parts += [f"\n## {title}\n" if title else "", *(f"\n{write(file)}" for file in files)]
    return "".join(parts)


def _benchmark(file: Path) -> str:
    entries = msgspec.json.decode(file.read_bytes(), type=list[Accuracy])
    name = file.stem.removeprefix("benchmark-")
    joints = figures_markdown(per_joint_figures(entries))
    return (
        f"### {name}\n\n{figures_markdown(accuracy_figures(entries))}\n"
        f"P-MPJPE of each joint, in brackets the canonical baseline's:\n\n{joints}\n{confidence_markdown(entries)}"
        f"{_curve(file.with_name(f'curve-{name}.csv'))}"
    )


def _curve(file: Path) -> str:
    """How the error fell; empty where that was not kept."""
    if not file.exists():
        return ""
    with file.open() as lines:
        windows, mpjpe, p_mpjpe = zip(*csv.reader(lines), strict=True)
    rows = (Row(True, "MPJPE", mpjpe), Row(False, "P-MPJPE", p_mpjpe))
    shown = tuple(f"{int(count) / 1e6:.1f}" for count in windows)
    return (
        "Errors on clips never seen while it learnt (float, all kinds of motion and conditions, 512 windows), by the\n"
        f"millions of windows shown; the learning rate falls to zero at the end:\n\n"
        f"{figures_markdown(Figures('windows, millions', shown, rows))}\n"
    )


def _seeds(file: Path) -> str:
    done = msgspec.yaml.decode(file.read_bytes(), type=Seeds)
    tables = "".join(
        f"### {SPLIT_NAMES[split]}\n\n{figures_markdown(split_figures(done, split))}\n" for split in splits(done)
    )
    return (
        f"Every network from nothing, for {done.minutes:g} minutes of one core's time, and again with other seeds:\n"
        "equal, but far shorter than the runs above. Float models, household motion, simulated. Mean and sample\n"
        "standard deviation over seeds; baselines differ by seed only as the windows that the leaky split holds out.\n"
        "Most of the windows that wimose-plus is shown are neighbours. *Taken* is processor time with compilation and\n"
        f"ten checks on clips kept away.\n\n{figures_markdown(budget_figures(done))}\n{tables}"
        "### One network under another\n\nBy how many percent of MPJPE, seed by seed; negative is above:\n\n"
        + figures_markdown(less_figures(done))
    )


def _rooms(file: Path) -> str:
    done = msgspec.yaml.decode(file.read_bytes(), type=Rooms)
    return (
        f"### {done.bundle.partition('@')[0]}\n\n"
        f"{done.bundle} in rooms it never saw (simulated), its last layer fitted to guided walks of several lengths,\n"
        "labelled by their prompts. Mean and standard deviation over rooms, of household motion of clips never seen;\n"
        "*spots* is how far off somebody else is put who follows the prompts. The mean poses know the longest walk.\n\n"
        f"{figures_markdown(rooms_figures(done))}\n{figures_markdown(each_figures(done))}"
    )


def _walks(file: Path) -> str:
    return (
        "Twelve recordings of three people (WiVelo, Intel 5300, 1000 packets/s), a model trained on simulated walks\n"
        "in their geometry, the hips' track in the floor plane against the waypoints. *Middle* always guesses the\n"
        "middle of where they walk.\n\n" + _track(file)
    )


def _walks_calibrated(file: Path) -> str:
    return (
        f"### {file.stem.removeprefix('walks-calibrated-')}\n\n"
        "The same recordings and a model that was trained in other, simulated rooms. Users 1 and 8 are calibrated on,\n"
        "one half of their walks at a time, and measured on the other; nothing is fitted to user 12. A half is five\n"
        "walks, half a minute. Of the six paths, 2, 4 and 5 (the third number) were walked once each: there no half\n"
        "has seen the path that it is measured on.\n\n" + _track(file)
    )


def _track(file: Path) -> str:
    errors = msgspec.json.decode(file.read_bytes(), type=list[WalkErrors])
    rows = tuple(
        Row(walk.name == ALL, walk.name, (
            *(f"{value:.0f}" for value in (walk.model.mean_mm, walk.model.median_mm, walk.model.p90_mm,
                                           walk.model.centred_mm)),
            *(f"{value:.2f}" for value in walk.model.correlation),
            f"{walk.shuffled.mean_mm:.0f}", f"{walk.middle.mean_mm:.0f}",
        ))
        for walk in errors
    )  # fmt: skip
    return figures_markdown(
        Figures("walk", ("mean", "median", "p90", "centred", "r(x)", "r(y)", "shuffled", "middle"), rows)
    )


def _realism(file: Path) -> str:
    report = msgspec.json.decode(file.read_bytes(), type=RealismReport)
    rows = tuple(
        Row(row.verdict != "inside", row.name, (
            row.unit, _quantiles(row.real), str(sum(row.real_recordings.values())), _quantiles(row.simulated),
            f"{row.distance:.2f}", row.verdict if row.verdict == "inside" else f"MISS, {row.verdict}",
        ))
        for row in report.rows
    )  # fmt: skip
    figures = Figures("statistic", ("unit", "real", "logs", "simulated", "distance", "verdict"), rows)
    return (
        f"### {report.room}\n\n{len(report.misses)} misses of {len(report.rows)}. Quantiles 5, 25, 50, 75, 95 %; "
        "distance is Wasserstein's over the real spread.\n\n" + figures_markdown(figures)
    )


def _known(file: Path) -> str:
    trials = msgspec.yaml.decode(file.read_bytes(), type=list[Trial])
    return (
        "wimose-plus before quantisation, household motion of the basic room with and without screens. `basic` was\n"
        "shown 18 hours of sessions again and again, `fresh` went on from there with sessions that are drawn while it\n"
        "learns and make room for others after three showings, none of them the dataset's. `people` went on so\n"
        "with augmented motion, and looks 4.3 s back instead of 2.17; `longer` went on from there in the same way.\n"
        "`middle` is the average of the weights of these two.\n\n"
        f"{figures_markdown(error_figures(trials, 'run and windows'))}"
    )


def _still(file: Path) -> str:
    trials = msgspec.yaml.decode(file.read_bytes(), type=list[Trial])
    return (
        f"wimose-plus before quantisation, household motion of the basic room, hips faster or slower than {GOING_M_S}\n"
        f"m/s. Canonical is the mean of household poses here.\n\n{figures_markdown(error_figures(trials, 'split'))}\n"
        "R2 of velocities and of their sizes, hips and limbs relative to them, of the variance within each line:\n\n"
        + figures_markdown(motion_figures(trials, "split"))
    )


def _ladder(file: Path) -> str:
    ladder = msgspec.yaml.decode(file.read_bytes(), type=Ladder)
    shown = f"wimose-plus, {ladder.hours:g} h of simulated motion at every rung, {ladder.samples} windows shown"
    return (
        f"The same network in ever harder worlds: {shown}. {ladder.note}".rstrip() + "\n\n"
        f"{figures_markdown(error_figures(ladder.trials, 'rung'))}\n"
        "R2 of velocities and of their sizes, hips and limbs relative to them:\n\n"
        + figures_markdown(motion_figures(ladder.trials, "rung"))
    )


def _ablations(file: Path) -> str:
    done = msgspec.yaml.decode(file.read_bytes(), type=Ablated)
    return (
        f"wimose-plus before quantisation with something taken away, {done.samples} windows shown to each, of\n"
        f"{done.dataset}. Household motion of clips never seen; *leaky* is the paper's split of the same sessions.\n\n"
        f"{figures_markdown(error_figures(done.trials, 'what is left'))}\n"
        "R2 of velocities and of their sizes, hips and limbs relative to them:\n\n"
        + figures_markdown(motion_figures(done.trials, "what is left"))
    )


def _quantiles(values: list[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)


def main() -> None:
    PAGE.write_text(page(FOLDER))


if __name__ == "__main__":
    main()
