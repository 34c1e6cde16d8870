"""What this host can measure, and how to make it better."""
