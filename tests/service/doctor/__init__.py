"""What the doctor says, of hosts that do not exist."""
