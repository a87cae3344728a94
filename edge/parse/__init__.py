"""Bytes from the NIC become records of channel state information."""
