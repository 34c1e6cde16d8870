"""Running a command as a child: its own standard streams, signals passed on, its exit code handed back.

Signals are held for this process and taken one by one with ``sigtimedwait``, so no handler is replaced and
the sampling thread is never interrupted. What the terminal sends (Ctrl-C) reaches the child by itself, as it
is in the same foreground group; what somebody sends to this process alone is passed on.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from gxmeter.core.errors import InputError
from gxmeter.meter.session import Meter
from gxmeter.meter.totals import MeterResult

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
"""Signals that a child gets as if it ran without us."""

_HELD = (*FORWARDED, signal.SIGCHLD)
_SHELL_SIGNAL_BASE = 128
_TICK_S = 0.5


_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
"""Signals that every Python ignores for itself; a command that inherited that would miss the end of its pipes."""

_STEP_DAEMON = "slurmstepd"
"""Who signals every process of a SLURM step itself, this one and the child alike."""


class Note(Protocol):
    """Who is told of a finding."""

    def __call__(self, code: str, **params: str) -> None:
        """A message code and the values of its holes."""


def run_measured(
    command: Sequence[str], meter: Meter, tick: Callable[[], None] = lambda: None
) -> tuple[int, MeterResult]:
    """Run a command under a meter that has not been started; its exit code and what was measured.

    Args:
        command: program and arguments.
        meter: started here, and stopped when the command has ended.
        tick: called about twice a second while the command runs.

    Raises:
        InputError: ``command-missing`` or ``command-not-runnable``, before anything is written.
    """
    _check(command)
    with signals_held() as mask:
        meter.start()
        try:
            code = wait(spawn(command, mask, meter.handed_down), tick, meter.note)
        except InputError:
            meter.stop(reason="exception")
            raise
        return code, meter.stop()


def _check(command: Sequence[str]) -> None:
    if not command or not command[0]:
        raise InputError("command-missing")
    if shutil.which(command[0]) is None:
        raise InputError("command-not-runnable", found=command[0], reason=os.strerror(errno.ENOENT))


@contextmanager
def signals_held() -> Iterator[set[signal.Signals]]:
    """Hold the signals from before the first thread starts until the child is gone; yields the mask before."""
    before = {signal.Signals(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)}
    try:
        yield before
    finally:
        while signal.sigtimedwait(_HELD, 0) is not None:
            pass  # what arrived with the child's end was meant for it, not for the summary
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def spawn(command: Sequence[str], mask: set[signal.Signals], more: Mapping[str, str]) -> int:
    """Start the command with our streams, environment and folder; the process id.

    Args:
        command: program and arguments; no shell looks at them.
        mask: signals that were held before ours were, given to the child as its own.
        more: environment variables beside ours.

    Raises:
        InputError: ``command-not-runnable``.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # inherited as ignored, it would lose the exit code
    try:
        environ = {**os.environ, **more}
        return os.posix_spawnp(command[0], list(command), environ, setsigmask=mask, setsigdef=_IGNORED_BY_PYTHON)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError("command-not-runnable", found=command[0], reason=reason) from error


def wait(pid: int, tick: Callable[[], None], note: Note) -> int:
    """Wait for the child, passing signals on and calling ``tick`` every half second; its exit code.

    A child that a signal ended gives 128 + the signal's number, as shells do. ``note`` is told of the signals.
    """
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            if os.WIFSIGNALED(status):
                note("child-killed", signal=_name(os.WTERMSIG(status)))
            return shell_code(os.waitstatus_to_exitcode(status))
        taken = signal.sigtimedwait(_HELD, _TICK_S)
        if taken is None:
            tick()
        elif taken.si_signo in FORWARDED and taken.si_code <= 0 and not _has_it_too(taken.si_pid):
            note("signal-passed", signal=_name(taken.si_signo))
            _send(pid, taken.si_signo)


def shell_code(code: int) -> int:
    """A process's exit code as a shell tells it: a negative one (ended by a signal) becomes 128 + signal.

    >>> shell_code(3), shell_code(-15)
    (3, 143)
    """
    return code if code >= 0 else _SHELL_SIGNAL_BASE - code


def _name(number: int) -> str:
    """A signal's name, or its number where it has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _has_it_too(sender: int) -> bool:
    """Whether the child got the signal from the sender itself: SLURM's step daemon sends it to the whole step."""
    try:
        return Path(f"/proc/{sender}/comm").read_text("utf-8", "replace").strip() == _STEP_DAEMON
    except OSError:
        return False


def _send(pid: int, number: int) -> None:
    """``si_code`` was 0 or less: a process sent it to us; a positive one is the kernel's, for the whole group."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
