"""The README's figures are the shipped bundle's own."""

from edge.inference.bundle import find_bundle, load_bundle
from firmware_tools.readme import README, accuracy_markdown


def test_the_table_is_the_bundles() -> None:
    bundle = load_bundle(find_bundle("wimose-basic"))
    table = accuracy_markdown(bundle.description.accuracy)
    assert table in README.read_text(), "run `python -m firmware_tools.readme`"
