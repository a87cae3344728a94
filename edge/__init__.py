"""Everything the receiver host runs: parse, signal path, inference, publishing, the `wimose` command."""

__version__ = "0.1.0"
