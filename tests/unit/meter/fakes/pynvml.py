"""A stand-in for nvidia-ml-py that CodeCarbon reads as the real one, driven at known watts.

``FAKE_GPUS`` devices draw 300, 310, 320 ... W. ``FAKE_FAULT`` is ``no-counter``, ``mig`` (neither counter nor
power), ``reset`` (the counter of GPU 0 starts again) or ``lost`` (GPU 0 answers nothing); the last two happen at
the fifth reading of its counter.
"""

import os
import time

NVML_TEMPERATURE_GPU = 0
_START = time.monotonic()
_COUNT = int(os.environ.get("FAKE_GPUS", "2"))
_FAULT = os.environ.get("FAKE_FAULT", "")
_GOOD_READINGS = 4
_state = {"readings": 0, "reset_at": None}


class NVMLError(Exception):
    """Base of the library's errors."""


class NVMLError_NotSupported(NVMLError):  # noqa: N801, N818 - the library's name
    """The device does not offer this."""


class NVMLError_GpuIsLost(NVMLError):  # noqa: N801, N818 - the library's name
    """The device fell off the bus."""


class _Memory:
    total = used = free = 1 << 30


def _elapsed(handle):
    if _FAULT == "lost" and handle == 0 and _state["readings"] > _GOOD_READINGS:
        raise NVMLError_GpuIsLost
    return time.monotonic() - _START


def nvmlInit():  # noqa: N802
    """Nothing to do."""


def nvmlDeviceGetCount():  # noqa: N802
    return _COUNT


def nvmlDeviceGetHandleByIndex(index):  # noqa: N802
    return index


def nvmlDeviceGetName(handle):  # noqa: N802
    return "FAKE H100"


def nvmlDeviceGetUUID(handle):  # noqa: N802
    return f"GPU-0000-{handle}"


def nvmlDeviceGetMemoryInfo(handle):  # noqa: N802
    return _Memory()


def nvmlDeviceGetEnforcedPowerLimit(handle):  # noqa: N802
    return 700_000


def nvmlDeviceGetTotalEnergyConsumption(handle):  # noqa: N802
    if _FAULT in {"no-counter", "mig"}:
        raise NVMLError_NotSupported
    _state["readings"] += handle == 0
    passed = _elapsed(handle)
    base = 10_000_000
    if _FAULT == "reset" and handle == 0 and _state["readings"] > _GOOD_READINGS:
        _state["reset_at"] = _state["reset_at"] or passed
        base, passed = 0, passed - _state["reset_at"]
    return int(base + (300 + 10 * handle) * passed * 1000)


def nvmlDeviceGetPowerUsage(handle):  # noqa: N802
    if _FAULT == "mig":
        raise NVMLError_NotSupported
    _elapsed(handle)
    return (300 + 10 * handle) * 1000
