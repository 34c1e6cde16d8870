"""Sensors: one file per source of readings, each keeping the protocol of :mod:`gxmeter.meter.sensors.base`."""
