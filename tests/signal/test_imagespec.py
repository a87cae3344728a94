import pytest

from edge.errors import BundleMismatch
from edge.signal.imagespec import WIMOSE_1, known_spec


def test_the_first_spec_stays_what_bundles_were_trained_on() -> None:
    """Changing any of these figures makes another spec, with another name."""
    assert known_spec("wimose-1") is WIMOSE_1
    assert WIMOSE_1.shape == (30, 20, 4)
    assert (WIMOSE_1.rate_hz, WIMOSE_1.support_ms, WIMOSE_1.max_gap_ms) == (150, 10.0, 50.0)
    assert (WIMOSE_1.lowpass_hz, WIMOSE_1.baseline_s) == (40.0, 30.0)
    assert (WIMOSE_1.amplitude_gain, WIMOSE_1.phase_gain) == (3.0, 1.0)


def test_an_unknown_spec_is_refused() -> None:
    with pytest.raises(BundleMismatch, match=r"'wimose-9' is not known .* update wimose"):
        known_spec("wimose-9")
