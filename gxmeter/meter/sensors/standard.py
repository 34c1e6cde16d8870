"""The sensors that a meter uses when nobody names any: counters first, CodeCarbon for what they leave."""

from __future__ import annotations

from collections.abc import Mapping

from gxmeter.meter.sensors.base import Sensor


def quick(environ: Mapping[str, str]) -> list[Sensor]:
    """The counters: NVML and powercap.

    Args:
        environ: environment; which GPUs are this job's.
    """
    from gxmeter.meter.sensors.nvml import NvmlSensor  # noqa: PLC0415 - off the training's thread
    from gxmeter.meter.sensors.nvml_visible import PCI_ORDER  # noqa: PLC0415
    from gxmeter.meter.sensors.powercap import PowercapSensor  # noqa: PLC0415

    visible, order = environ.get("CUDA_VISIBLE_DEVICES"), environ.get("CUDA_DEVICE_ORDER")
    if visible is None:
        visible, order = environ.get("NVIDIA_VISIBLE_DEVICES"), PCI_ORDER
    return [NvmlSensor(visible=visible, order=order), PowercapSensor()]


def slow(environ: Mapping[str, str], *, compare: bool = False) -> list[Sensor]:
    """CodeCarbon, and the management controller where one is named.

    Args:
        environ: environment; which GPUs are this job's, and where the management controller is.
        compare: whether CodeCarbon reads the counters too, to stand beside. Not where the job has MIG devices: it would
            read the whole GPU and call it the job's.
    """
    from gxmeter.meter.sensors.codecarbon import CodeCarbonSensor  # noqa: PLC0415 - off the training's thread

    sliced = "MIG" in environ.get("CUDA_VISIBLE_DEVICES", "") + environ.get("NVIDIA_VISIBLE_DEVICES", "")
    return [CodeCarbonSensor(nvidia=compare and not sliced, compare=compare), *_controller(environ)]


def standard(environ: Mapping[str, str], *, compare: bool = False) -> list[Sensor]:
    """All of them, in the order in which they are opened."""
    return [*quick(environ), *slow(environ, compare=compare)]


def _controller(environ: Mapping[str, str]) -> list[Sensor]:
    """The management controller, where one is named; without one its modules for HTTP need not be loaded."""
    if not environ.get("GXMETER_BMC_URL"):
        return []
    from gxmeter.meter.sensors.redfish import RedfishSensor  # noqa: PLC0415 - see above

    found = RedfishSensor.from_environment(environ)
    return [] if found is None else [found]
