"""What one GPU can draw at most: what is beyond it is a fault of the sensor or its driver, not energy."""

MAX_GPU_MW = 10_000_000
"""Greatest believable power of one GPU [mW]; the largest modules draw under 3 kW.

Drivers hand out 0xFFFFFFFF mW (4,294,967.295 W) and the like where a sensor cannot be read.
"""
