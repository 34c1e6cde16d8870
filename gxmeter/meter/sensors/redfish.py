"""The whole node's power as its management controller (BMC) measures it, over Redfish.

It is the only sensor that touches a network, and only the address that the user names. A BMC may take seconds for
an answer, so it is asked in a thread of its own, about once a second at uneven times, and a reading only takes what
has been answered. Basic authentication or a token is sent with each request; no session is made, so none is left
behind. Environment variables, for ``RedfishSensor.from_environment``::

    GXMETER_BMC_URL          https://bmc.example       GXMETER_BMC_CA           file of its certificate, or
    GXMETER_BMC_USER         and                       GXMETER_BMC_FINGERPRINT  SHA-256 of its certificate
    GXMETER_BMC_PASSWORD     or GXMETER_BMC_TOKEN      GXMETER_BMC_CHASSIS      Id, where several have power

The BMC's energy meter is preferred where it can be seen to be fine enough: its last decimal is worth 10 J or less,
and it moved between three looks a second apart. Otherwise its power is polled.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gxmeter.meter.sensors.base import NODE, Fault, Opened, Part, Sample, fault
from gxmeter.meter.sensors.redfish_client import TIMEOUT_S, Access, BmcError, Client
from gxmeter.meter.sensors.redfish_meter import STALE_NS, EnergyMeter, PowerMeter
from gxmeter.meter.sensors.redfish_walk import ENERGY, POWER, RATED_CEILING_MW, STEP_MJ, Answer, Node, find_node

ASK_S = 1.0
"""Mean time between the beginnings of two requests [s]."""

OPEN_S = 30
"""The walk to the node's power ends by then [s]: a BMC with dozens of chassis answers that slowly."""

_UNEVEN = (0.7, 1.3)
_LEAST_PAUSE = 0.2
_LOOKS = 2
_JOIN_S = 0.2


@dataclass
class _Inbox:
    """What the asking thread has found, shared with the meter's thread; ``lock`` guards all of it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    opened: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    node: Node | None = None
    meter: PowerMeter | EnergyMeter | None = None
    newest_ns: int = 0
    trouble: Fault | None = None
    spoilt: Fault | None = None
    client: Client | None = None


class RedfishSensor:
    """A node by its BMC.

    Args:
        url: ``https://host[:port]``, without a user in it.
        user: user name, with ``password``.
        password: password.
        token: a token in place of both.
        ca: file of the certificates that are believed.
        fingerprint: SHA-256 of the BMC's certificate in hex.
        chassis: ``Id`` of the chassis whose power is the node's; None where there is only one.
        timeout_s: the longest that a request may take [s].
        open_s: the longest that ``open`` may take [s].
        ask_s: mean time between the beginnings of two requests [s].
        clock: monotonic time [ns].
    """

    name = "redfish"
    methods = {POWER: "B", ENERGY: "B"}  # noqa: RUF012 - a constant of the protocol
    quick = False
    poll_s: float | None = None

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        token: str | None = None,
        ca: str | None = None,
        fingerprint: str | None = None,
        chassis: str | None = None,
        timeout_s: float = TIMEOUT_S,
        open_s: float = OPEN_S,
        ask_s: float = ASK_S,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Nothing is sent yet."""
        self._access = Access(url, user, password, token, ca, fingerprint)
        self._chassis, self._clock = chassis, clock
        self._timeout_s, self._open_s, self._ask_s = timeout_s, open_s, ask_s
        self._random = random.Random()  # noqa: S311 - spreads requests in time; the global state is the training's
        self._inbox = _Inbox()
        self._thread: threading.Thread | None = None
        self._parts: tuple[Part, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> RedfishSensor | None:
        """The sensor that ``GXMETER_BMC_*`` describe, None where they name no BMC."""

        def setting(name: str) -> str | None:
            return environment.get(f"GXMETER_BMC_{name}") or None

        url = setting("URL")
        if url is None:
            return None
        return cls(
            url,
            user=setting("USER"),
            password=setting("PASSWORD"),
            token=setting("TOKEN"),
            ca=setting("CA"),
            fingerprint=setting("FINGERPRINT"),
            chassis=setting("CHASSIS"),
        )

    def open(self, taken: frozenset[str] = frozenset()) -> Opened:  # noqa: ARG002 - a node is read for comparison too
        """Find the node's power; waits for the BMC, at most ``open_s``."""
        self.close()
        inbox = self._inbox = _Inbox()
        self._parts = ()
        self._thread = threading.Thread(target=self._ask, args=(inbox,), name="gxmeter-bmc", daemon=True)
        self._thread.start()
        in_time = inbox.opened.wait(self._open_s)
        with inbox.lock:
            node, meter, trouble = inbox.node, inbox.meter, inbox.trouble
        if node is None or meter is None:
            self.close()
            late = fault("bmc-late", seconds=f"{self._open_s:g}")
            return Opened("Redfish", faults=(trouble if in_time and trouble is not None else late,))
        is_metered = isinstance(meter, EnergyMeter)
        part = Part(
            label="node",
            kind="node",
            name=node.name,
            method=ENERGY if is_metered else POWER,
            uuid=node.serial,
            rated_mw=node.rated_mw,
            counter_unit="mJ" if is_metered else None,
            boundary=NODE,
            covers=("*",),
        )
        self._parts = (part,)
        plain = (fault("bmc-plain"),) if self._access.is_readable_on_the_way else ()
        return Opened(f"Redfish {node.version}", self._parts, plain)

    def start(self) -> None:
        """Count from now."""
        inbox = self._inbox
        with inbox.lock:
            if inbox.meter is not None:
                inbox.meter.start(self._clock())
                inbox.spoilt = inbox.trouble

    def poll(self) -> None:
        """Nothing: the thread asks by itself."""

    def read(self, elapsed_ns: int) -> list[Sample]:  # noqa: ARG002 - counted by the answers' own times
        """The node's energy up to now, the newest answer held; a fault where an answer failed or is too old."""
        inbox = self._inbox
        with inbox.lock:
            if inbox.meter is None or not self._parts:
                return []
            now_ns = self._clock()
            age_ns = now_ns - inbox.newest_ns
            energy_uj, counter, wrong = inbox.meter.take(now_ns)
            silent = fault("bmc-silent", seconds=str(age_ns // 1_000_000_000)) if age_ns > STALE_NS else None
            spoilt, inbox.spoilt = inbox.spoilt or silent, inbox.trouble or silent
            if silent is not None:
                inbox.meter.lose(now_ns)
            client = inbox.client
        if silent is not None and client is not None:
            client.abort()
        wrong = spoilt or wrong
        return [Sample(energy_uj if wrong is None else None, self._parts[0].method, counter, wrong)]

    def close(self) -> None:
        """Stop asking; a request that is under way is broken off and not waited for."""
        inbox, thread, self._thread = self._inbox, self._thread, None
        inbox.closed.set()
        with inbox.lock:
            client = inbox.client
        if client is not None:
            client.stop()
        if thread is not None:
            thread.join(_JOIN_S)

    def _ask(self, inbox: _Inbox) -> None:
        """The thread: find the node, then ask it until closed."""
        try:
            client = Client(self._access, self._timeout_s)
        except BmcError as error:
            with inbox.lock:
                inbox.trouble = error.fault
            inbox.opened.set()
            return
        with inbox.lock:
            inbox.client = client
        try:
            self._find(inbox, client)
            inbox.opened.set()
            took_s = 0.0
            while inbox.node is not None and not inbox.closed.wait(self._pause_s(took_s)):
                began_ns = self._clock()
                self._look(inbox, inbox.node)
                took_s = (self._clock() - began_ns) / 1e9
        except Exception as error:  # noqa: BLE001 - the training must not feel a fault of this thread
            with inbox.lock:
                inbox.trouble = inbox.spoilt = fault("bmc-stopped", reason=type(error).__name__)
        finally:
            inbox.opened.set()
            with contextlib.suppress(Exception):
                client.close()

    def _pause_s(self, took_s: float) -> float:
        """Until the next request [s]; less what the last one took."""
        return max(_LEAST_PAUSE * self._ask_s, self._ask_s * self._random.uniform(*_UNEVEN) - took_s)

    def _find(self, inbox: _Inbox, client: Client) -> None:
        try:
            node = find_node(client, self._chassis)
            answers = [(self._clock(), node.ask())]
            while len(answers) <= _LOOKS and _moves(answers) and not inbox.closed.wait(self._ask_s):
                answers.append((self._clock(), node.ask()))
        except BmcError as error:
            with inbox.lock:
                inbox.trouble = error.fault
            return
        rated_mw = node.rated_mw or RATED_CEILING_MW
        is_metered = _is_fine(answers)
        meter = EnergyMeter(rated_mw) if is_metered else PowerMeter(rated_mw)
        wrong = None
        for at_ns, answer in answers if is_metered else answers[-1:]:
            wrong = meter.add(at_ns, answer)
        with inbox.lock:
            inbox.node, inbox.meter, inbox.newest_ns, inbox.trouble = node, meter, self._clock(), wrong

    def _look(self, inbox: _Inbox, node: Node) -> None:
        """One request, booked as a power or as a fault."""
        wrong: Fault | None = None
        answer = Answer(None)
        try:
            answer = node.ask()
        except BmcError as error:
            wrong = error.fault
        with inbox.lock:
            now_ns = self._clock()
            if inbox.meter is None or inbox.closed.is_set():
                return
            wrong = wrong or inbox.meter.add(now_ns, answer)
            inbox.trouble, inbox.spoilt = wrong, inbox.spoilt or wrong
            inbox.newest_ns = now_ns
            if wrong is not None:
                inbox.meter.lose(now_ns)


def _moves(answers: list[tuple[int, Answer]]) -> bool:
    """Whether there is an energy meter and it moved at every look."""
    counts = [answer.energy_mj for _, answer in answers if answer.energy_mj is not None]
    return len(counts) == len(answers) and all(later > earlier for earlier, later in itertools.pairwise(counts))


def _is_fine(answers: list[tuple[int, Answer]]) -> bool:
    """Whether the energy meter moved at every look, and its last decimal is worth little enough.

    The finest of the looks decides, since a BMC does not write a decimal that is zero.
    """
    steps_mj = [answer.step_mj for _, answer in answers if answer.step_mj is not None]
    return len(answers) > _LOOKS and _moves(answers) and min(steps_mj, default=STEP_MJ + 1) <= STEP_MJ
