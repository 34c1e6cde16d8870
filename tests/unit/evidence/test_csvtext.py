"""CSV has one exact form: what is written is read back, what is read is written back byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.errors import InputError
from gxmeter.evidence.csvtext import read_csv, write_csv

cells = st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), max_size=12)
rows = st.lists(st.lists(cells, min_size=2, max_size=4), max_size=8)
awkward = st.text(st.sampled_from('a,"\n\r\0 =\ufeffé\u2028'), max_size=40)


@given(rows)
def test_what_is_written_is_read_back(table: list[list[str]]) -> None:
    data = write_csv(["a", "b"], table)
    assert list(read_csv(data)) == list(enumerate([["a", "b"], *table], 1))


@given(awkward.map(lambda text: text.encode()) | st.binary(max_size=60))
def test_what_is_accepted_is_written_back_byte_for_byte_and_the_rest_is_refused(data: bytes) -> None:
    try:
        lines = [cells for _, cells in read_csv(data)]
    except InputError as error:
        assert {f.code for f in error.findings} == {"text-malformed"}  # noqa: PT017 - refused or inverse
        return
    assert write_csv(lines[0], lines[1:]) == data


@pytest.mark.parametrize(
    ("data", "row"),
    [
        (b"\xef\xbb\xbfa,b\n", None),
        (b"a,b\r\n", None),
        (b"a,b\n\0\n", None),
        (b"a,b", None),
        (b"", None),
        (b"a,\xff\n", None),
        (b"\n", 1),
        (b"a,b\n\nc,d\n", 2),
        (b"a,b\n" + b"x" * 1_000_001 + b"\n", 2),
        (b'a,b\n"c",d\n', 2),
        (b'a,b\n"",d\n', 2),
        (b'a,b\n"c,d\n', 2),
        (b'a,b\n"c,"d,e\n', 2),
        (b'a,b\nc"d,e\n', 2),
        (b'a,b\n "c,d"\n', 2),
    ],
)
def test_other_forms_are_refused_with_their_line(data: bytes, row: int | None) -> None:
    with pytest.raises(InputError) as caught:
        list(read_csv(data))
    assert (caught.value.code, caught.value.findings[0].row) == ("text-malformed", row)


def test_quotes_stand_only_where_needed() -> None:
    assert write_csv(["a", "b"], [["x y", 'say "hi", now']]) == b'a,b\nx y,"say ""hi"", now"\n'
    assert write_csv(["a"], []) == b"a\n"
