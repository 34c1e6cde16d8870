"""The roadmap: what was promised and approved, and where the company stands against it."""
