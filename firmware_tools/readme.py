"""Writes the accuracy table of the default bundle into the README: `python -m firmware_tools.readme`."""

from pathlib import Path

from edge.cli import BUNDLE
from edge.inference.bundle import find_bundle, load_bundle
from firmware_tools.markdown import accuracy_markdown

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- accuracy: begin -->\n", "<!-- accuracy: end -->"


def with_table(readme: str, table: str) -> str:
    """The README with its table replaced."""
    head, _, rest = readme.partition(BEGIN)
    return head + BEGIN + table + END + rest.partition(END)[2]


def main() -> None:
    bundle = load_bundle(find_bundle(BUNDLE))
    README.write_text(with_table(README.read_text(), accuracy_markdown(bundle.description.accuracy)))


if __name__ == "__main__":
    main()
