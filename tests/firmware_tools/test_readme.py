"""The README's figures are the default bundle's own."""

from edge.cli import BUNDLE
from edge.inference.bundle import find_bundle, load_bundle
from firmware_tools.markdown import accuracy_markdown
from firmware_tools.readme import README, headline


def test_the_table_is_the_bundle_s() -> None:
    entries = headline(load_bundle(find_bundle(BUNDLE)).description.accuracy)
    assert [entry.split for entry in entries] == ["paper", "clip", "subject"]
    assert accuracy_markdown(entries) in README.read_text(), "run `python -m firmware_tools.readme`"
