"""What a network learns, and from what: one training after another that differ in one thing."""
