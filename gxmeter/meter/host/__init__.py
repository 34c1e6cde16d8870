"""What of this machine is ours, and who else measures on it."""
