"""The lists of IEEE 802.11n-2009, Table 7-25f, copied out."""

import numpy as np
import pytest

from edge.parse import subcarriers

HT20_NG2 = [-28, -26, -24, -22, -20, -18, -16, -14, -12, -10, -8, -6, -4, -2, -1,
            1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 28]  # fmt: skip
HT40_NG4 = [-58, -54, -50, -46, -42, -38, -34, -30, -26, -22, -18, -14, -10, -6, -2,
            2, 6, 10, 14, 18, 22, 26, 30, 34, 38, 42, 46, 50, 54, 58]  # fmt: skip


def test_indices_are_those_of_the_standard() -> None:
    assert subcarriers.INDEX_20_MHZ.tolist() == HT20_NG2
    assert subcarriers.INDEX_40_MHZ.tolist() == HT40_NG4
    assert subcarriers.SPACING_HZ == 20e6 / 64


@pytest.mark.parametrize(
    ("rate", "wide"),
    [(0x101, False), (0x800, True), (0x901, True), (0x2905, True), (0x4101, False), (0x2107, False), (0xF7FF, False)],
)
def test_bandwidth_from_the_rate(rate: int, wide: bool) -> None:
    assert subcarriers.is_40_mhz(np.array([rate], np.uint16)).tolist() == [wide]
