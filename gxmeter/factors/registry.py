"""The registry: every entry by id, as one frozen value with one JSON form and one digest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from gxmeter.core.canonical import canonical_json
from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_bytes
from gxmeter.core.findings import Finding, finding
from gxmeter.factors.faults import Origin, model_faults
from gxmeter.factors.model import FactorEntry, entry_json

REGISTRY_SCHEMA = "gxmeter-registry/1"


@dataclass(frozen=True)
class Registry:
    """All factor entries that resolution may look at.

    Attributes:
        entries: sorted by id, no id twice.
    """

    entries: tuple[FactorEntry, ...]

    @classmethod
    def of(cls, entries: Iterable[FactorEntry]) -> Registry:
        """A registry of entries in any order; the ids must differ."""
        return cls(tuple(sorted(entries, key=lambda entry: entry.id)))

    def by_id(self, entry_id: str) -> FactorEntry | None:
        """The entry of that id, or None."""
        return self._by_id.get(entry_id)

    def electricity(self, country: str, supplier: str) -> tuple[FactorEntry, ...]:
        """The electricity entries of a supplier number, or of the kind ``national-average`` or ``substitute``."""
        return self._electricity.get((country, supplier), ())

    def to_json(self) -> dict[str, Any]:
        """The document of ``registry.json``."""
        return {"schema": REGISTRY_SCHEMA, "entries": [entry_json(entry) for entry in self.entries]}

    def to_bytes(self) -> bytes:
        """The canonical JSON bytes (RFC 8785) of :meth:`to_json`."""
        return canonical_json(self.to_json())

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of :meth:`to_bytes`, lower-case hex."""
        return sha256_bytes(self.to_bytes())

    @classmethod
    def from_json(cls, document: object, *, file: str = "registry.json") -> Registry:
        """Read the document of a ``registry.json``, in the order of ids.

        Raises:
            InputError: every fault of the document at once.
        """
        if not isinstance(document, dict) or document.get("schema") != REGISTRY_SCHEMA:
            found = document.get("schema", "-") if isinstance(document, dict) else type(document).__name__
            raise InputError("factors-schema-unknown", file=file, expected=REGISTRY_SCHEMA, found=found)
        items = document.get("entries")
        if not isinstance(items, list) or set(document) != {"schema", "entries"}:
            raise InputError("factors-shape-wrong", file=file, key="entries", expected="schema, entries")
        entries, findings = _entries(items, file)
        if findings:
            raise InputError.from_findings(findings)
        return cls(tuple(entries))

    @cached_property
    def _by_id(self) -> dict[str, FactorEntry]:
        return {entry.id: entry for entry in self.entries}

    @cached_property
    def _electricity(self) -> dict[tuple[str, str], tuple[FactorEntry, ...]]:
        index: dict[tuple[str, str], tuple[FactorEntry, ...]] = {}
        for entry in self.entries:
            if entry.commodity == "electricity":
                key = (entry.country, entry.supplier)
                index[key] = (*index.get(key, ()), entry)
        return index


def entry_from_json(document: object, *, file: str = "registry.json", position: int | None = None) -> FactorEntry:
    """The inverse of :func:`gxmeter.factors.model.entry_json`.

    Args:
        document: one entry of ``registry.json``.
        file: the name that findings carry.
        position: the entry's number in its list, from 1; stands as the findings' row.

    Raises:
        InputError: every fault of the entry at once; an entry that is not in its one form (a key that is
            empty or holds its default's absence) is ``factors-not-canonical``.
    """
    try:
        entry = FactorEntry.model_validate(document)
    except ValidationError as error:
        raise InputError.from_findings(model_faults(error, FactorEntry, Origin(file, position))) from None
    if entry_json(entry) != document:
        raise InputError("factors-not-canonical", file=file, row=position, found=entry.id)
    return entry


def _entries(items: list[object], file: str) -> tuple[list[FactorEntry], list[Finding]]:
    entries: list[FactorEntry] = []
    findings: list[Finding] = []
    for position, item in enumerate(items, 1):
        try:
            entry = entry_from_json(item, file=file, position=position)
        except InputError as error:
            findings += error.findings
            continue
        if entries and entries[-1].id >= entry.id:
            findings.append(finding("factors-not-sorted", file=file, row=position, found=entry.id))
        entries.append(entry)
    return entries, findings
