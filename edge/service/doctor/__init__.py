"""What is wrong with this host, and what to do about it: small checks that read and change nothing."""
