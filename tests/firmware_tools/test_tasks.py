"""What networks are shown: the same batches for the same seed, and nothing that is kept away."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras", reason="the training extra is not installed")

from edge.arrays import Array
from edge.errors import ConfigError
from edge.geometry import CARRIER
from edge.pose import ROOT_OUT, split_joints
from edge.signal.imagespec import KNOWN
from edge.skeleton import EDGES
from firmware_tools import dataset, tasks
from firmware_tools.dataset import IMAGE_SCALE, Sessions
from firmware_tools.tasks import (
    HELD_OUT_SHARE,
    NETWORKS,
    STRETCH,
    WHOLE,
    Normal,
    PlusTask,
    WindowTask,
    held_out,
    network_spec,
    predict,
    task_of,
    unbroken,
)
from models.plus import targets

BATCH = 16
SEED = 3


@pytest.fixture(scope="module")
def short(dataset_folder: Path) -> Sessions:
    return dataset.load(dataset_folder, "train", "wimose-1")


@pytest.fixture(scope="module")
def long(dataset_folder: Path) -> Sessions:
    return dataset.load(dataset_folder, "train", "plus-2")


def fewer(sessions: Sessions, count: int) -> Sessions:
    return Sessions(
        sessions.spec, sessions.columns[:count], sessions.truth[:count], sessions.run[:count], sessions.clip[:count],
        sessions.rooms[:count],
    )  # fmt: skip


def test_a_quarter_is_held_out_in_pieces_of_the_paper_s_rate(long: Sessions) -> None:
    kept_away = held_out(long, SEED)
    assert kept_away.shape == long.run.shape
    pieces = kept_away[:, :748].reshape(4, -1, 4)
    assert (pieces == pieces[:, :, :1]).all()
    assert pieces[:, :, 0].mean() == pytest.approx(HELD_OUT_SHARE, abs=0.05)
    assert not np.array_equal(kept_away, held_out(long, SEED + 1))


def test_what_is_held_out_does_not_change_as_a_dataset_grows(long: Sessions) -> None:
    np.testing.assert_array_equal(held_out(fewer(long, 2), SEED), held_out(long, SEED)[:2])


def test_every_network_is_measured_on_the_same_windows(short: Sessions, long: Sessions) -> None:
    windows = tasks.test_windows(short)
    np.testing.assert_array_equal(windows, tasks.test_windows(long))
    assert len(windows) > 100
    assert (windows[:, 1] % 4 == 0).all()
    assert long.run[windows[:, 0], windows[:, 1]].min() >= WHOLE == max(spec.whole for spec in KNOWN.values()) + 8
    whole = {tuple(window) for window in long.windows(every=4)}
    assert {tuple(window) for window in windows} == whole


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(ConfigError, match="wimose, wipose, wimose-plus"):
        network_spec("resnet")


@pytest.mark.parametrize("network", NETWORKS)
def test_the_same_seed_and_step_give_the_same_batch(short: Sessions, long: Sessions, network: str) -> None:
    sessions = long if network == "wimose-plus" else short

    def batch(seed: int, step: int) -> tuple[Array, Array]:
        return task_of(network, sessions, seed, BATCH).batch(step)

    for first, again in zip(batch(SEED, 5), batch(SEED, 5), strict=True):
        assert first.dtype == np.float32
        np.testing.assert_array_equal(first, again)
    assert not np.array_equal(batch(SEED, 5)[0], batch(SEED, 6)[0])
    assert not np.array_equal(batch(SEED, 5)[0], batch(SEED + 1, 5)[0])


def test_windows_are_shown_once_before_any_comes_again(short: Sessions) -> None:
    task = WindowTask("wimose", short, SEED, BATCH, None)
    steps = len(task.chosen) // BATCH
    shown: list[bytes] = []
    for step in range(steps):
        images, joints = task.batch(step)
        assert images.shape == (BATCH, 30, 20, 4)
        assert joints.shape == (BATCH, 51)
        shown += [pose.tobytes() for pose in joints]
    assert len(set(shown)) == len(shown)
    again = {pose.tobytes() for pose in task.batch(steps)[1]}  # the next epoch, in another order
    assert again <= set(shown) | {pose.tobytes() for pose in short.joints(task.chosen).reshape(len(task.chosen), -1)}
    assert [pose.tobytes() for pose in task.batch(steps)[1]] != shown[:BATCH]


def test_held_out_windows_are_never_shown(short: Sessions) -> None:
    task = WindowTask("wimose", short, SEED, BATCH, None)
    kept_away = held_out(short, SEED)
    windows = short.windows(every=4)
    secret = windows[kept_away[windows[:, 0], windows[:, 1]]]
    assert len(secret) + len(task.chosen) == len(windows)
    assert len(secret) > 0.15 * len(windows)
    hidden = {image.tobytes() for image in short.images(secret)}
    for step in range(len(task.chosen) // BATCH):
        assert not hidden & {image.tobytes() for image in task.batch(step)[0]}


def test_a_stretch_s_outputs_have_the_truth_of_their_windows(long: Sessions) -> None:
    task = PlusTask("wimose-plus", long, SEED, 2 * STRETCH, None)
    kept_away = held_out(long, SEED)
    weighted = 0.0
    for step in range(4):
        columns, made = task.batch(step)
        assert columns.shape == (2, 645 + (STRETCH - 1) * 5, 160)
        columns = columns[..., :140]
        assert made.shape == (2, STRETCH, 121)
        for stretch, target in zip(np.round(columns * IMAGE_SCALE).astype(np.int8), made, strict=True):
            session, index = found(long, stretch)
            span = slice(index - 3, index + STRETCH + 3)
            weight = ((long.run[session] >= WHOLE) & ~kept_away[session])[index : index + STRETCH]
            moving = unbroken(long, 3)[session, index : index + STRETCH]
            expected = targets(long.truth[None, session, span] * np.float32(0.25e-3), weight[None], moving[None])
            np.testing.assert_allclose(target, expected[0], rtol=0, atol=1e-5)
            weighted += target[:, -2].mean() / 8
            # Each output's window, from the dataset's own cutting.
            (window,) = long.images(np.array([[session, index + 50]]))
            window[: (stretch[250 : 250 + 645] != 0).any(axis=1).argmax()] = 0.0  # a few hide what was before
            np.testing.assert_array_equal(stretch[250 : 250 + 645] / np.float32(IMAGE_SCALE), window)
    assert 0.1 < weighted < 0.75


def found(sessions: Sessions, stretch: Array) -> tuple[int, int]:
    """Session, and truth index of the first output, of a stretch of columns."""
    heard = stretch[int(stretch.any(axis=1).argmax()) :]  # nothing was before a session, and a few hide what was
    for session in range(len(sessions.columns)):
        for start in np.flatnonzero((sessions.columns[session] == heard[0]).all(axis=1)):
            if np.array_equal(sessions.columns[session, start : start + len(heard)], heard):
                return session, (start + len(heard) - len(stretch) + 644) // 5
    raise AssertionError("this stretch is nowhere in the dataset")


def test_stretches_come_from_everywhere(long: Sessions) -> None:
    task = PlusTask("wimose-plus", long, SEED, BATCH, None)
    assert task.batch(0)[0].shape == (1, 645 + (BATCH - 1) * 5, 160)  # a small batch is one short stretch
    places = [
        found(long, np.round(task.batch(step)[0][0, :, :140] * IMAGE_SCALE).astype(np.int8)) for step in range(30)
    ]
    assert {session for session, _ in places} == {0, 1, 2, 3}
    assert min(index for _, index in places) < 250
    assert max(index for _, index in places) > 550


def test_most_stretches_are_told_where_the_radios_are(long: Sessions) -> None:
    task = PlusTask("wimose-plus", long, SEED, 8 * STRETCH, None)
    told = np.concatenate([task.batch(step)[0][..., 140:] for step in range(20)])
    assert (told == told[:, :1]).all()  # they stand still
    (basic,) = np.unique(long.geometry, axis=0)  # its screens are not told
    nothing = (told[:, 0] == 0.0).all(axis=1)
    no_carrier = ~nothing & (told[:, 0, CARRIER] == 0.0)
    assert 0.03 < nothing.mean() < 0.2
    assert 0.03 < no_carrier.mean() < 0.2
    np.testing.assert_array_equal(told[~nothing & ~no_carrier, 0] - basic, 0.0)
    np.testing.assert_array_equal(np.delete(told[no_carrier, 0] - basic, CARRIER, axis=1), 0.0)


def test_every_stretch_holds_something_to_learn(long: Sessions) -> None:
    task = PlusTask("wimose-plus", long, SEED, STRETCH, None)
    weights = np.concatenate([task.batch(step)[1][..., -2] for step in range(40)])
    assert (weights.sum(axis=1) > 0).mean() > 0.95  # the last few points of a session are never reached
    assert weights.mean() > 1.2 * task.weight[:, task.first : task.last + STRETCH].mean()


def test_truth_is_unbroken_within_a_take_alone(long: Sessions) -> None:
    same = unbroken(long, 3)
    begins = np.argwhere(long.run[:, 10:-10] == 0)
    assert len(begins) > 4
    for s, index in begins + np.array([0, 10]):
        assert not same[s, index - 3 : index + 3].any()  # each of them has a point of either take near
    jumps = np.abs(np.diff(long.truth[:, :, 0].astype(np.int64), axis=1)).max(axis=2) * 0.25e-3 > 0.5
    assert jumps.any()
    for s, index in np.argwhere(jumps):
        assert not same[s, max(index - 2, 0) : index + 4].any()
    assert same.mean() > 0.8
    assert not same[:, :3].any()
    assert not same[:, -3:].any()


def test_a_dataset_that_is_too_small_is_refused(short: Sessions, long: Sessions) -> None:
    with pytest.raises(ConfigError, match="larger dataset"):
        task_of("wimose", short, SEED, batch=100_000)
    brief = Sessions(long.spec, long.columns[:, :600], long.truth[:, :120], long.run[:, :120], long.clip, long.rooms)
    with pytest.raises(ConfigError, match="longer ones"):
        task_of("wimose-plus", brief, SEED, batch=STRETCH)
    torn = Sessions(long.spec, long.columns, long.truth, long.run.clip(max=WHOLE - 1), long.clip, long.rooms)
    with pytest.raises(ConfigError, match="larger dataset"):
        task_of("wimose-plus", torn, SEED, batch=STRETCH)


def test_normals_are_those_of_the_poses_that_are_learnt(short: Sessions, long: Sessions, tmp_path: Path) -> None:
    task = WindowTask("wimose", short, SEED, BATCH, None)
    poses = short.joints(task.chosen).reshape(-1, 51)
    np.testing.assert_allclose(task.normal.mean, poses.mean(axis=0), atol=1e-5)
    plus = PlusTask("wimose-plus", long, SEED, BATCH, None)
    assert plus.normal.mean.shape == plus.normal.scale.shape == (71,)
    roots = long.joints(np.argwhere(plus.weight))[:, 0]
    np.testing.assert_allclose(plus.normal.mean[ROOT_OUT], roots.mean(axis=0), atol=0.05)
    parents, children = np.array(EDGES).T
    said = split_joints(plus.normal.mean, plus.normal.limb_m)
    np.testing.assert_allclose(np.linalg.norm(said[children] - said[parents], axis=1), plus.normal.limb_m)

    plus.normal.save(tmp_path / "normal.npz")
    read = Normal.read(tmp_path / "normal.npz")
    for name in ("mean", "scale", "limb_m", "skeleton"):
        np.testing.assert_array_equal(getattr(read, name), getattr(plus.normal, name))
    kept = task_of("wimose-plus", long, SEED, BATCH, read)
    assert kept.normal is read  # of the run this one begins with


class Parrot:
    """A network that says the same of everything."""

    def __init__(self, output: Array) -> None:
        self.output = output

    def predict_on_batch(self, images: Array) -> Array:
        return np.broadcast_to(self.output, (len(images), *self.output.shape))


def test_predictions_are_metres(short: Sessions, long: Sessions) -> None:
    windows = long.windows(every=4)[:300]  # more than one batch
    rng = np.random.default_rng(1)
    plus = PlusTask("wimose-plus", long, SEED, BATCH, None).normal
    output = rng.standard_normal((1, 139))  # as it trains: one output in time, motion behind the pose
    expected = split_joints(plus.mean + plus.scale * output[0, :71], plus.limb_m)
    for shape in (output, output[0, :71]):
        said = predict(Parrot(shape), "wimose-plus", plus, long, windows)
        np.testing.assert_allclose(said, np.tile(expected, (len(windows), 1, 1)))
    coordinates = rng.standard_normal(51)
    normal = WindowTask("wimose", short, SEED, BATCH, None).normal
    said = predict(Parrot(coordinates), "wimose", normal, short, windows[:3])
    np.testing.assert_allclose(said[2], (normal.mean + normal.scale * coordinates).reshape(17, 3))
