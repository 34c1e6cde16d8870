"""Quantities, calendars, rounding, findings, errors, files and keys: what every other room stands on."""
