"""A management controller (BMC) at known watts: a small Redfish service over real HTTP or HTTPS on this machine.

::

    with FakeBmc(watts=1200) as bmc:
        sensor = RedfishSensor(bmc.url, user=bmc.user, password=bmc.password)
        ...
        bmc.watts = 600  # from now on
        bmc.fault = "status-500"  # every answer below the service root fails so until it is None again

With ``certificate=make_certificate(folder)`` it speaks HTTPS; the certificate is self-signed, as on real BMCs.
``environment()`` are the variables by which gxmeter finds it. ``style`` chooses the resources that have power
(:data:`STYLES`), ``layout`` the chassis (:data:`LAYOUTS`), ``fault`` what goes wrong (:data:`FAULTS`).

The truth is ``energy_j(since, until)``: watts over time by the monotonic clock [ns]. The energy meter counts it in
steps of ``meter_step_j``. ``requests`` lists what was asked, with the header that carried the credentials.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

STYLES = ("environment", "energy-joules", "energy-kwh", "power", "supplies", "none")
"""``environment``: EnvironmentMetrics with PowerWatts; ``energy-joules`` and ``energy-kwh`` have a meter beside it;
``power``: the older Power resource; ``supplies``: PowerSubsystem with two supplies; ``none``: no power at all."""

LAYOUTS = ("one", "with-parts", "two-nodes", "shared", "unlinked")
"""``one`` chassis; ``with-parts``: two further ones without a system; ``two-nodes``: two with a system each;
``shared``: one with two systems; ``unlinked``: one without a link to its system."""

FAULTS = (
    "status-401",
    "status-403",
    "status-500",
    "status-404",
    "garbage",
    "list",
    "deep",
    "huge",
    "huge-undeclared",
    "slow",
    "dribble",
    "close",
    "null",
    "text",
    "nan",
    "enormous",
    "zero",
    "negative",
    "absurd",
    "redirect-away",
    "redirect-here",
)
"""What ``fault`` can be: HTTP statuses, bodies that are no Redfish, bodies without end or too late, and numbers that
are none."""

HUGE = 10_000_000
SLOW_S = 30
_NUMBERS = {"null": None, "text": "many", "zero": 0, "negative": -5, "absurd": 9_000_000}


@dataclass(frozen=True)
class Certificate:
    """Files of a self-signed certificate and its key, and its SHA-256 in hex."""

    cert: Path
    key: Path
    fingerprint: str


def make_certificate(folder: Path, *, name: str = "bmc.example", address: str | None = "127.0.0.1") -> Certificate:
    """A self-signed certificate for a host name and, where given, an address."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if address is not None:
        names.append(x509.IPAddress(IPv4Address(address)))
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    cert_file, key_file = folder / "bmc.pem", folder / "bmc.key"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    shown = sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
    return Certificate(cert_file, key_file, shown)


class FakeBmc:
    """The service; see the module's description.

    Args:
        watts: power at the beginning.
        style: one of :data:`STYLES`.
        layout: one of :data:`LAYOUTS`.
        user: who may read, with ``password``; None lets everybody.
        password: see ``user``.
        token: a token that may read, too.
        certificate: makes it HTTPS.
        meter_step_j: the energy meter's step [J].
        delay_s: how long every answer takes [s].
        rated_w: what it calls its capacity.
    """

    def __init__(
        self,
        *,
        watts: float = 1000,
        style: str = "environment",
        layout: str = "one",
        user: str | None = "reader",
        password: str = "correct horse",
        token: str | None = None,
        certificate: Certificate | None = None,
        meter_step_j: float = 1,
        delay_s: float = 0,
        rated_w: float | None = 3000,
    ) -> None:
        if style not in STYLES or layout not in LAYOUTS:
            raise ValueError(f"{style} or {layout} is not known")
        self.style, self.layout, self.user, self.password, self.token = style, layout, user, password, token
        self.meter_step_j, self.delay_s, self.rated_w = meter_step_j, delay_s, rated_w
        self.fault: str | None = None
        self.requests: list[tuple[str, str]] = []
        self._changes = [(time.monotonic_ns(), watts)]
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.bmc = self  # type: ignore[attr-defined]
        self._stopping = threading.Event()
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.cert, certificate.key)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        self._certificate = certificate

    def start(self) -> Self:
        """Serve from a thread."""
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="fakeredfish", daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening; answers that wait end."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def environment(self) -> dict[str, str]:
        """What makes gxmeter read this BMC."""
        found = {"GXMETER_BMC_URL": self.url}
        if self.user is not None:
            found |= {"GXMETER_BMC_USER": self.user, "GXMETER_BMC_PASSWORD": self.password}
        if self._certificate is not None:
            found["GXMETER_BMC_FINGERPRINT"] = self._certificate.fingerprint
        return found

    @property
    def watts(self) -> float:
        """Power now; set it to change it from now on."""
        return self._changes[-1][1]

    @watts.setter
    def watts(self, value: float) -> None:
        self._changes.append((time.monotonic_ns(), value))

    def energy_j(self, since_ns: int, until_ns: int) -> float:
        """The truth: joules between two moments of the monotonic clock [ns]."""
        total = 0.0
        ends = [at for at, _ in self._changes[1:]] + [until_ns]
        for (begin, watts), end in zip(self._changes, ends, strict=True):
            total += watts * max(0, min(end, until_ns) - max(begin, since_ns)) / 1e9
        return total

    def allows(self, basic: str, token: str) -> bool:
        """Whether these credentials may read."""
        if self.user is None or (self.token is not None and token == self.token):
            return True
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return basic == f"Basic {pair}"

    def wait(self, seconds: float) -> None:
        """Take time, unless the server stops meanwhile."""
        self._stopping.wait(seconds)

    def number(self) -> object:
        """The power as it is told: a number, or what the fault makes of it."""
        return _NUMBERS.get(self.fault or "", self.watts)

    def resource(self, path: str) -> dict[str, Any] | None:
        """The body of a resource, None where there is none."""
        tree = {"/redfish/v1": {"RedfishVersion": "1.15.0", "Chassis": _link("/redfish/v1/Chassis")}}
        chassis = self._chassis()
        tree["/redfish/v1/Chassis"] = _collection(f"/redfish/v1/Chassis/{name}" for name in chassis)
        for name, systems in chassis.items():
            tree |= self._of_chassis(name, systems)
        for number in (1, 2):
            own = f"{number}2345678-0000-0000-0000-00000000000{number}"
            tree[f"/redfish/v1/Systems/{number}"] = {"Id": str(number), "UUID": own}
        return tree.get(path.rstrip("/"))

    def _chassis(self) -> dict[str, list[str]]:
        """Chassis and the systems that they are linked with."""
        return {
            "one": {"1U": ["1"]},
            "with-parts": {"1U": ["1"], "Fans": [], "Riser": []},
            "two-nodes": {"Left": ["1"], "Right": ["2"]},
            "shared": {"Enclosure": ["1", "2"]},
            "unlinked": {"1U": []},
        }[self.layout]

    def _of_chassis(self, name: str, systems: list[str]) -> dict[str, dict[str, Any]]:
        base = f"/redfish/v1/Chassis/{name}"
        body: dict[str, Any] = {"Id": name, "Manufacturer": "Gxmeter", "Model": "Fake 1U", "SerialNumber": f"S-{name}"}
        body["Links"] = {"ComputerSystems": [_link(f"/redfish/v1/Systems/{system}") for system in systems]}
        if self.rated_w is not None:
            body["MaxPowerWatts"] = self.rated_w
        tree = {base: body}
        if self.style in {"environment", "energy-joules", "energy-kwh"}:
            body["EnvironmentMetrics"] = _link(f"{base}/EnvironmentMetrics")
            tree[f"{base}/EnvironmentMetrics"] = {"PowerWatts": {"Reading": self.number()}} | self._meter()
        elif self.style == "power":
            body["Power"] = _link(f"{base}/Power")
            control = {"PowerConsumedWatts": self.number(), "PowerCapacityWatts": self.rated_w}
            tree[f"{base}/Power"] = {"PowerControl": [control]}
        elif self.style == "supplies":
            tree |= self._subsystem(base)
            body["PowerSubsystem"] = _link(f"{base}/PowerSubsystem")
        return tree

    def _meter(self) -> dict[str, Any]:
        steps = self.energy_j(self._changes[0][0], time.monotonic_ns()) // self.meter_step_j
        joules = 7_200_000 + steps * self.meter_step_j
        if self.style == "energy-joules":
            return {"EnergyJoules": {"Reading": round(joules)}}
        if self.style == "energy-kwh":
            return {"EnergykWh": {"Reading": round(joules / 3_600_000, 7)}}
        return {}

    def _subsystem(self, base: str) -> dict[str, dict[str, Any]]:
        """Two supplies that share the load, and an empty place for a third."""
        supplies = f"{base}/PowerSubsystem/PowerSupplies"
        tree = {f"{base}/PowerSubsystem": {"PowerSupplies": _link(supplies)}}
        tree[supplies] = _collection(f"{supplies}/{number}" for number in range(3))
        told = self.number()
        half = told / 2 if isinstance(told, int | float) else told
        for number in range(2):
            tree[f"{supplies}/{number}"] = {
                "Status": {"State": "Enabled"},
                "Metrics": _link(f"{supplies}/{number}/Metrics"),
            }
            tree[f"{supplies}/{number}/Metrics"] = {"InputPowerWatts": {"Reading": half}}
        tree[f"{supplies}/2"] = {"Status": {"State": "Absent"}}
        return tree


class _Server(ThreadingHTTPServer):
    """A server that says nothing of clients that go away."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    timeout = 20
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        bmc: FakeBmc = self.server.bmc  # type: ignore[attr-defined]
        basic, token = self.headers.get("Authorization", ""), self.headers.get("X-Auth-Token", "")
        bmc.requests.append((self.path, basic or token))
        bmc.wait(bmc.delay_s)
        if not bmc.allows(basic, token) and self.path.rstrip("/") != "/redfish/v1":
            self._send(401, b"{}")
        elif bmc.fault is not None and self.path.rstrip("/") != "/redfish/v1" and self._failed(bmc, bmc.fault):
            return
        else:
            body = bmc.resource(self.path)
            text = json.dumps(body or {})
            self._send(200 if body is not None else 404, _spoilt(text, bmc).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _failed(self, bmc: FakeBmc, fault: str) -> bool:
        """Answer as the fault wants; False where it only changes the number."""
        bodies = {"garbage": b"<html>busy</html>", "list": b"[1]", "deep": b"[" * 100_000}
        if fault.startswith("status-"):
            self._send(int(fault.removeprefix("status-")), b'{"error": {}}')
        elif fault in bodies:
            self._send(200, bodies[fault])
        elif fault in {"huge", "huge-undeclared"}:
            self._send_slowly(b" " * HUGE, pause_s=0, bmc=bmc, is_declared=fault == "huge")
        elif fault == "dribble":
            self._send_slowly(b" " * 1000, pause_s=0.05, bmc=bmc)
        elif fault == "slow":
            bmc.wait(SLOW_S)
        elif fault.startswith("redirect"):
            place = "http://169.254.0.1" if fault == "redirect-away" else ""
            self._send(302, b"", {"Location": f"{place}{self.path.rstrip('/')}{'/' if not place else ''}"})
            bmc.fault = None if fault == "redirect-here" else fault
        elif fault != "close":
            return False
        if fault in {"slow", "close"}:
            self.close_connection = True
        return True

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _send_slowly(self, body: bytes, *, pause_s: float, bmc: FakeBmc, is_declared: bool = True) -> None:
        """Send in pieces until the client has had enough."""
        self.send_response(200)
        if is_declared:
            self.send_header("Content-Length", str(len(body)))
        self.close_connection = True
        self.end_headers()
        piece = 10 if pause_s else 65_536
        try:
            for begin in range(0, len(body), piece):
                self.wfile.write(body[begin : begin + piece])
                bmc.wait(pause_s)
        except OSError:
            return


def _spoilt(text: str, bmc: FakeBmc) -> str:
    """Numbers that Python's JSON would not write by itself."""
    watts = json.dumps(bmc.watts)
    if bmc.fault == "nan":
        return text.replace(f'"Reading": {watts}', '"Reading": NaN')
    if bmc.fault == "enormous":
        return text.replace(f'"Reading": {watts}', '"Reading": 1e999999')
    return text


def _link(path: str) -> dict[str, str]:
    return {"@odata.id": path}


def _collection(paths: Any) -> dict[str, Any]:
    members = [_link(path) for path in paths]
    return {"Members": members, "Members@odata.count": len(members)}
