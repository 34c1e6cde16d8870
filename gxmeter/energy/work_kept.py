"""The work of journals (phases, tokens, FLOP), kept as long as no journal changes: one entry for all of them together.

Phases that one journal tells are lent to others of its run, so there is no work of a journal on its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from gxmeter import __version__
from gxmeter.core.findings import finding
from gxmeter.energy.cache import Cache, DamagedEntryError, Key, opened, revision
from gxmeter.energy.engines import Notice
from gxmeter.energy.model import EnergyResult, Source
from gxmeter.energy.sources import bytes_of
from gxmeter.energy.stamps import stamp_of
from gxmeter.energy.tasks import WORTH_BYTES
from gxmeter.energy.units import at_hand
from gxmeter.telemetry.work import RunWork, work_of


@dataclass(frozen=True, slots=True)
class Journals:
    """Journals whose work is asked for; made before they are integrated, so that what changes meanwhile is noticed.

    Attributes:
        sources: the journals.
        run: run of journals that name none.
        cache: where results are kept; None: nowhere.
        stamps: of the journals, when this was made.
    """

    sources: tuple[Source, ...]
    run: str
    cache: Cache | None
    stamps: tuple[str, ...]

    def work(self, integrated: EnergyResult, notice: Notice) -> list[RunWork]:
        """The work of every run, from the cache or read.

        Args:
            integrated: the journals' energy, with the digests of what was read.
            notice: told of a damaged cache entry.

        Raises:
            InputError: a file is no journal.
            OSError: a file cannot be read.
        """
        key = self._key(integrated)
        try:
            kept = self.cache.fetch(key, list[RunWork]) if self.cache else None
        except DamagedEntryError as damage:
            kept = None
            notice(finding("cache-entry-damaged", file=str(damage)))
        if kept is not None:
            return kept
        with ExitStack() as fetched:
            made = work_of([fetched.enter_context(at_hand(source)).path for source in self.sources], run=self.run)
        if self.cache and self.stamps == _stamps(self.sources):
            self.cache.store(key, made)
        return made

    def _key(self, integrated: EnergyResult) -> Key:
        return {
            "question": "work",
            "sources": integrated.sources,
            "run": self.run,
            "gxmeter": __version__,
            "revision": revision(),
        }


def journals(sources: Sequence[Source], *, run: str, cache: Path | None) -> Journals:
    """Journals whose work is asked for; those that are small are not kept.

    Raises:
        OSError: a journal cannot be read.
    """
    large = any(bytes_of(source) >= WORTH_BYTES for source in sources)
    return Journals(tuple(sources), run, opened(cache) if cache and large else None, _stamps(sources))


def _stamps(sources: Sequence[Source]) -> tuple[str, ...]:
    return tuple(stamp_of(source) for source in sources)
