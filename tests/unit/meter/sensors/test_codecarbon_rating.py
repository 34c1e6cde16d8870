"""The rated power of a processor, found without pandas, is the one that CodeCarbon finds with it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gxmeter.meter.sensors.codecarbon_rating import rated_watts

KNOWN = {
    "AMD EPYC 9654 96-Core Processor": 360.0,
    "Intel(R) Xeon(R) Platinum 8480+": 350.0,
    "AMD EPYC 7763 64-Core Processor": 280.0,
}
UNKNOWN = ("AMD EPYC", "Intel(R) Xeon(R) Processor", "Neoverse-V2", "", "Intel(R) Xeon(R) CPU @ 2.20GHz")
OTHERS = ("Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz", "AMD EPYC 9575F 64-Core Processor", "AMD Ryzen 9 7950X", "1075T")


@pytest.mark.parametrize(("name", "watts"), KNOWN.items())
def test_a_known_server_processor_has_its_rating(name: str, watts: float) -> None:
    assert rated_watts(name) == watts


@pytest.mark.parametrize("name", [*KNOWN, *UNKNOWN, *OTHERS])
def test_the_answer_is_codecarbons_own(name: str) -> None:
    from codecarbon.core.cpu import TDP

    assert rated_watts(name) == TDP.__new__(TDP)._get_cpu_power_from_registry(name)


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_name_that_names_no_model_has_no_rating(name: str) -> None:
    assert rated_watts(name) is None


def test_pandas_is_not_loaded() -> None:
    code = (
        "import sys\nfrom gxmeter.meter.sensors.codecarbon_rating import rated_watts\n"
        "rated_watts('AMD EPYC 9654 96-Core Processor')\nprint('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
