"""Writes the accuracy table of the default bundle into the README: `python -m firmware_tools.readme`."""

from pathlib import Path

from edge.cli import BUNDLE
from edge.inference.bundle import Accuracy, find_bundle, load_bundle
from firmware_tools.markdown import accuracy_markdown

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- accuracy: begin -->\n", "<!-- accuracy: end -->"


def headline(entries: list[Accuracy]) -> list[Accuracy]:
    """What the README shows: household motion in the line of sight, in the room the model was made for."""
    return [entry for entry in entries if entry.motion == "household" and entry.condition == "LoS"
            and entry.split in ("paper", "clip", "subject")]  # fmt: skip


def with_table(readme: str, table: str) -> str:
    """The README with its table replaced."""
    head, _, rest = readme.partition(BEGIN)
    return head + BEGIN + table + END + rest.partition(END)[2]


def main() -> None:
    bundle = load_bundle(find_bundle(BUNDLE))
    README.write_text(with_table(README.read_text(), accuracy_markdown(headline(bundle.description.accuracy))))


if __name__ == "__main__":
    main()
