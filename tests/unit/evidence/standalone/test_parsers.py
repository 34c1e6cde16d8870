"""The verifier's own parsers and Ed25519 against outside vectors, a second implementation, and hostile input."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

L = 2**252 + 27742317777372353535851937790883648493

# RFC 8032 section 7.1, TEST 1, TEST 2, TEST 3 and TEST SHA(abc): public key, message, signature.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_rfc_8032_vectors(verify: Any, key: str, message: str, signature: str) -> None:
    public, signed, body = bytes.fromhex(key), bytes.fromhex(signature), bytes.fromhex(message)
    assert verify.ed25519_verify(public, signed, body)
    assert not verify.ed25519_verify(public, signed, body + b"x")
    s_plus_l = (int.from_bytes(signed[32:], "little") + L).to_bytes(32, "little")
    assert not verify.ed25519_verify(public, signed[:32] + s_plus_l, body)


@settings(max_examples=25, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), bit=st.integers(0, 511))
def test_ed25519_agrees_with_cryptography(verify: Any, seed: bytes, message: bytes, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = private.sign(message)
    assert verify.ed25519_verify(public, signature, message)
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not verify.ed25519_verify(public, bytes(flipped), message)


@settings(max_examples=50, deadline=None)
@given(public=st.binary(min_size=32, max_size=32), signature=st.binary(min_size=64, max_size=64))
def test_ed25519_noise_is_refused_like_by_cryptography(verify: Any, public: bytes, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, b"m")
        expected = True
    except (InvalidSignature, ValueError):
        expected = False
    assert verify.ed25519_verify(public, signature, b"m") == expected


@pytest.mark.parametrize("y", [2**255 - 19, 2**255 - 18, 2**255 - 1, 1 | 1 << 255])
def test_points_that_are_not_canonical_are_refused(verify: Any, y: int) -> None:
    assert verify._point(y.to_bytes(32, "little")) is None


def test_keys_of_small_order_sign_nothing(verify: Any) -> None:
    identity = (1).to_bytes(32, "little")
    assert not verify.ed25519_verify(identity, identity + bytes(32), b"any message")


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])), min_size=2, max_size=4
        ),
        min_size=1,
    )
)
def test_csv_reads_what_the_csv_module_writes(verify: Any, rows: list[list[str]]) -> None:
    out = io.StringIO()
    plain = [[cell if '"' in cell or "," in cell else cell.strip() or "x" for cell in row] for row in rows]
    csv.writer(out, lineterminator="\n").writerows(plain)
    text = out.getvalue()
    if text.startswith("\ufeff"):
        return
    assert [cells for _, cells in verify.csv_cells("t.csv", text.encode())] == plain


@given(st.binary(max_size=300))
def test_csv_refuses_or_reads_any_bytes(verify: Any, data: bytes) -> None:
    try:
        cells = [cells for _, cells in verify.csv_cells("t.csv", data)]
    except verify.Fault:
        return
    assert all(cells)
    assert data.endswith(b"\n")


@pytest.mark.parametrize("line", ['a"b,c', '"a"b,c', '"a,b', '"a",b', '"a"', 'a,"b', '"', 'a,""', '"a\rb,"'])
def test_bare_and_needless_quotes_are_refused(verify: Any, line: str) -> None:
    with pytest.raises(verify.Fault):
        list(verify.csv_cells("t.csv", f"{line}\n".encode()))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
)


@given(JSON)
def test_json_reads_what_it_should_and_canonical_agrees_with_rfc8785(verify: Any, value: Any) -> None:
    import rfc8785

    read = verify.read_json(json.dumps(value).encode())
    assert read == value
    assert verify.canonical(read) == rfc8785.dumps(value)


@given(st.binary(max_size=200) | st.text(alphabet='[]{}:",.-0123456789eEnulltrufas\\ ').map(str.encode))
def test_json_refuses_or_reads_any_bytes(verify: Any, data: bytes) -> None:
    try:
        value = verify.read_json(data)
    except verify.Fault:
        return
    assert json.loads(data) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        "1.0",
        "1e3",
        "NaN",
        "Infinity",
        "-Infinity",
        "9007199254740992",
        '"\\ud800"',
        "[" * 100_000 + "]" * 100_000,
        "",
        "\ufeff1",
    ],
)
def test_json_that_is_not_strict_is_refused(verify: Any, text: str) -> None:
    with pytest.raises(verify.Fault):
        verify.read_json(text.encode())


@given(st.sampled_from(["s", "i", "d", "p", "t", "b", "n", ">>x", "f", "=a|b", "d?", "s?"]), st.text(max_size=70))
def test_cells_are_read_or_refused(verify: Any, kind: str, cell: str) -> None:
    try:
        value = verify.read_value(kind, cell)
    except ValueError:
        return
    if kind == "i":
        assert str(value) == cell.replace("-0", "0") if value == 0 else str(value) == cell
    if kind == "d":
        assert f"{value:f}" == cell


@given(st.integers(-(10**20), 10**20), st.integers(0, 15))
def test_decimals_are_read_back_as_written(verify: Any, digits: int, scale: int) -> None:
    value = Decimal(digits).scaleb(-scale)
    text = f"{value:f}".rstrip("0").rstrip(".") if scale else str(digits)
    assert verify.read_value("d", text) == value


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        *(("d", c) for c in ("01", "1.", ".5", "1e3", "1.0", "+1", "１", "NaN", "", "1_0", "1" * 61)),
        *(("i", c) for c in ("01", "1.0", "+1", "", "٣", "1" * 61)),
        *(
            ("t", c)
            for c in ("2026-04-01", "2026-04-01T00:00:00", "2026-04-01T00:00:00.000Z", "2026-02-30T00:00:00Z", "")
        ),
        *(("n", c) for c in ("", "a b", "../a", "a..b", "-a", "a/b", "a" * 81)),
        *(("s", c) for c in ("", "=1", "+1", "-1", "@a", "\ta")),
        (">>x", "a||b"),
        ("f", "a" * 201),
        ("=a|b", "a|b"),
        ("=a|b", ""),
        ("b", "True"),
    ],
)
def test_cells_against_the_rules_are_refused(verify: Any, kind: str, cell: str) -> None:
    with pytest.raises(ValueError):
        verify.read_value(kind, cell)


@pytest.mark.parametrize("path", ["a/../b", "/a", "a//b", "a\\b", "ä", "a/./b", "C:a", "a\nb", "", "a/"])
def test_unsafe_paths(verify: Any, path: str) -> None:
    assert not verify.is_safe(path)
    assert verify.is_safe("data/boundary/sites.csv")
