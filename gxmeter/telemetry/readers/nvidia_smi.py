"""Reader of ``nvidia-smi --query-gpu=timestamp,...,power.draw --format=csv``: polled power of NVIDIA GPUs.

Times are the machine's local ones, without a zone. A GPU is named by its UUID, so that two files of it are one device;
without one, by its host (declared, or a column) and its index or bus address. What the columns mean, and which power is
read: ``telemetry/nvidia_columns.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.model import DeviceInfo, PowerBatch, Reading, SeriesKey
from gxmeter.telemetry.nvidia_columns import FORMAT, Columns, columns_of, looks_like_headings, method_of
from gxmeter.telemetry.nvidia_power import Power, Powers
from gxmeter.telemetry.options import NO_OPTIONS, ReadOptions
from gxmeter.telemetry.text.cells import Cells
from gxmeter.telemetry.text.columns import Chunk
from gxmeter.telemetry.text.remarks import Remarks
from gxmeter.telemetry.text.table import Table, table

PATTERNS = ("*.csv", "*.csv.gz", "*.csv.zst", "*.csv.xz", "*.csv.bz2")
"""Which files of a folder are read."""

_SLICE = "MIG-"
_HEX = "[0-9a-fA-F]"
_GPU_ID = re.compile(
    rf"\d+|GPU-{_HEX}{{8}}(-{_HEX}{{4}}){{3}}-{_HEX}{{12}}|{_HEX}{{4,8}}:{_HEX}{{2}}:{_HEX}{{2}}\.\d", re.ASCII
)
"""An index or a serial number, a UUID, a bus address: a damaged one would be a GPU that does not exist."""
_MODULES = ("GH200", "GB200", "GB300")
"""GPUs that share a module with a processor, see ``meter/sensors/nvml.py``."""


def read(path: Path, *, run: str, site: str, options: ReadOptions = NO_OPTIONS) -> Reading:
    """Open an output of ``nvidia-smi``.

    Args:
        path: the file, plain or compressed.
        run: whose energy it is.
        site: where the GPUs stand.
        options: ``time_zone``, ``host``; ``columns`` with the roles of :data:`~gxmeter.telemetry.nvidia_columns.ROLES`.

    Raises:
        InputError: ``nvidia-smi-foreign``, ``nvidia-smi-monitor``, ``nvidia-smi-no-header``,
            ``nvidia-smi-column-missing``, ``nvidia-smi-gpu-unnamed``, ``column-role-unknown``, ``column-not-there``;
            what :func:`~gxmeter.telemetry.text.table.table` raises.
    """
    remarks = Remarks(path.name)
    names = [name.strip() for name in options.column("header").split(",")] if options.column("header") else []
    found = table(
        path, remarks, encoding=options.encoding, delimiter="," if names else "", names=names, keep_torn=False
    )
    columns = columns_of(path.name, found.header, options)
    rows = _Rows(columns, Cells.of(remarks, options), options.host, run, site)
    reading = Reading(format=FORMAT, batches=iter(()))
    reading.batches = rows.batches(found, reading)
    return reading


@dataclass(slots=True)
class _Rows:
    """The rows of one file as power samples."""

    columns: Columns
    cells: Cells
    host: str
    run: str
    site: str
    _changed: tuple[int, str] | None = None
    _after: int = 0
    _powers: Powers = field(init=False)
    _unread: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Read power as the columns say."""
        self._powers = Powers(self.columns, self.cells)

    def batches(self, found: Table, reading: Reading) -> Iterator[PowerBatch]:
        """Batches of a chunk each; devices and findings go into the reading."""
        for chunk in found.chunks:
            rows = self._of_gpus(self._without_headings(chunk))
            if len(rows):
                batch = self._batch(rows, reading)
                reading.records += len(batch.key)
                yield batch
        if not reading.records and self.columns.without_headings:
            # Nothing has shown that it is a file of nvidia-smi at all.
            raise InputError("nvidia-smi-foreign", file=self.cells.remarks.file, found="-")
        reading.findings += [*self._said(reading), *self.cells.findings()]

    def _batch(self, chunk: Chunk, reading: Reading) -> PowerBatch:
        devices, codes = self._devices(chunk)
        names = [device for _, device in devices]
        ts_ms, timed = self.cells.times(chunk, self.columns.timestamp, [names[code] for code in codes.tolist()])
        place = {name: i for i, name in enumerate(dict.fromkeys(names))}
        key = np.array([place[name] for name in names], np.int32)[codes]
        found = self._powers.of(chunk, key, list(place))
        good = timed & found.good
        self._describe(chunk, devices, codes, found, reading)
        keys = tuple(SeriesKey(self.run, self.site, name) for name in place)
        batch = PowerBatch(keys, key[good], ts_ms[good], found.mw[good])
        self._powers.tell_twice(batch, np.asarray(chunk.rows)[good])
        return batch

    def _devices(self, chunk: Chunk) -> tuple[list[tuple[str, str]], npt.NDArray[np.int32]]:
        """(host, device id) of the GPUs in a chunk, and which of them each row is of."""
        gpu = chunk.coded(self.columns.gpu) if self.columns.gpu else None
        if gpu is None:
            return [(self.host, self._named(self.host, self.columns.one_gpu))], np.zeros(len(chunk), np.int32)
        if not self.columns.host:
            return [(self.host, self._named(self.host, text)) for text in gpu.texts], gpu.codes
        host = chunk.coded(self.columns.host)
        packed, codes = np.unique(host.codes.astype(np.int64) * len(gpu.texts) + gpu.codes, return_inverse=True)
        pairs = [(host.texts[i // len(gpu.texts)], gpu.texts[i % len(gpu.texts)]) for i in packed.tolist()]
        return [(one, self._named(one, text)) for one, text in pairs], codes.astype(np.int32)

    def _named(self, host: str, text: str) -> str:
        """The device id of a GPU; the same form as the meter's own for one that is known by its number."""
        if not text.isdecimal() and not text.count(":"):
            return text
        label = f"gpu{text}" if text.isdecimal() else f"gpu-{text.lower()}"
        return f"{host}.{label}" if host else label

    def _describe(
        self, chunk: Chunk, devices: list[tuple[str, str]], codes: npt.NDArray[np.int32], found: Power, reading: Reading
    ) -> None:
        """Note the GPUs that are new, with the name of their first row and the column of their first reading."""
        first = _first_rows(codes, np.ones(len(codes), np.bool_))
        measured = _first_rows(codes, found.good)
        for code, (host, device) in enumerate(devices):
            known = (self.site, device) in reading.devices
            if known and not (device in self._unread and code in measured):
                continue
            (self._unread.discard if code in measured else self._unread.add)(device)
            row = first[code]
            reading.devices[self.site, device] = DeviceInfo(
                device=device,
                site=self.site,
                host=host,
                kind="gpu",
                name=chunk.columns[self.columns.name][row] if self.columns.name else "",
                boundary="device",
                method=method_of(self.columns.powers[found.column[measured.get(code, row)]]),
                grade="C2",
                rated_mw=self._powers.limit_mw(chunk, row),
            )

    def _without_headings(self, chunk: Chunk) -> Chunk:
        """The rows without headings that stand again where files were joined; after other headings, none."""
        if self._changed is not None:
            self._after += len(chunk)
            return chunk.only([])
        texts = chunk.columns[self.columns.timestamp]
        left_out: set[int] = set()
        end = len(chunk)
        for i in [i for i, text in enumerate(texts) if not text[:1].isdigit()]:
            cells = [column[i] for column in chunk.columns.values()]
            if cells == list(chunk.columns):
                left_out.add(i)
            elif looks_like_headings(cells):
                self._changed, self._after, end = (chunk.rows[i], ", ".join(cells)), len(chunk) - i - 1, i
                break
        if not left_out and end == len(chunk):
            return chunk
        return chunk.only([i for i in range(end) if i not in left_out])

    def _of_gpus(self, chunk: Chunk) -> Chunk:
        """The rows of whole GPUs; MIG slices, and what is no id of a GPU, are named and left out."""
        if not self.columns.gpu or self.columns.gpu_declared:
            return chunk
        gpu = chunk.coded(self.columns.gpu)
        left_out = np.zeros(len(chunk), np.bool_)
        for code, text in enumerate(gpu.texts):
            if _GPU_ID.fullmatch(text):
                continue
            rows = np.nonzero(gpu.codes == code)[0]
            left_out[rows] = True
            fault = "nvidia-smi-slice" if text.startswith(_SLICE) else "nvidia-smi-gpu-odd"
            self.cells.remarks.add(fault, row=chunk.rows[int(rows[0])], found=text or "-", count=len(rows))
        return chunk.only(np.nonzero(~left_out)[0].tolist()) if left_out.any() else chunk

    def _said(self, reading: Reading) -> Iterator[Finding]:
        """What is to be said about the file as a whole."""
        file = self.cells.remarks.file
        if self._changed is not None:
            row, found = self._changed
            yield finding("nvidia-smi-header-changed", file=file, row=row, count=self._after, found=found)
        if any(not info.host and info.device.startswith("gpu") for info in reading.devices.values()):
            yield finding("nvidia-smi-host-unknown", file=file)
        for name in sorted({info.name for info in reading.devices.values()}):
            if any(module in name for module in _MODULES):
                yield finding("nvidia-smi-module", file=file, found=name)


def _first_rows(codes: npt.NDArray[np.int32], wanted: npt.NDArray[np.bool_]) -> dict[int, int]:
    """The first row of each code among the wanted rows."""
    rows = np.nonzero(wanted)[0]
    found, first = np.unique(codes[rows], return_index=True)
    return dict(zip(found.tolist(), rows[first].tolist(), strict=True))
