"""Real walks whose path is known: truth, and how far off a model puts the walker."""
