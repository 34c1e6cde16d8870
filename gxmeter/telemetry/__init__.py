"""Readers: files as received become canonical samples; one file per format."""
