"""Writes the accuracy table of the shipped bundle into the README: `python -m firmware_tools.readme`."""

from pathlib import Path

from edge.inference.bundle import Accuracy, find_bundle, load_bundle
from firmware_tools.evaluate import table_rows

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- accuracy: begin -->\n", "<!-- accuracy: end -->"


def accuracy_markdown(entries: list[Accuracy]) -> str:
    """The same rows as `wimose evaluate` shows; the model's own in bold."""
    lines = [
        "| split and what is compared | MPJPE | root | relative | P-MPJPE | heading |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for own, *cells in table_rows(entries):
        lines.append("| " + " | ".join(f"**{cell}**" if own else cell for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def with_table(readme: str, table: str) -> str:
    """The README with its table replaced."""
    head, _, rest = readme.partition(BEGIN)
    return head + BEGIN + table + END + rest.partition(END)[2]


def main() -> None:
    bundle = load_bundle(find_bundle("wimose-basic"))
    README.write_text(with_table(README.read_text(), accuracy_markdown(bundle.description.accuracy)))


if __name__ == "__main__":
    main()
