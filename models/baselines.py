"""What a model must beat before it has learned anything (each fitted on training windows only)."""

from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.skeleton import ROOT
from models.metrics import heading, turned

NEIGHBOURS = 16
COMPONENTS = 64  # of the inputs; where neighbours are looked for
SAMPLE = 2048  # windows that the components come from, evenly over all
BLOCK = 1 << 25  # distances held at once, 128 MB


@dataclass(frozen=True, eq=False)
class MeanPoses:
    """Constants of the training poses, metres."""

    pose: Array  # (17, 3) mean pose at the mean root
    body: Array  # (17, 3) mean pose relative to the root
    canonical: Array  # (17, 3) mean pose relative to the root, facing along x

    @classmethod
    def of(cls, joints: Array) -> "MeanPoses":
        """From training poses (N, 17, 3)."""
        body = joints - joints[:, ROOT : ROOT + 1]
        return cls(joints.mean(axis=0), body.mean(axis=0), turned(body, -heading(joints)).mean(axis=0))

    def guesses(self, truth: Array) -> dict[str, Array]:
        """What each baseline says for these poses (N, 17, 3); the later ones are told ever more of the truth."""
        root = truth[:, ROOT : ROOT + 1]
        facing = turned(np.broadcast_to(self.canonical, truth.shape), heading(truth))
        return {
            "mean pose": np.broadcast_to(self.pose, truth.shape),
            "mean pose at the true root": self.body + root,
            "canonical: mean pose at the true root and heading": facing + root,
        }


@dataclass(frozen=True, eq=False)
class KnnRegressor:
    """Mean pose of the training windows whose inputs look most alike: what memory alone can do.

    Euclidean distance between the leading principal components of the inputs, every training window compared.
    """

    mean: Array  # (D,) float32, of the inputs
    components: Array  # (D, C) float32, orthonormal columns
    inputs: Array  # (W, C) float32, the training windows
    joints: Array  # (W, 17, 3) float32
    neighbours: int

    @classmethod
    def fit(
        cls, features: Array, joints: Array, neighbours: int = NEIGHBOURS, components: int = COMPONENTS
    ) -> "KnnRegressor":
        """From training windows.

        features  (W, D) float32, any unit; D fewer than the components leaves fewer
        joints    (W, 17, 3) metres
        """
        sample = features[:: max(len(features) // SAMPLE, 1)].astype(np.float32)
        mean = sample.mean(axis=0)
        basis = np.linalg.svd(sample - mean, full_matrices=False)[2][:components].T  # (D, C)
        return cls(
            mean, basis, _project(features, mean, basis), joints.astype(np.float32), min(neighbours, len(features))
        )

    def predict(self, features: Array) -> Array:
        """features (N, D) float32 to joints (N, 17, 3) float32 metres."""
        inputs = _project(features, self.mean, self.components)
        squares = np.square(self.inputs).sum(axis=1)
        rows = max(BLOCK // len(self.inputs), 1)
        joints = [
            # |a - b|^2 without |a|^2, which is the same for all neighbours of a.
            self.joints[_smallest(squares - 2 * (inputs[i : i + rows] @ self.inputs.T), self.neighbours)].mean(axis=1)
            for i in range(0, len(inputs), rows)
        ]
        return np.concatenate(joints) if joints else np.empty((0, *self.joints.shape[1:]), np.float32)


def _project(features: Array, mean: Array, components: Array) -> Array:
    """(W, D) to (W, C) float32, in blocks: the inputs may be larger than the memory."""
    rows = max(BLOCK // features.shape[1], 1)
    blocks = [(features[i : i + rows].astype(np.float32) - mean) @ components for i in range(0, len(features), rows)]
    return np.concatenate(blocks) if blocks else np.empty((0, components.shape[1]), np.float32)


def _smallest(values: Array, count: int) -> Array:
    """Where the `count` smallest of each row are, in the order of the columns. (N, W) to (N, count)."""
    return np.sort(np.argpartition(values, count - 1, axis=1)[:, :count], axis=1)
