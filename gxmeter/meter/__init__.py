"""Live measuring inside other people's training: sensors, sampling thread, journal. Imports only core."""
