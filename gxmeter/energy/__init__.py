"""From samples to exact energy per half-hour slot, run, site and device."""
