"""The published pages say what was measured, no more and nothing else."""

from edge.inference.bundle import SHIPPED, find_bundle, load_bundle
from firmware_tools.markdown import model_card
from firmware_tools.results import FOLDER, PAGE, page


def test_the_page_is_written_from_the_figures() -> None:
    assert PAGE.read_text() == page(FOLDER), "run `python -m firmware_tools.results`"


def test_every_kind_of_figure_has_its_section() -> None:
    text = page(FOLDER)
    for file in FOLDER.glob("*-*"):
        name = file.stem.replace("walks-calibrated", "walks").partition("-")[2]
        assert name in text.lower(), file
    assert all(
        title in text
        for title in ("## Benchmark", "## Rooms never seen", "## Real walks", "## Realism", "## The ladder")
    )


def test_every_model_card_is_its_bundle_s() -> None:
    bundles = sorted(path.parent for path in SHIPPED.glob("*/bundle.yaml"))
    assert bundles
    for folder in bundles:
        description = load_bundle(find_bundle(folder.name)).description
        assert (folder / "MODEL_CARD.md").read_text() == model_card(description), folder
        assert "simulated data only" in model_card(description)
