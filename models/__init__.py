"""Network definitions (Keras 3), losses, metrics, and the bundles that ship."""
