"""The bundled demo: a simulated session with known truth, and how it is shown in a terminal."""
