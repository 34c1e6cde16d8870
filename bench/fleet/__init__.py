"""The bench of the heavy lane: made telemetry, and the engines that integrate it."""
