from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from edge.arrays import Array
from edge.skeleton import EDGES, LEFT_HIP, N_JOINTS, RIGHT_HIP, ROOT
from models.kinematics import (
    NECK,
    NO_TURN,
    forward_kinematics,
    initial_skeleton,
    limb_lengths,
    rotations,
    tree,
)
from models.metrics import heading, turned
from tests.simulate.stickman import STANDING, walk


def turns(count: int, seed: int) -> Array:
    """(N, 17, 3, 3)"""
    return np.asarray(Rotation.random(count * N_JOINTS, random_state=seed).as_matrix().reshape(count, N_JOINTS, 3, 3))


def plain(turns: Array, place: Array, skeleton: Array, root: int) -> Array:
    """One pose, joint by joint, along the way from the root."""
    joints = np.zeros((N_JOINTS, 3))
    for joint in range(N_JOINTS):
        way = [joint]
        while way[0] != root:
            way.insert(0, next(parent for parent, child in tree(root) if child == way[0]))
        at, turn = np.array(place), Rotation.from_matrix(turns[root])
        for parent, child in pairwise(way):
            turn = turn * Rotation.from_matrix(turns[child])
            at = at + turn.apply(skeleton[child] - skeleton[parent])
        joints[joint] = at
    return joints


@pytest.mark.parametrize("root", [ROOT, NECK, 3])
def test_the_tree_has_every_limb_once_and_parents_first(root: int) -> None:
    limbs = tree(root)
    assert {frozenset(limb) for limb in limbs} == {frozenset(edge) for edge in EDGES}
    reached = {root}
    for parent, child in limbs:
        assert parent in reached
        assert child not in reached
        reached.add(child)
    assert len(reached) == N_JOINTS


def test_from_mid_hip_the_tree_is_the_skeleton() -> None:
    assert set(tree(ROOT)) == set(EDGES)


def test_rotations_are_rotations() -> None:
    matrices = rotations(np, np.random.default_rng(1).normal(size=(50, 6)))
    np.testing.assert_allclose(
        matrices @ matrices.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (50, 3, 3)), atol=1e-9
    )
    np.testing.assert_allclose(np.linalg.det(matrices), 1.0)
    np.testing.assert_array_equal(rotations(np, np.array(NO_TURN)), np.eye(3))


def test_any_rotation_can_be_said() -> None:
    asked = turns(3, seed=2)
    np.testing.assert_allclose(rotations(np, asked[..., :2, :].reshape(3, N_JOINTS, 6)), asked, atol=1e-9)


@pytest.mark.parametrize("root", [ROOT, NECK])
def test_forward_kinematics_against_one_joint_at_a_time(root: int) -> None:
    asked, place = turns(4, seed=3), np.random.default_rng(4).normal(size=(4, 3))
    joints = forward_kinematics(np, asked, place, STANDING, root)
    for n in range(4):
        np.testing.assert_allclose(joints[n], plain(asked[n], place[n], STANDING, root), atol=1e-6)


def test_unturned_it_is_the_skeleton_and_turned_its_limbs_are_as_long() -> None:
    still = np.broadcast_to(np.eye(3), (1, N_JOINTS, 3, 3))
    np.testing.assert_allclose(
        forward_kinematics(np, still, STANDING[None, NECK], STANDING, NECK)[0], STANDING, atol=1e-6
    )
    joints = forward_kinematics(np, turns(20, seed=5), np.zeros((20, 3)), STANDING, NECK)
    np.testing.assert_allclose(limb_lengths(joints), np.broadcast_to(limb_lengths(STANDING), (20, 16)), atol=1e-6)


def test_the_turn_of_a_limb_moves_what_hangs_on_it() -> None:
    """Only the left elbow's limb is turned: elbow and wrist move, nothing else does."""
    asked = np.tile(np.eye(3), (1, N_JOINTS, 1, 1))
    asked[0, 12] = Rotation.from_euler("y", 90, degrees=True).as_matrix()
    joints = forward_kinematics(np, asked, STANDING[None, ROOT], STANDING, ROOT)[0]
    moved = np.linalg.norm(joints - STANDING, axis=1) > 1e-5
    assert list(np.flatnonzero(moved)) == [12, 13]


def test_lengths_of_limbs() -> None:
    lengths = limb_lengths(STANDING)
    assert lengths[EDGES.index((1, 2))] == pytest.approx(0.5)
    assert lengths[EDGES.index((0, LEFT_HIP))] == lengths[EDGES.index((0, RIGHT_HIP))] == pytest.approx(0.1)


def test_the_initial_skeleton_has_the_mean_limbs_and_faces_along_x() -> None:
    joints = walk(10.0).joints.astype(np.float64)
    skeleton = initial_skeleton(joints)
    np.testing.assert_allclose(limb_lengths(skeleton), limb_lengths(joints).mean(axis=0))
    assert heading(skeleton) == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_array_equal(skeleton[ROOT], 0.0)
    np.testing.assert_allclose(
        initial_skeleton(turned(STANDING, 2.0)[None] + 3.0), STANDING - STANDING[ROOT], atol=1e-9
    )


def test_limbs_bent_either_way_are_straight_in_the_initial_skeleton() -> None:
    bent = np.tile(STANDING, (2, 1, 1))
    bent[0, (2, 3), 0] += 0.3
    bent[1, (2, 3), 0] -= 0.3
    knee = initial_skeleton(bent)[2]
    np.testing.assert_allclose(knee, (0.0, 0.1, -np.hypot(0.3, 0.5)), atol=1e-9)
