"""The registry finds readers by their files."""

from __future__ import annotations

import pytest

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Level, message
from gxmeter.telemetry.registry import formats, reader, readers


def test_every_file_is_a_reader_of_its_own_name() -> None:
    found = readers()
    assert list(found) == formats()
    assert "gxmeter" in found
    for name, module in found.items():
        assert name == module.FORMAT
        assert callable(module.read)


def test_an_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(InputError) as caught:
        reader("../secrets")
    item = caught.value.findings[0]
    assert item.code == "format-unknown"
    assert "gxmeter" in (item.expected or "")


@pytest.mark.parametrize(
    "code",
    [
        "row-cells", "counter-jump", "slurm-energy-implausible", "codecarbon-row-shifted", "codecarbon-duration",
        "codecarbon-pue", "codecarbon-zero", "mlperf-line-broken", "mlperf-value-faulty", "prometheus-counter-still",
        "prometheus-value-faulty", "jobs-row-faulty", "jobs-overlap",
    ],
)  # fmt: skip
def test_what_an_honest_file_cannot_mend_and_is_left_out_by_name_blocks_no_report(code: str) -> None:
    assert message(code).level is Level.SHOULD
