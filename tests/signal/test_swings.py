"""How much each value of an image moves."""

import numpy as np
import pytest

from edge.signal.imagespec import PLUS_1, PLUS_2, WIMOSE_1, ImageSpec
from edge.signal.swings import FLOOR, swings


@pytest.mark.parametrize("spec", [PLUS_1, PLUS_2, WIMOSE_1], ids=lambda spec: spec.name)
def test_every_value_of_a_column_has_its_own(spec: ImageSpec) -> None:
    rng = np.random.default_rng(1)
    size = rng.uniform(0.05, 0.3, spec.column)
    window = rng.uniform(-0.2, 0.2, spec.column) + size * rng.choice((-1.0, 1.0), (spec.packets, *spec.column))
    said = swings(spec.image(window), spec)
    assert said.shape == (size.size,)
    slow = [
        np.log(np.sqrt(np.mean((column - column.mean()) ** 2)) + FLOOR)
        for column in window[-spec.whole :].reshape(spec.whole, -1).T
    ]
    np.testing.assert_allclose(said, slow, rtol=1e-6)


def test_what_stands_still_says_nothing_of_where_it_stands() -> None:
    still = np.full(PLUS_1.shape, 0.7, np.float32)
    np.testing.assert_allclose(swings(still, PLUS_1), np.log(FLOOR), atol=1e-3)
