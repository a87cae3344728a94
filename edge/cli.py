"""The `wimose` command. Arguments are described here; what they do is imported only when they are used."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from edge import __version__

Command = Callable[[str, str, str, str], argparse.ArgumentParser]

BUNDLE = "wimose-plus-basic"  # used unless another is named, by all but the service: its rooms are no basic one


def main(argv: list[str] | None = None) -> int:
    """Entry point. Exit codes: 0 fine, 1 failed, 2 usage or configuration, 3 missing dependency."""
    arguments = _parser().parse_args(argv)
    from edge.errors import WimoseError

    module, _, function = arguments.run.partition(":")
    try:
        return int(getattr(importlib.import_module(module), function)(arguments))
    except WimoseError as error:
        print(f"wimose: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("wimose: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has left (`wimose inspect ... | head`); nothing more to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


class _Subcommand(argparse.ArgumentParser):
    """Tells of a wrong flag itself, with its own usage: argparse would leave it to `wimose`, which has other flags."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wimose",
        description="3D human pose from Wi-Fi channel state information.",
        epilog="example: wimose demo",
    )
    parser.add_argument("--version", action="version", version=f"wimose {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Subcommand)

    def command(name: str, run: str, what: str, example: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=what, description=what[0].upper() + what[1:] + ".", epilog=f"example: {example}"
        )
        sub.set_defaults(run=run)
        return sub

    _edge_commands(command)
    _offline_commands(command)
    return parser


def _edge_commands(command: Command) -> None:
    run = command("run", "edge.commands.run:run", "run the service: live packets in, poses to the hub",
                  "wimose run --config config.yaml --view")  # fmt: skip
    _configured(run)
    run.add_argument("--view", nargs="?", const="", metavar="ROOM",
                     help="serve the page that draws the skeleton, to this host alone (of the first room)")  # fmt: skip

    relay = command("relay", "edge.commands.relay:run", "send this host's packets to the one that runs the model",
                    "wimose relay --config config.yaml --set relay.receiver=receiver2")  # fmt: skip
    _configured(relay)

    record = command("record", "edge.commands.record:run", "record both receivers into a session's folder",
                     "wimose record walk/ --seconds 60 --channel 64")  # fmt: skip
    record.add_argument("out", metavar="OUT", help="folder to make for the session")
    record.add_argument("--room", metavar="NAME", help="which of the configuration's `rooms`, if it has several")
    record.add_argument("--seconds", type=float, required=True, metavar="S", help="length, once both are heard")
    record.add_argument("--channel", type=int, metavar="N", help="Wi-Fi channel (default: what the NIC is tuned to)")
    record.add_argument("--json", action="store_true", help="what was recorded as JSON on stdout")
    _configured(record)

    demo = command("demo", "edge.commands.demo:run", "play a bundled simulated session with known truth",
                   "wimose demo --mqtt mqtt://localhost")  # fmt: skip
    demo.add_argument("--speed", default="1", metavar="X", help="times recorded speed, or max (default 1)")
    demo.add_argument("--seconds", type=float, metavar="S", help="stop after S seconds (default: the whole session)")
    demo.add_argument("--no-view", dest="view", action="store_false", help="without the page that draws the skeleton")
    demo.add_argument("--open", action="store_true", help="open the page in a browser")
    demo.add_argument("--loop", action=argparse.BooleanOptionalAction, default=None,
                      help="begin again at the end, until Ctrl-C (default: at a terminal, with the page)")  # fmt: skip
    _sinks(demo)
    _model(demo)

    replay = command("replay", "edge.commands.replay:run", "run a recording through the model as if it were live",
                     "wimose replay --receiver r1.dat --receiver r2.dat --out poses.jsonl")  # fmt: skip
    replay.add_argument("session", nargs="?", metavar="SESSION", help="folder with session.yaml")
    replay.add_argument("--receiver", action="append", metavar="FILE", help="a 5300 log, twice, instead of a session")
    replay.add_argument("--speed", default="1", metavar="X", help="times recorded speed, or max (default 1)")
    _sinks(replay)
    _model(replay)

    inspect = command("inspect", "edge.commands.inspect:run", "say what a 5300 log holds",
                      "wimose inspect r1.dat; wimose inspect --pair r1.dat r2.dat --json")  # fmt: skip
    inspect.add_argument("files", nargs="*", metavar="FILE", help="logs of the 5300 tool")
    inspect.add_argument("--pair", nargs=2, metavar=("A", "B"), help="pair the packets of two receivers")
    inspect.add_argument("--json", action="store_true", help="figures as JSON on stdout")

    export = command("export", "edge.commands.export:run", "write a 5300 log as NumPy arrays",
                     "wimose export r1.dat r1.npz --scaled")  # fmt: skip
    export.add_argument("file", metavar="FILE", help="log of the 5300 tool")
    export.add_argument("out", metavar="OUT.npz", help="arrays: timestamp_us, csi [packet, rx, tx, subcarrier], ...")
    export.add_argument("--scaled", action="store_true", help="CSI in units of the noise instead of raw counts")

    doctor = command("doctor", "edge.commands.doctor:run", "say what is wrong with this host and what to do about it",
                     "wimose doctor; wimose doctor --config my.yaml --json")  # fmt: skip
    doctor.add_argument("--config", metavar="FILE", help="configuration (default /etc/wimose/config.yaml)")
    doctor.add_argument("--relay", action="store_true", help="as the second receiver's host, which runs `wimose relay`")
    doctor.add_argument("--json", action="store_true", help="findings as JSON on stdout")

    _calibrate(command)


def _calibrate(command: Command) -> None:
    sub = command("calibrate", "calibration.command:run", "fit the model to a room, guided, in about ten minutes",
                  "wimose calibrate --from walk/ --yes --json; sudo wimose calibrate --room living-room")  # fmt: skip
    sub.add_argument("--room", metavar="NAME", help="which of the configuration's `rooms`; where it has one, only the "
                     "name of the profile (default: `room` of the configuration)")  # fmt: skip
    sub.add_argument("--step", choices=("survey", "empty", "frame", "walk", "adapt", "report"),
                     help="this one alone, again (default: all that are not done yet)")  # fmt: skip
    sub.add_argument("--from", dest="source", metavar="SESSION", help="a recorded walk instead of live packets")
    sub.add_argument("--minutes", type=float, default=2.0, metavar="M", help="length of the guided walk (default 2)")
    sub.add_argument("--height", type=float, metavar="M", help="of the person, in metres (default: asked)")
    sub.add_argument("--camera", metavar="DEVICE|FILE", help="a webcam, or a video of the walk, gives joints as well")
    sub.add_argument("--channel", type=int, metavar="N", help="Wi-Fi channel (default: what the NIC is tuned to)")
    sub.add_argument("--yes", action="store_true", help="ask nothing: take what is known, go on after warnings")
    sub.add_argument("--force", action="store_true", help="install a profile that is no better, or another bundle's")
    sub.add_argument("--rollback", action="store_true", help="exchange the profile for the one before it, and end")
    sub.add_argument("--json", action="store_true", help="figures as JSON on stdout")
    _configured(sub)


def _offline_commands(command: Command) -> None:
    simulate = command("simulate", "firmware_tools.commands:simulate", "record a simulated session with truth",
                       "wimose simulate out/ --room basic --seconds 10 --seed 1; wimose simulate --check")  # fmt: skip
    simulate.add_argument("out", nargs="?", metavar="OUT", help="folder to write the session to")
    simulate.add_argument("--check", action="store_true", help="instead, compare simulated sessions with real ones")
    simulate.add_argument(
        "--room", default="basic", help="room (default basic); of --check also a kind: train, valid, test"
    )
    simulate.add_argument("--seconds", type=float, default=10.0, help="length, of --check of each session (default 10)")
    simulate.add_argument("--empty", type=float, default=0.0, metavar="S", help="of them with nobody there (default 0)")
    simulate.add_argument("--clip", metavar="NAME", help="one clip of the motion, such as 86_09, instead of many")
    simulate.add_argument("--guided", action="store_true",
                          help="half a minute with nobody there, then what `wimose calibrate` asks for")  # fmt: skip
    simulate.add_argument("--packets", type=float, default=150.0, metavar="HZ", help="packets/s (default 150)")
    simulate.add_argument("--json", action="store_true", help="figures of --check as JSON on stdout")
    _motion_and_seed(simulate)

    dataset = command("dataset", "firmware_tools.commands:dataset", "simulate sessions to train and test on",
                      "wimose dataset data/ --hours 2; wimose dataset benchmark/ --benchmark")  # fmt: skip
    dataset.add_argument("out", metavar="OUT", help="folder to write to; what is there already is not made again")
    dataset.add_argument("--benchmark", action="store_true", help="the frozen benchmark, 29 hours, instead of your own")
    dataset.add_argument("--hours", type=float, default=2.0, help="of motion to train on (default 2)")
    dataset.add_argument("--test-hours", type=float, default=0.5, help="of motion per held-out split (default 0.5)")
    dataset.add_argument(
        "--room",
        action="append",
        help="room, several in turn, a profile, or fresh: another every session (default basic)",
    )
    dataset.add_argument("--spec", action="append", help="image spec to keep (default: those a host knows)")
    dataset.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)")
    _motion_and_seed(dataset)

    train = command("train", "firmware_tools.commands:train", "train a network on a dataset; resumes",
                    "wimose train data/ run/ --network wimose-plus --minutes 30")  # fmt: skip
    train.add_argument("dataset", metavar="DATASET", help="folder made by `wimose dataset`")
    train.add_argument("out", metavar="RUN", help="folder of the run; one that was stopped goes on")
    train.add_argument("--network", choices=("wimose", "wipose", "wimose-plus"), default="wimose-plus",
                       help="default wimose-plus")  # fmt: skip
    length = train.add_mutually_exclusive_group()
    length.add_argument("--samples", type=int, default=600_000, help="windows to show in all (default 600000)")
    length.add_argument("--minutes", type=float, help="instead, as many as this machine shows in so long")
    train.add_argument("--batch", type=int, help="windows a step (default 64; wimose-plus 1920)")
    train.add_argument("--learning-rate", type=float, help="at its highest (default: what suits the network)")
    train.add_argument("--seed", type=int, default=1, help="of weights and batches (default 1)")
    train.add_argument("--part", default="train", help="part of the dataset to learn from (default train)")
    train.add_argument("--held-out", default="clip", help="part to measure on the way (default clip)")
    train.add_argument("--fresh", type=float, metavar="TIMES",
                       help="draw new sessions all the while, each shown so often before it makes room")  # fmt: skip
    train.add_argument("--augment", action="store_true",
                       help="with --fresh: of augmented motion, with other bodies, arms, paces and ways")  # fmt: skip
    train.add_argument("--from", dest="start", metavar="RUN", help="begin with the weights of a finished run")

    quantize = command("quantize", "firmware_tools.commands:quantize", "quantise a trained run to an int8 bundle",
                       "wimose quantize run/ mine/ --name mine")  # fmt: skip
    bundle = command("bundle", "firmware_tools.commands:bundle", "quantise a trained run, measure it, bundle it",
                     "wimose bundle run/ bundles/mine --name mine")  # fmt: skip
    for sub in (quantize, bundle):
        sub.add_argument("run_folder", metavar="RUN", help="folder made by `wimose train`")
        sub.add_argument("out", metavar="OUT", help="folder to write the bundle to")
        sub.add_argument("--name", required=True, help="name of the bundle, as messages show it")
    bundle.add_argument("--benchmark", metavar="DATASET",
                        help="measure on another dataset than the one it was trained on")  # fmt: skip
    bundle.add_argument("--joints", action="store_true", help="show each joint as well")

    evaluate = command("evaluate", "firmware_tools.commands:evaluate", "measure a bundle beside its baselines",
                       "wimose evaluate wimose-basic data/")  # fmt: skip
    evaluate.add_argument("bundle", metavar="BUNDLE", help="name of a shipped bundle, or a folder")
    evaluate.add_argument("dataset", nargs="?", metavar="DATASET", help="folder made by `wimose dataset`")
    evaluate.add_argument("--walks", metavar="DIR", help="the WiVelo recordings instead: track error on real walks")
    evaluate.add_argument("--calibrate", action="store_true",
                          help="with --walks: fit the last layer to half of them, measure the others")  # fmt: skip
    evaluate.add_argument("--part", action="append", help="part of the dataset to measure (default: all held out)")
    evaluate.add_argument("--motion", metavar="DIR", help="people from a folder in the mocap17 format instead")
    evaluate.add_argument("--hours", type=float, default=0.2, help="of such motion to simulate (default 0.2)")
    evaluate.add_argument("--seed", type=int, default=1, help="of that simulation (default 1)")
    evaluate.add_argument("--joints", action="store_true", help="show each joint as well")
    evaluate.add_argument("--json", action="store_true", help="figures as JSON on stdout")

    ladder = command("ladder", "firmware_tools.commands:ladder", "train wimose-plus on ever harder worlds; resumes",
                     "wimose ladder ladder/ --minutes 10 --hours 2")  # fmt: skip
    ladder.add_argument("out", metavar="OUT", help="folder to write to; what is there already is not done again")
    ladder.add_argument("--hours", type=float, default=1.0, help="of motion to train on, each rung (default 1)")
    ladder.add_argument("--motion", metavar="DIR", help="motion capture (default: $WIMOSE_DATA/mocap17)")
    ablate = command("ablate", "firmware_tools.commands:ablate", "train wimose-plus with something taken away",
                     "wimose ablate data/ ablations/ --minutes 10")  # fmt: skip
    ablate.add_argument("dataset", metavar="DATASET", help="folder made by `wimose dataset`")
    ablate.add_argument("out", metavar="OUT", help="folder to write to; what is there already is not done again")
    seeds = command("seeds", "firmware_tools.commands:seeds", "train three networks on equal terms, three seeds each",
                    "wimose seeds data/ seeds/ --minutes 6")  # fmt: skip
    seeds.add_argument("dataset", metavar="DATASET", help="folder made by `wimose dataset`")
    seeds.add_argument("out", metavar="OUT", help="folder to write to; what is there already is not done again")
    rooms = command("rooms", "firmware_tools.commands:rooms", "calibrate in five rooms a bundle never saw; resumes",
                    "wimose rooms rooms/ --bundle wimose-plus-basic")  # fmt: skip
    rooms.add_argument("out", metavar="OUT", help="folder to write to; what is there already is not done again")
    rooms.add_argument("--bundle", default=BUNDLE, help=f"name of a shipped bundle, or a folder (default {BUNDLE})")
    rooms.add_argument("--motion", metavar="DIR", help="motion capture (default: $WIMOSE_DATA/mocap17)")
    rooms.add_argument("--json", action="store_true", help="figures as JSON on stdout")
    for sub in (ladder, ablate, seeds):
        sub.add_argument("--minutes", type=float, default=10.0, help="of training, each model (default 10)")
        sub.add_argument("--json", action="store_true", help="figures as JSON on stdout")

    bench = command("bench", "firmware_tools.bench.command:bench", "measure speed beside peers and the limits",
                    "wimose bench all --report docs/benchmark; wimose bench live --seconds 3600")  # fmt: skip
    bench.add_argument("part", nargs="*", choices=("parse", "signal", "infer", "start", "live", "rooms", "all"),
                       default="all", help="what to measure (default all, about ten minutes)")  # fmt: skip
    bench.add_argument(
        "--seconds",
        type=float,
        default=60.0,
        metavar="S",
        help="length of each live run (default 60); from 1800 on a soak at 2 x 1000 packets/s",
    )
    bench.add_argument("--report", metavar="DIR", help="write a page with plots there")
    bench.add_argument("--json", action="store_true", help="figures as JSON on stdout")


def _configured(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--config", metavar="FILE", help="configuration (default /etc/wimose/config.yaml)")
    sub.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="over the file, such as --set room=attic, of several --set rooms.attic.profile=attic.yaml",
    )


def _sinks(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--rate", type=float, default=30.0, metavar="HZ", help="poses/s (default 30; the paper's own is 7.5)"
    )
    sub.add_argument("--mqtt", metavar="URL", help="broker, mqtt://[user@]host[:port] or mqtts://")
    sub.add_argument("--mqtt-password-file", metavar="FILE", help="file that holds the broker's password")
    sub.add_argument("--room", default="demo", help="name in the topics wimose/ROOM/... (default demo)")
    sub.add_argument("--out", metavar="FILE", help="write one pose message a line")
    sub.add_argument("--json", action="store_true", help="closing figures as JSON on stdout")


def _model(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--bundle", default=BUNDLE, help=f"name of a shipped bundle, or a folder (default {BUNDLE})")
    sub.add_argument("--engine", choices=("litert", "tflite"), help="TFLite engine (default: the fastest installed)")


def _motion_and_seed(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--motion", metavar="DIR", help="motion capture in the mocap17 format (default: $WIMOSE_DATA/mocap17)"
    )
    sub.add_argument("--seed", type=int, default=1, help="same seed, same bytes (default 1)")


if __name__ == "__main__":
    sys.exit(main())
