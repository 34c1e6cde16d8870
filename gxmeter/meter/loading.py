"""Imports beside the training, and forks that wait for them.

A module that one thread is importing is locked. A process forked in that moment keeps the lock, held by a thread that
it does not have: whatever imports that module in the child waits for ever. So the meter's threads import under one
lock, and a fork waits for it, at most :data:`WAIT_S`; that is once, while the meter starts.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

WAIT_S = 3.0
"""Longest time that a fork waits [s]. A driver that hangs while it is opened must not hang the training."""


class _Gate:
    """One lock for all imports of the meter in this process; in a forked child a new one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.forking = threading.local()
        self.in_vain = False

    def before(self) -> None:
        """A thread is about to fork. Where one has waited in vain the next do not, until the lock is free again."""
        self.forking.held = self.lock.acquire(timeout=0 if self.in_vain else WAIT_S)
        self.in_vain = not self.forking.held

    def after(self) -> None:
        """It has forked, and this is still the parent."""
        if getattr(self.forking, "held", False):
            self.forking.held = False
            self.lock.release()

    def in_child(self) -> None:
        """It has forked, and this is the child."""
        self.lock, self.forking, self.in_vain = threading.Lock(), threading.local(), False


_gate = _Gate()

# Called in the reverse order of registration. logging takes its own lock before a fork, and what is being imported may
# wait for that; so logging must have registered before, and the fork waits here first.
_AFTER = logging
os.register_at_fork(before=_gate.before, after_in_parent=_gate.after, after_in_child=_gate.in_child)


@contextmanager
def loading() -> Iterator[None]:
    """Import in here, in a thread of the meter."""
    with _gate.lock:
        yield
