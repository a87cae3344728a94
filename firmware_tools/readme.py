"""Writes the figures that others measured into the README: `python -m firmware_tools.readme`.

The accuracy table is the default bundle's own, the speed table that of the benchmark's report in docs/benchmark.
"""

from pathlib import Path

from edge.cli import BUNDLE
from edge.inference.bundle import Accuracy, find_bundle, load_bundle
from firmware_tools.bench.kept import kept
from firmware_tools.bench.report import summary_markdown
from firmware_tools.markdown import accuracy_markdown

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BENCHMARK = "docs/benchmark"
NOT_MEASURED = f"`wimose bench all --report {BENCHMARK}` measures it; no figures are kept with this version.\n"


def headline(entries: list[Accuracy]) -> list[Accuracy]:
    """What the README shows: household motion in the line of sight, in the room the model was made for."""
    return [entry for entry in entries if entry.motion == "household" and entry.condition == "LoS"
            and entry.split in ("paper", "clip", "subject")]  # fmt: skip


def sections(root: Path = ROOT) -> dict[str, str]:
    """What stands between the README's marks, by their names."""
    bundle = load_bundle(find_bundle(BUNDLE))
    return {"accuracy": accuracy_markdown(headline(bundle.description.accuracy)), "speed": speed(root)}


def speed(root: Path) -> str:
    """A line an aim of the benchmark that is kept; where none is, how to make one."""
    bench = kept(root / BENCHMARK)
    if not bench.parts:
        return NOT_MEASURED
    return f"{summary_markdown(bench)}\nEverything measured, with plots: [{BENCHMARK}]({BENCHMARK}/README.md).\n"


def with_section(readme: str, name: str, text: str) -> str:
    """The README with what stands between the marks of that name replaced. Raises ValueError where they are not."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    start = readme.index(begin) + len(begin)
    return readme[:start] + text + readme[readme.index(end, start) :]


def main() -> None:
    readme = README.read_text()
    for name, text in sections().items():
        readme = with_section(readme, name, text)
    README.write_text(readme)


if __name__ == "__main__":
    main()
