"""Fetching telemetry from a server that the user names: the only place of the house that asks a server for samples."""
