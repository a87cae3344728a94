"""From records to CSI images: pair, features, Hampel, resample, low-pass, baseline, window. One path, live and offline."""
