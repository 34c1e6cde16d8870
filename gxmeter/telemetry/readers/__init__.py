"""One module per format; picked up by its file name (``mlperf_power.py`` reads ``mlperf-power``)."""
