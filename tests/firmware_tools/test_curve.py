"""The curve that is published is the run's own."""

from pathlib import Path

from firmware_tools.curve import write_curve


def test_checks_are_kept_once_each_by_the_windows_shown(tmp_path: Path) -> None:
    """A run that was stopped wrote the steps since its last checkpoint again."""
    rows = ("100,1e-3,2.5,,", "150,1e-3,2.4,612.4,130.26", "150,1e-3,2.4,611.6,130.24", "300,0,2.0,500,120")
    (tmp_path / "history.csv").write_text("\n".join(rows) + "\n")
    write_curve(tmp_path, 960, tmp_path / "curve.csv")
    assert (tmp_path / "curve.csv").read_text() == "144000,612,130.2\n288000,500,120.0\n"
