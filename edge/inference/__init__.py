"""CSI image to joints: the bundle, and the TFLite engine that runs it."""
