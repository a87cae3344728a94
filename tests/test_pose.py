"""A pose in parts becomes joints: limbs keep their lengths whatever the network says."""

import numpy as np
import pytest

from edge.arrays import Array
from edge.pose import (
    CHAIN,
    FORMS,
    HEADING_OUT,
    LIMBS_OUT,
    N_LIMBS,
    ROOT_OUT,
    SIZE_OUT,
    SPLIT_1,
    SPREAD_OUT,
    confidence_of,
    joints_of,
    split_joints,
)
from edge.skeleton import EDGES, JOINTS

LIMB_M = np.linspace(0.1, 0.5, N_LIMBS)
PARENTS, CHILDREN = np.array(EDGES).T


def random_values(shape: tuple[int, ...], seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal((*shape, SPLIT_1))


def lengths(joints: Array) -> Array:
    return np.asarray(np.linalg.norm(joints[..., CHILDREN, :] - joints[..., PARENTS, :], axis=-1))


def test_the_parts_lie_one_after_the_other() -> None:
    parts = (ROOT_OUT, HEADING_OUT, LIMBS_OUT, SIZE_OUT, SPREAD_OUT)
    assert [part.stop - part.start for part in parts] == [3, 2, 48, 1, 17]
    assert np.concatenate([np.arange(SPLIT_1)[part] for part in parts]).tolist() == list(range(71))
    assert FORMS == {"joints-1": 51, "split-1": 71}


def test_the_chain_leads_from_the_root() -> None:
    wrist = CHAIN[JOINTS.index("LWrist")]
    reached = [JOINTS[EDGES[limb][1]] for limb in np.flatnonzero(wrist)]
    assert reached == ["Back", "Neck", "LShoulder", "LElbow", "LWrist"]
    assert not CHAIN[JOINTS.index("MidHip")].any()


def test_known_values() -> None:
    """All limbs upward but the left thigh, which points forward; facing along y, at (1, 2, 3), 1.1 times the mean."""
    values = np.zeros(SPLIT_1)
    values[ROOT_OUT] = 1.0, 2.0, 3.0
    values[HEADING_OUT] = 0.0, 0.5  # any length
    limbs = values[LIMBS_OUT].reshape(N_LIMBS, 3)
    limbs[:] = 0.0, 0.0, 2.0
    limbs[EDGES.index((1, 2))] = 7.0, 0.0, 0.0
    values[SIZE_OUT] = np.log(1.1)
    joints = split_joints(values, LIMB_M)
    np.testing.assert_allclose(joints[0], [1.0, 2.0, 3.0])
    hip = np.array([1.0, 2.0, 3.0 + 1.1 * LIMB_M[0]])
    np.testing.assert_allclose(joints[JOINTS.index("LHip")], hip)
    np.testing.assert_allclose(joints[JOINTS.index("LKnee")], hip + np.array([0.0, 1.1 * LIMB_M[1], 0.0]), atol=1e-12)
    trunk = LIMB_M[[EDGES.index((0, 7)), EDGES.index((7, 8)), EDGES.index((8, 9)), EDGES.index((9, 10))]].sum()
    np.testing.assert_allclose(joints[JOINTS.index("Head")], [1.0, 2.0, 3.0 + 1.1 * trunk], atol=1e-12)


def test_limbs_keep_their_lengths() -> None:
    values = random_values((5, 4), seed=1)
    values[..., SIZE_OUT] = 0.2
    np.testing.assert_allclose(lengths(split_joints(values, LIMB_M)), np.exp(0.2) * np.broadcast_to(LIMB_M, (5, 4, 16)))


def test_the_body_turns_with_its_heading() -> None:
    values = random_values((10,), seed=2)
    values[:, ROOT_OUT] = 0.0
    values[:, HEADING_OUT] = 1.0, 0.0
    turned = values.copy()
    turned[:, HEADING_OUT] = 3 * np.cos(0.7), 3 * np.sin(0.7)
    straight = split_joints(values, LIMB_M)
    floor = (straight[..., 0] + 1j * straight[..., 1]) * np.exp(0.7j)
    expected = np.stack((floor.real, floor.imag, straight[..., 2]), axis=-1)
    np.testing.assert_allclose(split_joints(turned, LIMB_M), expected, atol=1e-12)


def test_a_network_that_says_nothing_gives_finite_joints() -> None:
    joints = split_joints(np.zeros(SPLIT_1), LIMB_M)
    assert np.isfinite(joints).all()


def test_the_spread_moves_no_joint() -> None:
    values = random_values((3,), seed=3)
    other = values.copy()
    other[:, SPREAD_OUT] += 5.0
    np.testing.assert_array_equal(split_joints(values, LIMB_M), split_joints(other, LIMB_M))


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
def test_either_form_becomes_joints(shape: tuple[int, ...]) -> None:
    coordinates = np.random.default_rng(4).standard_normal((*shape, 51))
    joints = joints_of(coordinates, "joints-1", np.empty(0))
    assert joints.shape == (*shape, 17, 3)
    np.testing.assert_array_equal(joints[..., 5, 1], coordinates[..., 16])
    values = random_values(shape, seed=5)
    np.testing.assert_array_equal(joints_of(values, "split-1", LIMB_M), split_joints(values, LIMB_M))


def test_confidence_is_the_share_of_joints_expected_near() -> None:
    """A joint 150 mm off in the mean lies within 150 mm in 54 % of all windows, one 10 mm off always."""
    values = np.zeros(SPLIT_1)
    values[SPREAD_OUT] = np.log(0.15)
    assert confidence_of(values) == pytest.approx(1 - np.exp(-np.pi / 4))
    values[SPREAD_OUT.start] = np.log(0.01)
    assert confidence_of(values) == pytest.approx((16 * (1 - np.exp(-np.pi / 4)) + 1) / 17)
