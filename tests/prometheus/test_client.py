"""A server that answers badly, says too much, or points elsewhere: one sentence, and nothing half-written."""

from __future__ import annotations

import gzip
import io
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gxmeter.core.errors import InputError
from gxmeter.telemetry.pull.client import Client, TooMuchError, base_url
from gxmeter.telemetry.pull.prometheus import Wish, pull
from gxmeter.telemetry.pull.windows import Window

Answer = Callable[[BaseHTTPRequestHandler], None]

HOUR_MS = 3_600_000
NOW_MS = 1_775_001_600_000
WISH = Wish(Window(NOW_MS - 8 * HOUR_MS, NOW_MS))


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in ({"Content-Length": str(len(body))} | told).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def serving(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http{'s' if context else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def client(url: str, **options: Any) -> Client:
    return Client(url, timeout_s=2, sleep=lambda _: None, **options)


def matrix(*samples: tuple[int, str], **labels: str) -> bytes:
    told = {"__name__": "DCGM_FI_DEV_POWER_USAGE", "UUID": "GPU-1"} | labels
    result = [{"metric": told, "values": list(samples)}]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()


def refused(url: str, folder: Path, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        pull(client(url, **options), WISH, folder, now_ms=NOW_MS)
    assert not list(folder.glob("*.gz"))
    assert not list(folder.glob(".pull-*"))
    return caught.value


def test_a_redirect_to_another_server_is_refused_and_sees_no_token(tmp_path: Path) -> None:
    seen: list[str] = []
    with serving(lambda h: (seen.append(h.path), send(h, b"{}"))[1]) as other:
        answer: Answer = lambda h: send(h, b"", 302, Location=other.replace("127.0.0.1", "localhost") + "/x")  # noqa: E731
        with serving(answer) as url:
            assert refused(url, tmp_path, token="secret").code == "pull-redirected"
    assert seen == []


def test_a_redirect_within_the_server_is_followed(tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path.startswith("/prom/"):
            send(handler, matrix((NOW_MS // 1000 - 60, "1")))
        else:
            send(handler, b"", 307, Location="/prom" + handler.path)

    with serving(answer) as url:
        assert pull(client(url), WISH, tmp_path, now_ms=NOW_MS).fetched


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda h: send(h, b"<html>a page</html>"), "prometheus-not-an-answer"),
        (lambda h: send(h, b""), "prometheus-not-an-answer"),
        (lambda h: send(h, matrix((1, "1"))[:-9]), "prometheus-broken"),
        (lambda h: send(h, matrix((1, "1")) * 2), "pull-answer"),
        (lambda h: send(h, b'{"status":"error","error":"no"}'), "prometheus-error"),
        (lambda h: send(h, b'{"data":{"resultType":"vector","result":[]}}'), "prometheus-not-matrix"),
        (lambda h: send(h, matrix((1, "1"))[:-9], Content_Length="999"), "pull-unreachable"),
        (lambda h: send(h, b"no gzip", Content_Encoding="gzip"), "pull-unreachable"),
        (lambda h: send(h, gzip.compress(matrix((1, "1")))[:-4], Content_Encoding="gzip"), "pull-unreachable"),
        (lambda h: h.wfile.write(b"\x00\xff no http\r\n\r\n"), "pull-unreachable"),
        (lambda h: h.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 99_999 + b"\r\n\r\n"), "pull-unreachable"),
        (lambda h: h.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "pull-unreachable"),
        (lambda h: send(h, b"x", 301, Location="file:///etc/passwd"), "pull-refused"),
        (lambda h: send(h, b"x", 301, Location="/again"), "pull-refused"),
        (lambda h: send(h, b"", 401), "pull-not-let-in"),
        (lambda h: send(h, b"\x1b[31mred\nlines", 500), "pull-refused"),
        (lambda h: send(h, b"[" * 99_999, 404), "pull-refused"),
    ],
)
def test_an_answer_that_is_none_is_a_sentence(answer: Answer, code: str, tmp_path: Path) -> None:
    with serving(answer) as url:
        error = refused(url, tmp_path)
    assert error.code == code
    assert error.findings[0].en.isprintable()


def test_a_server_that_recovers_is_asked_again(tmp_path: Path) -> None:
    calls: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        calls.append(handler.path)
        if len(calls) % 2:
            send(handler, b"", 503)
        else:
            send(handler, matrix((NOW_MS // 1000 - 60, "1")))

    with serving(answer) as url:
        assert len(pull(client(url), WISH, tmp_path, now_ms=NOW_MS).fetched) == len(calls) // 2 - 1


def test_a_window_that_is_too_much_is_asked_for_in_halves(tmp_path: Path) -> None:
    """As Prometheus answers when a query loads more samples than it may."""
    asked: list[int] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(handler.path).query)
        if "query" not in query:
            send(handler, b"not here", 404)
            return
        length_ms = int(query["query"][0].rpartition("[")[2].removesuffix("ms]"))
        if length_ms > HOUR_MS:
            said = "query processing would load too many samples into memory in query execution"
            send(handler, json.dumps({"status": "error", "error": said}).encode(), 422)
            return
        asked.append(length_ms)
        send(handler, gzip.compress(matrix((int(query["time"][0].partition(".")[0]), "1"))), Content_Encoding="gzip")

    with serving(answer) as url:
        done = pull(client(url), WISH, tmp_path, now_ms=NOW_MS)
    assert sum(asked) == WISH.window.length_ms
    assert [part.from_ms for part in done.manifest.parts[1:]] == [part.to_ms for part in done.manifest.parts[:-1]]
    assert done.manifest.server == ""


def test_an_answer_has_a_greatest_length_however_densely_it_is_packed() -> None:
    bomb = gzip.compress(b" " * (32 << 20))
    with serving(lambda h: send(h, bomb, Content_Encoding="gzip")) as url, pytest.raises(TooMuchError):
        client(url).fetch("/x", {}, io.BytesIO(), limit=1 << 20)


def test_a_server_that_never_answers_enough_is_given_up(tmp_path: Path) -> None:
    with serving(lambda h: send(h, b'{"error":"too many samples"}', 422 if "query" in h.path else 404)) as url:
        assert refused(url, tmp_path).code == "pull-too-much"


def test_a_folder_of_something_else_is_never_written_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with serving(lambda h: send(h, matrix((1, "1")))) as url:
        assert refused(url, tmp_path).code == "pull-folder"
        folder = tmp_path / "new"
        pull(client(url), WISH, folder, now_ms=NOW_MS)
        for wish in (Wish(WISH.window, ("up",)), Wish(WISH.window, step_ms=15_000)):
            with pytest.raises(InputError) as caught:
                pull(client(url), wish, folder, now_ms=NOW_MS)
            assert caught.value.code == "pull-folder-other"


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"format":"gxmeter-pull","version":1}', "\xff", '{"format":"gxmeter-pull","version":9}']
)
def test_a_manifest_that_is_none_is_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(text.encode("latin-1"))
    with serving(lambda h: send(h, matrix((1, "1")))) as url:
        assert refused(url, tmp_path).code == "pull-folder"


def test_a_manifest_leads_to_no_file_outside_its_folder(tmp_path: Path) -> None:
    with serving(lambda h: send(h, matrix((1, "1")))) as url:
        pull(client(url), WISH, tmp_path / "new", now_ms=NOW_MS)
        path = tmp_path / "new" / "manifest.json"
        document = json.loads(path.read_text())
        document["parts"][0]["file"] = "../../etc/passwd"
        path.write_text(json.dumps(document))
        with pytest.raises(InputError) as caught:
            pull(client(url), WISH, tmp_path / "new", now_ms=NOW_MS)
    assert caught.value.code == "pull-folder"


def test_the_token_is_sent_and_stands_nowhere(tmp_path: Path) -> None:
    seen: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers.get("Authorization"))
        send(handler, matrix((NOW_MS // 1000 - 60, "1")))

    with serving(answer) as url:
        named = client(url, token="secret-token")
        pull(named, WISH, tmp_path, now_ms=NOW_MS)
    assert set(seen) == {"Bearer secret-token"}
    assert "secret" not in repr(named)
    assert not [path for path in tmp_path.iterdir() if b"secret" in path.read_bytes()]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("prometheus:9090", "pull-url"),
        ("file:///etc/passwd", "pull-url"),
        ("http://", "pull-url"),
        ("http://a:b", "pull-url"),
        ("http://[::1", "pull-url"),
        ("http://a/?query=1", "pull-url"),
        ("http://a/\nX: y", "pull-url"),
        ("http://user:pa55@a/", "pull-url-secret"),
    ],
)
def test_an_address_that_cannot_be_is_refused(text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        base_url(text)
    assert caught.value.code == code
    assert "pa55" not in caught.value.findings[0].en


def test_the_time_must_lie_in_the_past(tmp_path: Path) -> None:
    for window in (Window(NOW_MS, NOW_MS), Window(NOW_MS - 1, NOW_MS + 1)):
        with pytest.raises(InputError) as caught:
            pull(client("http://127.0.0.1:9"), Wish(window), tmp_path, now_ms=NOW_MS)
        assert caught.value.code == "pull-window"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that signed itself, with its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


def test_a_certificate_is_verified(certificate: Path, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(lambda h: send(h, matrix((NOW_MS // 1000 - 60, "1"))), context) as url:
        assert refused(url, tmp_path / "no").code == "pull-untrusted"
        assert refused(url, tmp_path / "no", ca=tmp_path / "none.pem").code == "pull-certificates"
        assert pull(client(url, ca=certificate), WISH, tmp_path / "yes", now_ms=NOW_MS).fetched


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving(lambda h: send(h, matrix((NOW_MS // 1000 - 60, "1")))) as url:
        assert pull(client(url), WISH, tmp_path, now_ms=NOW_MS).fetched
