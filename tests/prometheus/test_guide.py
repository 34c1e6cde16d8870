"""Every command of docs/guides/prometheus.md, run as it stands there against a real server with the made-up month."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.prometheus.month import write_blocks

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SERVER = "http://prometheus:9090"
_LEFT_OUT = "…"
_DIGEST = re.compile(r"dcgm-[0-9a-f]{8}")

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that has the month."""
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        pytest.skip("prometheus is not installed (tools/setup_system.sh)")
    folder = tmp_path_factory.mktemp("month")
    write_blocks(folder / "data")
    (folder / "prometheus.yml").write_text("{}")
    words = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    words += ["--storage.tsdb.retention.time=10y", "--web.listen-address=127.0.0.1:0"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["prometheus", *words], stdout=log, stderr=subprocess.STDOUT)
    try:
        yield _ready(process)
    finally:
        process.terminate()
        process.wait(20)


def _ready(process: subprocess.Popen[bytes]) -> str:
    import psutil

    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None
        for connection in psutil.Process(process.pid).net_connections():
            url = f"http://127.0.0.1:{connection.laddr.port}"
            try:
                with urllib.request.urlopen(f"{url}/-/ready", timeout=5):
                    return url
            except OSError:
                pass
        time.sleep(0.2)
    raise AssertionError("the server did not become ready")


@pytest.mark.parametrize(("guide", "language"), [("prometheus.md", "en"), ("prometheus.ja.md", "ja")])
def test_the_guide_says_what_happens(guide: str, language: str, server: str, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "GXMETER_LANG": language}
    said: list[str] = []
    checked = 0
    for kind, body in _FENCE.findall((GUIDES / guide).read_text("utf-8")):
        if kind == "yaml":
            name = body.splitlines()[0].removeprefix("# ")
            (tmp_path / name).write_text(body)
        elif kind == "sh":
            command = ["bash", "-c", f"set -o pipefail\n{body.replace(_SERVER, server)}"]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode in {0, 3}, done.stderr
            said = [line.rstrip() for line in re.split(r"[\r\n]+", f"{done.stdout}\n{done.stderr}")]
        else:
            missing = [line for line in body.splitlines() if line != _LEFT_OUT and not _told(line, said)]
            assert missing == [], "\n".join(said)
            checked += 1
    assert checked >= 6


def _told(line: str, said: list[str]) -> bool:
    """Whether a line was printed, whatever the digest: the manifest names the server's port.

    A progress bar may stand before it on the same row of the terminal.
    """
    wanted = _DIGEST.sub("dcgm-0", line.rstrip())
    return any(_DIGEST.sub("dcgm-0", one).endswith(wanted) for one in said)
