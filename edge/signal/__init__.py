"""From records to CSI images: pair, links, phase, Hampel, resample, low-pass, baseline, window. One path for all."""
