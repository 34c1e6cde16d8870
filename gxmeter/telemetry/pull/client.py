"""One server asked over HTTP, with as little trust as can be.

Only the server whose URL was named is asked: redirects to another one, and proxies that the environment names, are not
followed, since a token would travel along. TLS is verified. An answer has a size and a time that it may take; whatever
the server sends becomes bytes of a file or one sentence, never a name, a path or a traceback.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, urlencode, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
)

from gxmeter.core.errors import InputError

MAX_ANSWER = 4 << 30
"""Longest answer that is taken, unpacked [bytes]."""
MAX_MESSAGE = 1 << 16
"""Longest error message that is looked at [bytes]."""
TRIES = 3

_BLOCK = 1 << 16
_GZIP = 31
_DEADLINE = 20
_TOO_MUCH = ("too many samples", "exceeded maximum resolution", "timed out", "too many points", "limit")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_GONE = frozenset({429, 500, 502, 503, 504})
_NOT_LET_IN = frozenset({401, 403})


class TooMuchError(Exception):
    """The server cannot, or will not, answer so much at once: ask for less."""


class _BrokenOffError(Exception):
    """An answer that ended before it was whole."""


def base_url(text: str) -> str:
    """The address of a server without a slash at its end.

    Raises:
        InputError: ``pull-url``: no http(s) address; ``pull-url-secret``: it holds a user or a password.
    """
    try:
        parts = urlsplit(text)
        named = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise InputError("pull-url", found=text) from None
    if "@" in parts.netloc:
        raise InputError("pull-url-secret", found=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
    if not named or parts.query or parts.fragment or not text.isprintable() or " " in text:
        raise InputError("pull-url", found=text)
    return text.rstrip("/")


def is_unencrypted(url: str) -> bool:
    """Whether what is sent there can be read on the way."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in _LOOPBACK


@dataclass(frozen=True, slots=True)
class Client:
    """A server.

    Attributes:
        url: its address, as :func:`base_url` gives it.
        token: sent as bearer token; empty: none.
        ca: certificates that are trusted in place of the system's.
        timeout_s: how long it may keep silent [s]; a whole answer may take twenty times that.
        sleep: waits between tries [s].
    """

    url: str
    token: str = field(default="", repr=False)
    ca: Path | None = None
    timeout_s: int = 60
    sleep: Callable[[float], None] = time.sleep

    def fetch(self, path: str, query: Mapping[str, str], out: IO[bytes], *, limit: int = MAX_ANSWER) -> int:
        """Write an answer to a file that can be sought; gives its size [bytes].

        Raises:
            InputError: ``pull-unreachable``, ``pull-refused``, ``pull-not-let-in``, ``pull-redirected``,
                ``pull-untrusted``.
            TooMuchError: the server says so, or the answer is longer than ``limit``.
        """
        opener = _opener(self._context())
        for left in range(TRIES - 1, -1, -1):
            out.seek(0)
            out.truncate()
            try:
                return self._once(opener, self._request(path, query), out, limit)
            except HTTPError as error:
                with error:
                    self._refused(error, may_try_again=left > 0)
            except URLError as error:
                if isinstance(error.reason, ssl.SSLCertVerificationError):
                    raise InputError("pull-untrusted", found=self.url, reason=_line(error.reason)) from None
                self._unreachable(error.reason, may_try_again=left > 0)
            except (OSError, http.client.HTTPException, ValueError, zlib.error, _BrokenOffError) as error:
                self._unreachable(error, may_try_again=left > 0)
            self.sleep(2 ** (TRIES - 1 - left))
        raise AssertionError

    def _once(self, opener: OpenerDirector, request: Request, out: IO[bytes], limit: int) -> int:
        size = 0
        with opener.open(request, timeout=self.timeout_s) as response:
            for block in self._unpacked(response):
                size += len(block)
                if size > limit:
                    raise TooMuchError
                out.write(block)
        return size

    def _unpacked(self, response: Any) -> Iterator[bytes]:  # noqa: ANN401 - what an opener gives has no type of its own
        """The blocks of an answer, none much longer than asked for, however densely they are packed.

        Raises:
            _BrokenOffError: the answer breaks off, or takes too long.
        """
        until_s = time.monotonic() + _DEADLINE * self.timeout_s
        packing = response.headers.get("Content-Encoding", "identity").strip().lower()
        unpacker = zlib.decompressobj(_GZIP) if packing == "gzip" else None
        while block := response.read(_BLOCK):
            if time.monotonic() > until_s:
                raise _BrokenOffError("answer takes too long")
            while block:
                yield unpacker.decompress(block, _BLOCK) if unpacker else block
                block = unpacker.unconsumed_tail if unpacker else b""
        if response.length or (unpacker and not unpacker.eof):
            raise _BrokenOffError("answer breaks off")

    def _request(self, path: str, query: Mapping[str, str]) -> Request:
        request = Request(f"{self.url}{path}?{urlencode(query)}" if query else f"{self.url}{path}")  # noqa: S310 - base_url
        request.add_header("Accept-Encoding", "gzip")
        request.add_header("User-Agent", "gxmeter")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        return request

    def _context(self) -> ssl.SSLContext | None:
        if not self.url.startswith("https:"):
            return None
        try:
            return ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        except (OSError, ssl.SSLError) as error:
            raise InputError("pull-certificates", file=str(self.ca), reason=_line(error)) from None

    def _refused(self, error: HTTPError, *, may_try_again: bool) -> None:
        """An answer with another status than 200.

        Raises:
            InputError: it stays so.
            TooMuchError: it asks for less.
        """
        said = _message(error)
        if error.code in _NOT_LET_IN:
            raise InputError("pull-not-let-in", found=self.url, status=error.code)
        if error.code == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE or (
            error.code in {400, 422, 503} and any(words in said.lower() for words in _TOO_MUCH)
        ):
            raise TooMuchError(said)
        if error.code not in _GONE or not may_try_again:
            raise InputError("pull-refused", found=self.url, status=error.code, reason=said or "-") from None

    def _unreachable(self, reason: object, *, may_try_again: bool) -> None:
        if not may_try_again:
            raise InputError("pull-unreachable", found=self.url, reason=_line(reason)) from None


class _SameServer(HTTPRedirectHandler):
    """Follows a redirect within the server that was named, and no other."""

    def redirect_request(  # noqa: PLR0917 - the form of the standard library
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> Request | None:
        there, here = urlsplit(newurl), urlsplit(req.full_url)
        if _origin(there) != _origin(here):
            raise InputError("pull-redirected", found=f"{there.scheme}://{there.hostname or '-'}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port


def _opener(context: ssl.SSLContext | None) -> OpenerDirector:
    """What opens http and https only; no proxies, no files."""
    opener = OpenerDirector()
    for handler in (HTTPHandler(), _SameServer(), HTTPDefaultErrorHandler(), HTTPErrorProcessor()):
        opener.add_handler(handler)
    opener.add_handler(HTTPSHandler(context=context))
    return opener


def _message(error: HTTPError) -> str:
    """What the server says is wrong: Prometheus's own error, else the first line."""
    try:
        sent = error.read(MAX_MESSAGE)
        if error.headers.get("Content-Encoding", "").strip().lower() == "gzip":
            sent = zlib.decompressobj(_GZIP).decompress(sent, MAX_MESSAGE)
        said = sent.decode("utf-8", "replace")
    except (OSError, http.client.HTTPException, ValueError, zlib.error):
        return ""
    try:
        document = json.loads(said)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict) and isinstance(document.get("error"), str):
        said = document["error"]
    return _line(said)


def _line(reason: object) -> str:
    said = reason.strerror if isinstance(reason, OSError) and reason.strerror else reason
    return (str(said).strip().splitlines() or [type(reason).__name__])[0]
