"""Packets as they come: from the NIC, from another host, from a pipe."""
