"""Forks and the meter's imports: neither waits for the other for ever."""

from __future__ import annotations

import os
import threading
import time

from gxmeter.meter import loading


def test_a_fork_waits_for_an_import_and_only_once_for_one_that_hangs() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        with loading.loading():
            begun.set()
            go_on.wait(60)

    thread = threading.Thread(target=hang)
    thread.start()
    assert begun.wait(20)
    times = [_fork_s() for _ in range(3)]
    go_on.set()
    thread.join()
    assert loading.WAIT_S * 0.9 < times[0] < loading.WAIT_S + 5
    assert max(times[1:]) < loading.WAIT_S / 2
    assert _fork_s() < loading.WAIT_S / 2
    thread = threading.Thread(target=_load, args=(0.5,))
    thread.start()
    time.sleep(0.1)
    assert 0.1 < _fork_s() < loading.WAIT_S


def _load(seconds: float) -> None:
    with loading.loading():
        time.sleep(seconds)


def _fork_s() -> float:
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return time.monotonic() - began
