"""The registry finds readers by their files."""

from __future__ import annotations

import pytest

from gxmeter.core.errors import InputError
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
