"""Offline tools: simulate, dataset, train, evaluate, quantize, bundle."""
