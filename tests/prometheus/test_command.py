"""``gxmeter pull prometheus`` as it is typed: faults of the command line, the token, what is said at the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gxmeter.cli.app import app
from gxmeter.telemetry.pull.client import is_unencrypted
from tests.prometheus.test_client import matrix, send, serving

TIMES = ("--start", "2026-04-01", "--end", "2026-04-01T09:00:00+09:00")
AT = 1_774_970_000


def typed(*words: object, language: str = "en", **environment: str) -> tuple[int, str, str]:
    done = CliRunner(env={"GXMETER_LANG": language} | environment).invoke(app, ["pull", "prometheus", *map(str, words)])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("http://h:1", "--start", "yesterday", "--end", "noon"), "pull-time"),
        (("http://h:1", *TIMES, "--step", "0"), "pull-step"),
        (("http://h:1", *TIMES, "--step", "soon"), "number-not-plain"),
        (("http://h:1", *TIMES, "--step", "7200", "--chunk", "1"), "pull-step"),
        (("http://h:1", *TIMES, "--chunk", "0.0001"), "pull-step"),
        (("http://h:1", "--start", "2026-04-02", "--end", "2026-04-01"), "pull-window"),
        (("http://h:1", *TIMES, "--token-file", "nowhere"), "pull-token"),
        (("http://h:1", *TIMES, "--token-env", "NOT_SET"), "pull-token"),
        (("http://h:1", *TIMES, "--token-env", "TWO_LINES"), "pull-token"),
    ],
)
def test_a_fault_of_the_command_line_is_a_sentence(words: tuple[str, ...], code: str, tmp_path: Path) -> None:
    status, _, told = typed(*words, "-o", tmp_path / "out", TWO_LINES="one\ntwo")
    assert status == 2
    assert code in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("language", "wanted"), [("en", "2 samples in"), ("ja", "値 2 個")])
def test_what_was_fetched_is_said_with_the_next_step(language: str, wanted: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    with serving(lambda h: send(h, matrix((AT, "1")))) as url:
        words = (url, *TIMES, "--chunk", "6", "-o", tmp_path / "out", "--token-file", tmp_path / "token")
        status, out, told = typed(*words, language=language)
        again = typed(*words, "--json")
    assert (status, out) == (0, "")
    assert wanted in told
    assert "gxmeter energy" in told
    document = json.loads(again[1])
    assert (document["fetched"], document["kept"], document["samples"]) == (0, 2, 2)
    assert not [path for path in (tmp_path / "out").iterdir() if b"secret" in path.read_bytes()]


def test_nothing_to_fetch_is_said(tmp_path: Path) -> None:
    empty = b'{"status":"success","data":{"resultType":"matrix","result":[]}}'
    with serving(lambda h: send(h, empty)) as url:
        status, _, told = typed(url, *TIMES, "-o", tmp_path / "out")
    assert status == 3
    assert "pull-nothing" in told


@pytest.mark.parametrize(
    ("url", "readable"),
    [("http://prometheus:9090", True), ("https://prometheus", False), ("http://127.0.0.1:9090", False)],
)
def test_a_token_sent_in_the_open_is_noticed(url: str, readable: bool) -> None:
    assert is_unencrypted(url) == readable
