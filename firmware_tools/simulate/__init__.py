"""Motion capture in a described room becomes the logs of two simulated 5300 receivers. Everything here is simulated."""
