"""Per-room calibration: survey, baseline, room frame, adaptation, report. Imports `edge` only."""
