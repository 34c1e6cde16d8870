"""Which GPUs a job sees, from what its environment says."""

from __future__ import annotations

import pytest

from gxmeter.meter.sensors.nvml_visible import PCI_ORDER, Found, visible_gpus

GPUS = [
    Found(0, "GPU-aaaa1111-0", "H100"),
    Found(1, "GPU-aaaa2222-1", "H100", ("MIG-cccc-0", "MIG-cccc-1", "MIG-dddd-2")),
    Found(2, "GPU-bbbb3333-2", "H100", ("MIG-eeee-0",)),
]
MIXED = [Found(0, "GPU-a", "A100"), Found(1, "GPU-b", "H100")]


@pytest.mark.parametrize(
    ("visible", "whole"),
    [
        (None, (0, 1, 2)),
        ("all", (0, 1, 2)),
        ("", ()),
        ("  ", ()),
        ("none", ()),
        ("void", ()),
        ("NoDevFiles", ()),
        ("0", (0,)),
        ("2,0", (0, 2)),
        (" 1 , 2 ", (1, 2)),
        ("1,1", (1,)),
        ("GPU-bbbb3333-2", (2,)),
        ("GPU-b", (2,)),
        ("GPU-aaaa1,GPU-bbbb", (0, 2)),
        ("0,-1,2", (0,)),
        ("-1", ()),
    ],
)
def test_what_is_said_is_what_is_seen(visible: str | None, whole: tuple[int, ...]) -> None:
    seen = visible_gpus(visible, GPUS)
    assert (seen.whole, seen.sliced, seen.hidden, seen.unknown, seen.unsure) == (whole, (), (), None, False)


@pytest.mark.parametrize(
    ("visible", "whole", "unknown"),
    [
        ("0,7,1", (0,), "7"),
        ("GPU-ffff,0", (), "GPU-ffff"),
        ("2,GPU-aaaa", (2,), "GPU-aaaa"),
        ("first", (), "first"),
        ("0,,1", (0,), ""),
        ("0:x", (), "0:x"),
        ("9:0", (), "9:0"),
        ("-2", (), "-2"),
    ],
)
def test_the_list_ends_at_what_fits_no_gpu_and_that_is_said(visible: str, whole: tuple[int, ...], unknown: str) -> None:
    seen = visible_gpus(visible, GPUS)
    assert (seen.whole, seen.unknown) == (whole, unknown)


@pytest.mark.parametrize(
    ("visible", "whole", "sliced", "hidden"),
    [
        ("MIG-cccc-0", (), (1,), ()),
        ("MIG-eeee", (), (2,), ()),
        ("MIG-GPU-aaaa2222-1/3/0", (), (1,), ()),
        ("1:0,2:0", (), (1, 2), ()),
        ("0,MIG-dddd-2", (0,), (1,), ()),
        ("1,MIG-cccc-0", (1,), (), ()),
        ("MIG-ffff-0", (), (), ("MIG-ffff-0",)),
        ("MIG-GPU-ffff/1/0,2", (2,), (), ("MIG-GPU-ffff/1/0",)),
    ],
)
def test_a_mig_device_is_a_slice_of_its_gpu(
    visible: str, whole: tuple[int, ...], sliced: tuple[int, ...], hidden: tuple[str, ...]
) -> None:
    seen = visible_gpus(visible, GPUS)
    assert (seen.whole, seen.sliced, seen.hidden, seen.unknown) == (whole, sliced, hidden, None)


def test_an_index_is_unsure_where_the_models_differ_and_cuda_may_number_them_its_own_way() -> None:
    assert visible_gpus("0", MIXED).unsure
    assert visible_gpus("0", MIXED, "FASTEST_FIRST").unsure
    assert not visible_gpus("0", MIXED, PCI_ORDER).unsure
    assert not visible_gpus("GPU-a", MIXED).unsure
    assert not visible_gpus(None, MIXED).unsure


def test_without_gpus_nothing_is_seen() -> None:
    assert visible_gpus(None, []).whole == ()
    assert visible_gpus("0", []).unknown == "0"
