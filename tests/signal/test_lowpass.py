import numpy as np
from scipy.signal import butter, lfilter, lfilter_zi

from edge.arrays import Array
from edge.signal import lowpass as module
from edge.signal.grid import RATE_HZ
from edge.signal.lowpass import CUTOFF_HZ, lowpass, lowpass_plain


def filtered(rows: Array, known: Array) -> Array:
    out = rows.copy()
    lowpass(out, known, np.zeros((2, rows.shape[1])), False)
    return out


def test_coefficients_are_the_design_s() -> None:
    b, a = butter(2, CUTOFF_HZ, fs=RATE_HZ)
    assert (CUTOFF_HZ, RATE_HZ) == (40.0, 150)
    np.testing.assert_allclose([module.B0, module.B1, module.B2], b, rtol=0, atol=1e-15)
    np.testing.assert_allclose([1.0, module.A1, module.A2], a, rtol=0, atol=1e-15)


def test_equals_its_plain_twin_and_scipy() -> None:
    rows = np.random.default_rng(2).standard_normal((300, 4)) + 5.0
    fast = filtered(rows, np.ones(300, bool))
    np.testing.assert_allclose(fast, lowpass_plain(rows), rtol=0, atol=1e-12)
    b, a = butter(2, 40.0, fs=150)
    rest = lfilter_zi(b, a)[:, None] * rows[0]
    np.testing.assert_allclose(fast, lfilter(b, a, rows, axis=0, zi=rest)[0], rtol=0, atol=1e-12)


def test_begins_anew_at_rest_after_an_unknown_sample() -> None:
    rows = np.random.default_rng(3).standard_normal((60, 2))
    known = np.ones(60, bool)
    known[20:25] = False
    out = filtered(rows, known)
    np.testing.assert_allclose(out[:20], lowpass_plain(rows[:20]), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(out[20:25], rows[20:25])
    np.testing.assert_allclose(out[25:], lowpass_plain(rows[25:]), rtol=0, atol=1e-12)


def test_state_is_carried_from_call_to_call() -> None:
    rows = np.random.default_rng(4).standard_normal((100, 3))
    known = np.random.default_rng(5).uniform(size=100) > 0.1
    pieces = [piece.copy() for piece in np.split(rows, [1, 2, 40, 41])]
    state, running = np.zeros((2, 3)), False
    for piece, piece_known in zip(pieces, np.split(known, [1, 2, 40, 41]), strict=True):
        running = lowpass(piece, piece_known, state, running)
    np.testing.assert_array_equal(np.concatenate(pieces), filtered(rows, known))
