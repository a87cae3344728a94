"""What a model must beat before it has learned anything (each fitted on training poses only)."""

from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.skeleton import ROOT
from models.metrics import heading, turned


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
