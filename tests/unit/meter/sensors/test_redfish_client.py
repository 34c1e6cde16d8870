"""Whom the BMC's client believes, what it refuses to send, and which chassis is the node."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from gxmeter.meter.sensors.redfish import RedfishSensor
from gxmeter.meter.sensors.redfish_client import Access, BmcError, Client, link_path
from gxmeter.meter.sensors.redfish_walk import find_node
from tests.support.fakeredfish import Certificate, FakeBmc, make_certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("bmc"))


def faults(bmc: FakeBmc, **trust: str) -> list[tuple[str, dict[str, str]]]:
    """What opening says; nothing where all is well."""
    sensor = RedfishSensor(bmc.url, user=bmc.user, password=bmc.password, **trust)  # type: ignore[arg-type]
    opened = sensor.open()
    sensor.close()
    assert bool(opened.parts) == (opened.faults == () or opened.faults[0].code == "bmc-plain")
    return [(fault.code, dict(fault.params)) for fault in opened.faults]


def code(access: Access) -> str:
    """Why settings are refused, before anything is sent."""
    with pytest.raises(BmcError) as caught:
        Client(access)
    return caught.value.fault.code


def test_a_certificate_is_believed_by_its_file_or_its_fingerprint(certificate: Certificate) -> None:
    with FakeBmc(certificate=certificate) as bmc:
        assert faults(bmc, ca=str(certificate.cert)) == []
        assert faults(bmc, fingerprint=certificate.fingerprint) == []
        spoken = ":".join(certificate.fingerprint.upper()[at : at + 2] for at in range(0, 64, 2))
        assert faults(bmc, fingerprint=f"SHA256:{spoken}") == []
        assert faults(bmc, ca=str(certificate.cert), fingerprint=certificate.fingerprint) == []


def test_a_certificate_that_nobody_vouches_for_gets_no_credentials(certificate: Certificate) -> None:
    with FakeBmc(certificate=certificate) as bmc:
        ((refused, params),) = faults(bmc)
        assert refused == "bmc-untrusted"
        assert "self" in params["reason"]
        assert bmc.requests == []


def test_another_certificate_than_the_pinned_one_gets_no_credentials(certificate: Certificate) -> None:
    with FakeBmc(certificate=certificate) as bmc:
        assert faults(bmc, fingerprint="0" * 64) == [
            ("bmc-other-certificate", {"fingerprint": certificate.fingerprint})
        ]
        assert faults(bmc, ca=str(certificate.cert), fingerprint="0" * 64)[0][0] == "bmc-other-certificate"
        assert bmc.requests == []


def test_a_believed_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    elsewhere = make_certificate(tmp_path, address=None)
    with FakeBmc(certificate=elsewhere) as bmc:
        assert faults(bmc, ca=str(elsewhere.cert))[0][0] == "bmc-untrusted"
        assert bmc.requests == []
        assert faults(bmc, fingerprint=elsewhere.fingerprint) == []


def test_credentials_without_encryption_are_remarked() -> None:
    with FakeBmc() as bmc:
        assert faults(bmc) == [("bmc-plain", {})]
    with FakeBmc(user=None) as bmc:
        sensor = RedfishSensor(bmc.url)
        assert sensor.open().faults == ()
        sensor.close()


def test_wrong_credentials_are_said() -> None:
    with FakeBmc() as bmc:
        sensor = RedfishSensor(bmc.url, user="reader", password="wrong")
        assert [(f.code, dict(f.params)) for f in sensor.open().faults] == [("bmc-denied", {"status": "401"})]


@pytest.mark.parametrize(
    "url",
    [
        "bmc.example",
        "ftp://bmc.example",
        "https://",
        "https://bmc.example:port",
        "https://bmc.example/login",
        "https://bmc.example/?a=b",
        "https://bmc example",
        "https://[::1",
        "",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    assert code(Access(url)) == "bmc-address"


@pytest.mark.parametrize("url", ["https://bmc.example", "https://bmc.example:8443/", "http://[::1]/redfish/v1/"])
def test_an_address_may_be_written_in_some_ways(url: str) -> None:
    Client(Access(url)).close()


@pytest.mark.parametrize("url", ["https://root@bmc.example", "https://root:calvin@bmc.example"])
def test_an_address_with_a_user_is_refused_without_repeating_it(url: str) -> None:
    assert code(Access(url)) == "bmc-address-with-user"
    opened = RedfishSensor(url).open()
    assert [fault.code for fault in opened.faults] == ["bmc-address-with-user"]
    assert "calvin" not in repr(opened)


@pytest.mark.parametrize(
    "secrets",
    [{"user": "u"}, {"password": "p"}, {"user": "a:b", "password": "p"}, {"token": "a\nb"}, {"token": "é"}],
)
def test_credentials_that_cannot_be_sent_are_refused(secrets: dict[str, str]) -> None:
    assert code(Access("https://bmc.example", **secrets)) == "bmc-credentials"


def test_settings_of_trust_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    assert code(Access("https://bmc.example", fingerprint="ab:cd")) == "bmc-fingerprint"
    assert code(Access("https://bmc.example", ca=str(tmp_path / "none.pem"))) == "bmc-ca-file"
    (tmp_path / "text.pem").write_text("no certificate")
    assert code(Access("https://bmc.example", ca=str(tmp_path / "text.pem"))) == "bmc-ca-file"


@pytest.mark.parametrize("value", [None, 7, "", "redfish/v1", "//elsewhere/x", "http://elsewhere/", "/a b", "/a\r\nb"])
def test_a_link_that_leaves_the_bmc_is_not_followed(value: object) -> None:
    with pytest.raises(BmcError) as caught:
        link_path(value)
    assert caught.value.fault.code == "bmc-garbled"


def chassis_of(bmc: FakeBmc, chassis: str | None = None, dmi: Path = Path("/nowhere")) -> str:
    """The chassis that is found, or why none is."""
    client = Client(Access(bmc.url, bmc.user, bmc.password))
    try:
        return find_node(client, chassis, dmi=dmi).chassis
    except BmcError as error:
        return " ".join([error.fault.code, *(value for _, value in error.fault.params)])
    finally:
        client.close()


def test_the_node_is_the_chassis_that_is_linked_with_the_system() -> None:
    with FakeBmc(layout="one") as bmc:
        assert chassis_of(bmc) == "1U"
    with FakeBmc(layout="with-parts") as bmc:
        assert chassis_of(bmc) == "1U"
    with FakeBmc(layout="unlinked") as bmc:
        assert chassis_of(bmc) == "1U"


def test_several_that_could_be_the_node_are_refused_by_name() -> None:
    with FakeBmc(layout="two-nodes") as bmc:
        assert chassis_of(bmc) == "bmc-ambiguous Left, Right"
        assert chassis_of(bmc, "Right") == "Right"
        assert chassis_of(bmc, "Middle") == "bmc-chassis-unknown Middle"


@pytest.mark.parametrize("is_swapped", [False, True])
def test_of_several_systems_this_machines_is_known_by_its_uuid(tmp_path: Path, is_swapped: bool) -> None:
    own = uuid.UUID("22345678-0000-0000-0000-000000000002")
    dmi = tmp_path / "product_uuid"
    dmi.write_text(f"{uuid.UUID(bytes=own.bytes_le) if is_swapped else own}\n".upper())
    with FakeBmc(layout="two-nodes") as bmc:
        assert chassis_of(bmc, dmi=dmi) == "Right"
        dmi.write_text("not a uuid\n")
        assert chassis_of(bmc, dmi=dmi) == "bmc-ambiguous Left, Right"


def test_a_chassis_of_several_systems_is_not_the_node_unless_the_user_says_so() -> None:
    with FakeBmc(layout="shared") as bmc:
        assert chassis_of(bmc).startswith("bmc-shared Enclosure ")
        assert chassis_of(bmc, "Enclosure") == "Enclosure"


def test_a_bmc_without_power_says_so() -> None:
    with FakeBmc(style="none") as bmc:
        assert chassis_of(bmc) == "bmc-no-power"


@pytest.mark.parametrize(("rated_w", "rated_mw"), [(2400, 2_400_000), (None, None), (0, None), (900_000, None)])
@pytest.mark.parametrize("style", ["environment", "power"])
def test_the_rating_is_what_the_bmc_says_where_that_is_plausible(
    style: str, rated_w: float | None, rated_mw: int | None
) -> None:
    with FakeBmc(style=style, rated_w=rated_w) as bmc:
        client = Client(Access(bmc.url, bmc.user, bmc.password))
        assert find_node(client).rated_mw == rated_mw
        client.close()
