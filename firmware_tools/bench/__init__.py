"""`wimose bench`: how fast, beside peers in the same run on the same input, and how far from the machine's limits."""
