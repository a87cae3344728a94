import numpy as np
import pytest

from edge.arrays import Array

pytest.importorskip("keras", reason="the training extra is not installed")
from models.losses import HUBER_DELTA, huber_loss, position_loss, smooth_loss, wimose_loss, wipose_loss


def poses(seed: int) -> Array:
    return np.random.default_rng(seed).normal(0.0, 1.0, (6, 17, 3)).astype(np.float32)


def huber_of(error: float) -> float:
    """The loss when every coordinate is wrong by `error`."""
    truth = poses(1).astype(np.float64)
    return float(huber_loss(truth, truth + error))


def test_position_loss_is_the_mean_distance() -> None:
    truth, joints = poses(2), poses(3)
    expected = np.linalg.norm(truth - joints, axis=-1).mean()
    assert float(position_loss(truth, joints)) == pytest.approx(expected, rel=1e-5)
    assert float(position_loss(truth, truth)) < 1e-4


@pytest.mark.parametrize(
    ("error", "loss"),
    [(0.0, 0.0), (0.5, 0.125), (-0.5, 0.125), (0.75, 0.28125), (1.0, 0.46875), (-2.0, 1.21875)],
)
def test_known_values_of_huber(error: float, loss: float) -> None:
    assert HUBER_DELTA == 0.75
    assert huber_of(error) == pytest.approx(loss, abs=1e-6)


def test_huber_is_smooth_at_delta() -> None:
    """Continuous, which Eq. 6 as printed is not, and with the same slope on both sides."""
    step = 1e-4
    below, at, above = (huber_of(HUBER_DELTA + change) for change in (-step, 0.0, step))
    assert at - below == pytest.approx(HUBER_DELTA * step, rel=0.02)
    assert above - at == pytest.approx(HUBER_DELTA * step, rel=0.02)


def test_the_network_s_loss_is_on_joints_in_metres() -> None:
    rng = np.random.default_rng(4)
    mean, scale = rng.normal(1.0, 1.0, 51).astype(np.float32), rng.uniform(0.2, 1.5, 51).astype(np.float32)
    truth, joints = poses(5), poses(6)
    output = ((joints.reshape(6, 51) - mean) / scale).astype(np.float32)
    expected = float(position_loss(truth, joints)) + float(huber_loss(truth, joints))
    assert float(wimose_loss(mean, scale)(truth.reshape(6, 51), output)) == pytest.approx(expected, rel=1e-4)


def test_wipose_has_the_position_loss_alone() -> None:
    rng = np.random.default_rng(4)
    mean, scale = rng.normal(1.0, 1.0, 51).astype(np.float32), rng.uniform(0.2, 1.5, 51).astype(np.float32)
    truth, joints = poses(5), poses(6)
    output = ((joints.reshape(6, 51) - mean) / scale).astype(np.float32)
    expected = float(position_loss(truth, joints))
    assert float(wipose_loss(mean, scale)(truth.reshape(6, 51), output)) == pytest.approx(expected, rel=1e-4)


def test_smoothness_is_of_the_steps() -> None:
    """A pose that is off by the same all the time moves as it should; one that jumps once does not."""
    truth = np.cumsum(np.random.default_rng(7).normal(0.0, 0.1, (2, 5, 17, 3)), axis=1)
    assert float(smooth_loss(truth, truth + 0.4)) == pytest.approx(0.0, abs=1e-9)
    jump = truth + 0.4 * (np.arange(5) >= 3)[:, None, None]
    assert float(smooth_loss(truth, jump)) == pytest.approx(0.5 * 0.4**2 / 4)
