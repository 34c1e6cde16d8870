"""Which of a machine's GPUs a job may see, from what its environment says.

Two variables say it, in one language: ``CUDA_VISIBLE_DEVICES`` (CUDA C++ Programming Guide, "CUDA Environment
Variables") and ``NVIDIA_VISIBLE_DEVICES`` (NVIDIA Container Toolkit, "Environment variables"). What is understood:

- nothing said, or ``all``: every GPU; empty, ``none``, ``void``, ``NoDevFiles`` (SLURM's word): none;
- a list of indexes, ``GPU-<uuid>`` or the beginning of one that fits one GPU only;
- MIG devices: ``MIG-<uuid>``, ``MIG-GPU-<uuid>/<instance>/<compute instance>`` (old drivers), ``<gpu>:<device>``.

As in CUDA the list ends at the first entry that fits nothing; ``-1`` is such an end on purpose.

CUDA numbers the fastest GPU first, NVML goes by the PCI bus. So an index can mean another GPU where the models
differ and ``CUDA_DEVICE_ORDER`` is not ``PCI_BUS_ID``; that is said, not guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PCI_ORDER = "PCI_BUS_ID"
"""The ``CUDA_DEVICE_ORDER`` that numbers as NVML does."""

_NONE = {"", "none", "void", "nodevfiles"}
_END = "-1"


@dataclass(frozen=True, slots=True)
class Found:
    """A GPU of this machine: NVML's index, UUID, model, and the UUIDs of its MIG devices."""

    index: int
    uuid: str
    name: str
    slices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Visible:
    """What a job may see.

    Attributes:
        whole: indexes of GPUs, rising.
        sliced: indexes of GPUs of which it may see MIG devices only, rising.
        hidden: MIG devices whose GPU cannot be told from here.
        unknown: the entry at which the list ends because nothing fits it, or None.
        unsure: an index may mean another GPU, because CUDA may number them otherwise.
    """

    whole: tuple[int, ...]
    sliced: tuple[int, ...] = ()
    hidden: tuple[str, ...] = ()
    unknown: str | None = None
    unsure: bool = False


def visible_gpus(visible: str | None, gpus: Sequence[Found], order: str | None = None) -> Visible:
    """The GPUs that a job may see.

    Args:
        visible: the variable's value, None where it is not set.
        gpus: the machine's GPUs.
        order: ``CUDA_DEVICE_ORDER``; for ``NVIDIA_VISIBLE_DEVICES``, which goes by the bus, give :data:`PCI_ORDER`.

    Examples:
        >>> two = [Found(0, "GPU-aa11", "H100"), Found(1, "GPU-bb22", "H100")]
        >>> visible_gpus("1", two).whole, visible_gpus("GPU-aa", two).whole, visible_gpus("", two).whole
        ((1,), (0,), ())
    """
    if visible is None or visible.strip().lower() == "all":
        return Visible(tuple(gpu.index for gpu in gpus))
    if visible.strip().lower() in _NONE:
        return Visible(())
    whole: set[int] = set()
    sliced: set[int] = set()
    hidden: list[str] = []
    unknown: str | None = None
    numbered = False
    for entry in (part.strip() for part in visible.split(",")):
        if entry == _END:
            break
        gpu, is_slice = _fitting(entry, gpus)
        if gpu is None and not is_slice:
            unknown = entry
            break
        numbered = numbered or entry.isdigit()
        if gpu is None:
            hidden.append(entry)
        else:
            (sliced if is_slice else whole).add(gpu.index)
    unsure = numbered and order != PCI_ORDER and len({gpu.name for gpu in gpus}) > 1
    return Visible(tuple(sorted(whole)), tuple(sorted(sliced - whole)), tuple(hidden), unknown, unsure)


def _fitting(entry: str, gpus: Sequence[Found]) -> tuple[Found | None, bool]:
    """The GPU that an entry means, and whether it means a MIG device of it."""
    if entry.startswith("MIG-GPU-"):
        return _one(entry.removeprefix("MIG-").partition("/")[0], gpus), True
    if entry.startswith("MIG-"):
        parents = [gpu for gpu in gpus if any(uuid.startswith(entry) for uuid in gpu.slices)]
        return (parents[0] if len(parents) == 1 else None), True
    if entry.startswith("GPU-"):
        return _one(entry, gpus), False
    index, colon, device = entry.partition(":")
    if not index.isdecimal() or (colon and not device.isdecimal()):
        return None, False
    fitting = [gpu for gpu in gpus if gpu.index == int(index)]
    return (fitting[0], bool(colon)) if fitting else (None, False)


def _one(prefix: str, gpus: Sequence[Found]) -> Found | None:
    fitting = [gpu for gpu in gpus if gpu.uuid.startswith(prefix)]
    return fitting[0] if len(fitting) == 1 else None
