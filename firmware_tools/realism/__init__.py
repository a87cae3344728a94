"""Is simulated CSI like real CSI: the same statistics of both."""
