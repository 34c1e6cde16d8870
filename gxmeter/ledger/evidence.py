"""The evidence index: which file stands behind a number, by an id that a reader can recognise."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gxmeter.core.files import sha256_bytes, sha256_file
from gxmeter.core.ids import is_id
from gxmeter.energy.sources import size_of
from gxmeter.ledger.tables import EvidenceRow
from gxmeter.workspace.loaded import Workspace


def evidence_id_of(path: str) -> str:
    """An id made of a workspace path; where the path has other characters, of its digest.

    >>> evidence_id_of("evidence/bills/tokyo-2026-04.txt")
    'evidence.bills.tokyo-2026-04.txt'
    """
    readable = path.replace("/", ".")
    return readable if is_id(readable) else _digest_id(path)


def _digest_id(path: str) -> str:
    return f"file.{sha256_bytes(path.encode())[:16]}"


@dataclass(slots=True)
class EvidenceIndex:
    """Collects the evidence of a fiscal year; each file once, with size [bytes] and SHA-256."""

    workspace: Workspace
    rows: dict[str, EvidenceRow] = field(default_factory=dict)

    def document(self, kind: str, reference: str, declared_in: str) -> str:
        """The id of the file that a declaration refers to; of the declaration itself where it names none.

        Args:
            kind: bill, certificate, contract, declaration, journal ...
            reference: the ``evidence`` or ``source`` text.
            declared_in: the workspace path of the declaring file.
        """
        named = self.workspace.evidence(reference)
        if named is None:
            return self.file("declaration", declared_in)
        return self._add(EvidenceRow(evidence_id_of(named.path), kind, named.path, named.bytes, named.sha256))

    def file(self, kind: str, path: str) -> str:
        """The id of a file of the workspace."""
        full = self.workspace.root / path
        return self._add(EvidenceRow(evidence_id_of(path), kind, path, full.stat().st_size, sha256_file(full)))

    def recorded(self, name: str, sha256: str) -> str:
        """The id of a journal or an imported file whose digest was taken while it was read.

        Args:
            name: its path in the workspace; of an import that was left elsewhere, the name that it has here.
            sha256: its digest.
        """
        imported = self.workspace.imported.get(name)
        if imported is not None:
            return self._add(EvidenceRow(evidence_id_of(name), "telemetry", name, imported.bytes, sha256))
        path = self.workspace.root / name
        relative = path.resolve().relative_to(self.workspace.root).as_posix()
        return self._add(EvidenceRow(evidence_id_of(relative), "journal", relative, size_of(path), sha256))

    def _add(self, row: EvidenceRow) -> str:
        """Enter a file once; a path whose readable id another path holds already takes the id of its digest."""
        if self.rows.get(row.evidence_id, row).path != row.path:
            row = replace(row, evidence_id=_digest_id(row.path))
        return self.rows.setdefault(row.evidence_id, row).evidence_id
