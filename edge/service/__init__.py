"""The daemon: its loop, what it tells systemd, and what it looks after."""
