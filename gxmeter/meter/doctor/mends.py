"""The commands that mend what the doctor found: to be copied, with ``sudo`` where they need an administrator.

Words in capitals are for the reader to fill in. A finding without an entry cannot be mended by a command; its
sentence says what to do instead.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from gxmeter.core.findings import Finding
from gxmeter.meter.doctor.checks import Case
from gxmeter.meter.record.place import MARKER

Mend = Callable[[Finding, Case], tuple[str, ...]]

_NOW = "sudo find /sys/devices/virtual/powercap -name energy_uj -exec chmod a+r {} +"
_RULE = 'SUBSYSTEM=="powercap", ACTION=="add", RUN+="/bin/chmod a+r /sys%p/energy_uj"'
_LASTING = f"echo '{_RULE}' | sudo tee /etc/udev/rules.d/60-gxmeter-powercap.rules"
_TREE = "/sys/devices/virtual/powercap"
_MOST_SITES = 3


def commands(item: Finding, case: Case) -> tuple[str, ...]:
    """The commands that mend a finding, in the order in which they are to be given; empty where none does."""
    mend = MENDS.get(item.code)
    return mend(item, case) if mend is not None else ()


def _fixed(*lines: str) -> Mend:
    return lambda _item, _case: lines


def _param(item: Finding, name: str) -> str:
    return dict(item.params).get(name, "")


def _rapl_unreadable(_item: Finding, case: Case) -> tuple[str, ...]:
    """The first line works until the next start of the machine, the second from then on."""
    where = "    # on the host" if case.host.container else ""
    return (_NOW + where, _LASTING + where)


def _rapl_hidden(_item: Finding, case: Case) -> tuple[str, ...]:
    if case.host.container == "apptainer":
        return (f"apptainer exec --bind {_TREE}:/powercap --env GXMETER_POWERCAP=/powercap IMAGE COMMAND",)
    tool = {"docker": "docker", "podman": "podman"}.get(case.host.container)
    return (f"{tool} run -v {_TREE}:/powercap:ro -e GXMETER_POWERCAP=/powercap IMAGE COMMAND",) if tool else ()


def _rapl_module(_item: Finding, _case: Case) -> tuple[str, ...]:
    return (
        "sudo modprobe intel_rapl_msr",
        "echo intel_rapl_msr | sudo tee /etc/modules-load.d/gxmeter-rapl.conf",
    )


def _gpu_container(_item: Finding, case: Case) -> tuple[str, ...]:
    return {
        "docker": ("docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility IMAGE COMMAND",),
        "podman": ("podman run --device nvidia.com/gpu=all IMAGE COMMAND",),
        "apptainer": ("apptainer exec --nv IMAGE COMMAND",),
    }.get(case.host.container, ())


def _gpu_unreadable(_item: Finding, case: Case) -> tuple[str, ...]:
    """The driver's user-space library is missing: in a container it is the container's to be given."""
    if case.host.container:
        return _gpu_container(_item, case)
    branch = case.host.nvidia_driver.partition(".")[0]
    return (f"sudo apt install libnvidia-compute-{branch}    # Ubuntu",) if branch else ()


def _nvml(item: Finding, case: Case) -> tuple[str, ...]:
    """After an update the running driver is older than its library; a container has its host's driver."""
    if case.host.container:
        return ()
    if "mismatch" in _param(item, "reason"):
        unload = "sudo rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia"
        return ("sudo reboot", f"{unload} && sudo modprobe nvidia    # instead, if nothing uses the GPUs")
    return ("sudo modprobe nvidia",)


def _mig(item: Finding, _case: Case) -> tuple[str, ...]:
    index = _param(item, "device").removeprefix("gpu")
    return (f"sudo nvidia-smi -i {index} -mig 0    # only if nobody uses its parts",) if index.isdigit() else ()


def _bmc_certificate(_item: Finding, case: Case) -> tuple[str, ...]:
    """How to see the certificate's fingerprint; whether it is the BMC's, its own console says."""
    place = case.environ.get("GXMETER_BMC_URL", "").partition("://")[2].rstrip("/")
    if not place or "@" in place:
        return ()
    address = shlex.quote(place if ":" in place else f"{place}:443")
    return (
        f"openssl s_client -connect {address} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256",
        "export GXMETER_BMC_FINGERPRINT=SHA256",
    )


def _workspace_unwritable(item: Finding, _case: Case) -> tuple[str, ...]:
    """A place of one's own in a workspace that others made: what is there already keeps its owner."""
    folder = Path(_param(item, "folder"))
    if not _param(item, "reason").startswith("no permission") or not (folder / MARKER).is_file():
        return ()
    journals = folder / "telemetry" / "journals"
    place = shlex.quote(str(journals))
    if journals.is_dir():
        return (f'sudo setfacl -m "u:$(id -un):rwx" {place}',)
    return (f'sudo install -d -o "$(id -un)" {place}',)


def _initialise(item: Finding, _case: Case) -> tuple[str, ...]:
    return (f"gxmeter init {shlex.quote(_param(item, 'folder'))}",)


def _site(item: Finding, _case: Case) -> tuple[str, ...]:
    """Which of several sites it is only the reader knows."""
    sites = [site for site in _param(item, "sites").split(", ") if site not in {"", "-"}]
    if len(sites) == 1:
        return (f"export GXMETER_SITE={shlex.quote(sites[0])}",)
    shown = ", ".join(sites[:_MOST_SITES]) + (", ..." if len(sites) > _MOST_SITES else "")
    return (f"export GXMETER_SITE=SITE    # {shown}",) if sites else ()


def _clock(_item: Finding, case: Case) -> tuple[str, ...]:
    """A container has its host's clock."""
    return () if case.host.container else ("sudo timedatectl set-ntp true",)


MENDS: dict[str, Mend] = {
    "amdsmi-missing": _fixed("pip install /opt/rocm/share/amd_smi"),
    "bmc-not-named": _fixed(
        "sudo ipmitool lan print    # its address",
        "export GXMETER_BMC_URL=https://ADDRESS GXMETER_BMC_USER=USER",
        "read -rs GXMETER_BMC_PASSWORD && export GXMETER_BMC_PASSWORD",
    ),
    "bmc-other-certificate": _bmc_certificate,
    "bmc-untrusted": _bmc_certificate,
    "clock-not-synchronised": _clock,
    "gpu-driver-missing": _fixed(
        "sudo modprobe nvidia", "sudo ubuntu-drivers install    # Ubuntu, if it is not installed"
    ),
    "gpu-mig": _mig,
    "gpu-no-utility": _gpu_container,
    "gpu-not-in-container": _gpu_container,
    "gpu-order-unknown": _fixed("export CUDA_DEVICE_ORDER=PCI_BUS_ID"),
    "gpu-slow-open": _fixed("sudo nvidia-smi -pm 1", "sudo systemctl enable --now nvidia-persistenced"),
    "gpu-unreadable": _gpu_unreadable,
    "nvidia-ml-py-missing": _fixed("pip install nvidia-ml-py"),
    "nvml-unusable": _nvml,
    "rapl-hidden": _rapl_hidden,
    "rapl-module-missing": _rapl_module,
    "rapl-unreadable": _rapl_unreadable,
    "site-unknown": _site,
    "workspace-missing": _fixed("gxmeter init my-workspace", 'export GXMETER_WORKSPACE="$PWD/my-workspace"'),
    "workspace-not-initialised": _initialise,
    "workspace-unwritable": _workspace_unwritable,
}
"""Who mends a finding, by its code."""
