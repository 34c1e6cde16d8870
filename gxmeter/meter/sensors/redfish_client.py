"""One management controller (BMC) over HTTP or HTTPS: a GET at a time, with limits, and nothing it says is trusted.

What is sent and accepted follows the Redfish specification (DMTF DSP0266): JSON over HTTP, ``X-Auth-Token`` or
HTTP Basic authentication. Only the address that the user names is asked; proxies, redirects to another place and
certificates that nobody vouched for are refused. Self-signed certificates are the rule on BMCs: name the file of
the certificate (or of its issuer), or pin its SHA-256 fingerprint. A failure is always a :class:`BmcError` with a
message for people; no secret is ever part of one, because texts of foreign exceptions are not passed on.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import re
import socket
import ssl
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from gxmeter.meter.sensors.base import Fault, fault

TIMEOUT_S = 5
"""A BMC that has not answered by then is late [s]."""

MAX_BODY = 1_000_000
"""Largest answer that is read [bytes]; a BMC's power resources have a few thousand."""

_MAX_REDIRECTS = 3
_CHUNK = 65_536
_MAX_LENGTH_DIGITS = 9
_PRINTABLE = re.compile(r"[!-~]+")
_PATH = re.compile(r"/(?!/)[!-~]*")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")

Json = dict[str, Any]


class BmcError(Exception):
    """The BMC gave no answer that can be used; ``fault`` says why."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.fault: Fault = fault(code, **params)


@dataclass(frozen=True, repr=False)
class Access:
    """Where the BMC is, who asks, and whose certificate is believed. It has no text form on purpose.

    Attributes:
        url: ``https://host[:port]`` or ``http://...``, nothing else in it.
        user: for HTTP Basic authentication, with ``password``.
        password: see ``user``.
        token: a session's token, in place of both.
        ca: file of certificates that are believed.
        fingerprint: SHA-256 of the BMC's certificate in hex, with or without colons.
    """

    url: str
    user: str | None = None
    password: str | None = None
    token: str | None = None
    ca: str | None = None
    fingerprint: str | None = None

    @property
    def is_readable_on_the_way(self) -> bool:
        """Whether a secret would travel without encryption."""
        return self.url.lower().startswith("http:") and (self.token is not None or self.password is not None)

    def place(self) -> tuple[str, str, int]:
        """Scheme, host and port.

        Raises:
            BmcError: the address cannot be used.
        """
        try:
            parts = urlsplit(self.url.strip())
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise BmcError("bmc-address") from None
        if parts.username is not None or parts.password is not None:
            raise BmcError("bmc-address-with-user")
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise BmcError("bmc-address")
        if parts.path.rstrip("/") not in {"", "/redfish", "/redfish/v1"} or not _PRINTABLE.fullmatch(parts.hostname):
            raise BmcError("bmc-address")
        return parts.scheme, parts.hostname, port

    def headers(self) -> dict[str, str]:
        """The headers of every request.

        Raises:
            BmcError: the credentials are incomplete or cannot be sent.
        """
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "OData-Version": "4.0"}
        if self.token is not None:
            if not _PRINTABLE.fullmatch(self.token):
                raise BmcError("bmc-credentials")
            return headers | {"X-Auth-Token": self.token}
        if (self.user is None) != (self.password is None) or ":" in (self.user or ""):
            raise BmcError("bmc-credentials")
        if self.user is None:
            return headers
        pair = base64.b64encode(f"{self.user}:{self.password}".encode())
        return headers | {"Authorization": f"Basic {pair.decode()}"}

    def context(self) -> ssl.SSLContext:
        """How the certificate is judged: by the file, by the fingerprint (after the handshake), or by the system.

        Raises:
            BmcError: the file or the fingerprint cannot be used.
        """
        if self.fingerprint is not None and not _FINGERPRINT.fullmatch(_bare(self.fingerprint)):
            raise BmcError("bmc-fingerprint")
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except OSError:
            raise BmcError("bmc-ca-file", path=str(self.ca)) from None
        if self.fingerprint is not None and self.ca is None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class Client:
    """Asks one BMC. One thread asks; :meth:`abort` and :meth:`stop` may be called from another.

    Args:
        access: where and who.
        timeout_s: the longest that a request may take [s].

    Raises:
        BmcError: the settings cannot be used; nothing has been sent then.
    """

    def __init__(self, access: Access, timeout_s: float = TIMEOUT_S) -> None:
        self._access, self._timeout_s = access, timeout_s
        self._scheme, self._host, self._port = access.place()
        self._headers = access.headers()
        self._context = access.context() if self._scheme == "https" else None
        self._connection: http.client.HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._is_stopped = False

    def get(self, path: str) -> Json:
        """The JSON object at a path.

        Raises:
            BmcError: there is none.
        """
        if self._is_stopped:
            raise BmcError("bmc-unreachable", reason="stopped")
        deadline = time.monotonic() + self._timeout_s
        for _ in range(_MAX_REDIRECTS):
            status, body, location = self._exchange(path, deadline)
            if status not in {301, 302, 307, 308}:
                return _object(status, body, path)
            path = self._same_place(location)
        raise BmcError("bmc-redirect")

    def abort(self) -> None:
        """Break a request that is under way; its thread asks anew or gets a :class:`BmcError`."""
        reached = self._socket
        if reached is not None:
            with contextlib.suppress(OSError):
                # Not the TLS socket's own method, which takes its state away from under the other thread.
                socket.socket.shutdown(reached, socket.SHUT_RDWR)

    def stop(self) -> None:
        """Break a request that is under way, for good."""
        self._is_stopped = True
        self.abort()

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection, self._socket = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()

    def _exchange(self, path: str, deadline: float) -> tuple[int, bytes, str]:
        """Send and receive; a kept connection that the BMC has closed meanwhile is made anew once."""
        kept = self._connection is not None
        try:
            return self._once(path, deadline)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self.close()
            if not kept or self._is_stopped:
                raise BmcError("bmc-unreachable", reason="connection closed") from None
        except BmcError:
            self.close()
            raise
        except Exception as error:  # noqa: BLE001 - whatever a foreign server makes of it, no text of it is passed on
            self.close()
            raise self._failure(error) from None
        return self._exchange(path, deadline)

    def _once(self, path: str, deadline: float) -> tuple[int, bytes, str]:
        connection = self._connected(deadline)
        self._allow(deadline)
        connection.request("GET", path, headers=self._headers)
        response = connection.getresponse()
        declared = response.getheader("Content-Length", "")
        if declared.isdecimal() and (len(declared) > _MAX_LENGTH_DIGITS or int(declared) > MAX_BODY):
            raise BmcError("bmc-too-long", limit=str(MAX_BODY))
        body = bytearray()
        while True:
            self._allow(deadline)
            chunk = response.read1(_CHUNK)
            if not chunk:
                break
            body += chunk
            if len(body) > MAX_BODY:
                raise BmcError("bmc-too-long", limit=str(MAX_BODY))
        location = response.getheader("Location", "")
        response.close()
        if response.will_close:
            self.close()
        return response.status, bytes(body), location

    def _allow(self, deadline: float) -> None:
        """Give the next wait what is left of the time."""
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        if self._socket is not None:
            with contextlib.suppress(OSError):  # the BMC may have closed it after its last byte
                self._socket.settimeout(left_s)

    def _connected(self, deadline: float) -> http.client.HTTPConnection:
        """A connection whose certificate has been judged: no secret is sent before."""
        if self._connection is not None:
            return self._connection
        left_s = max(deadline - time.monotonic(), 0.001)
        if self._context is not None:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._host, self._port, timeout=left_s, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=left_s)
        self._connection = connection
        connection.connect()
        self._socket = connection.sock
        if self._access.fingerprint is not None and isinstance(connection.sock, ssl.SSLSocket):
            shown = hashlib.sha256(connection.sock.getpeercert(binary_form=True) or b"").hexdigest()
            if not hmac.compare_digest(shown, _bare(self._access.fingerprint)):
                raise BmcError("bmc-other-certificate", fingerprint=shown)
        return connection

    def _failure(self, error: Exception) -> BmcError:
        if isinstance(error, TimeoutError):
            return BmcError("bmc-late", seconds=f"{self._timeout_s:g}")
        if isinstance(error, ssl.SSLCertVerificationError):
            return BmcError("bmc-untrusted", reason=error.verify_message or "verification failed")
        if isinstance(error, ssl.SSLError):
            return BmcError("bmc-unreachable", reason=f"TLS: {error.reason or 'handshake failed'}")
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, socket.gaierror):
            return BmcError("bmc-unreachable", reason=os.strerror(error.errno))
        if isinstance(error, socket.gaierror):
            return BmcError("bmc-unreachable", reason="unknown host name")
        return BmcError("bmc-garbled", path="HTTP")

    def _same_place(self, location: str) -> str:
        """The path of a redirect to the same scheme, host and port."""
        try:
            parts = urlsplit(location)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise BmcError("bmc-redirect") from None
        elsewhere = parts.netloc and (parts.scheme, parts.hostname, port) != (self._scheme, self._host, self._port)
        if elsewhere or parts.username is not None:
            raise BmcError("bmc-redirect")
        return link_path(parts.path)


def link_path(value: object) -> str:
    """The path of an ``@odata.id``, which must lie on this BMC.

    >>> link_path("/redfish/v1/Chassis/1#/Status")
    '/redfish/v1/Chassis/1'

    Raises:
        BmcError: it is no path.
    """
    path = value.partition("#")[0] if isinstance(value, str) else ""
    if not _PATH.fullmatch(path):
        raise BmcError("bmc-garbled", path="@odata.id")
    return path


def _bare(fingerprint: str) -> str:
    """A fingerprint without what tools put between its digits.

    >>> _bare("SHA256:AB:cd ")
    'abcd'
    """
    return fingerprint.strip().lower().removeprefix("sha256:").removeprefix("sha-256:").replace(":", "")


def _object(status: int, body: bytes, path: str) -> Json:
    if status in {401, 403}:
        raise BmcError("bmc-denied", status=str(status))
    if status != http.HTTPStatus.OK:
        raise BmcError("bmc-status", status=str(status), path=path)
    try:
        value = json.loads(body, parse_float=Decimal, parse_constant=lambda _: None)
    except (ValueError, RecursionError, ArithmeticError):
        raise BmcError("bmc-garbled", path=path) from None
    if not isinstance(value, dict):
        raise BmcError("bmc-garbled", path=path)
    return value
