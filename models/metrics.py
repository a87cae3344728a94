"""How wrong a set of poses is: `edge.metrics`, which calibration on the host uses as well."""

from edge.metrics import MAX_STEP_S, PCK_MM, Moments, PoseError, heading, jitter, pose_error, procrustes, turned

__all__ = ["MAX_STEP_S", "PCK_MM", "Moments", "PoseError", "heading", "jitter", "pose_error", "procrustes", "turned"]
