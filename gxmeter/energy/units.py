"""What a format reads as one: a file or a folder; and what lies beside a file and belongs to its reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import PurePath, PurePosixPath

from gxmeter.energy.model import Source
from gxmeter.telemetry.fetching import fetched
from gxmeter.telemetry.location import Listing, Remote, RemoteFile, listed
from gxmeter.telemetry.registry import reader


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader module says that it reads.

    Attributes:
        patterns: globs of files.
        as_folders: whether the folder of such files is the unit.
        beside: globs of files that it looks at beside one that it reads.
    """

    patterns: tuple[str, ...]
    as_folders: bool
    beside: tuple[str, ...]

    def reads(self, path: PurePath) -> bool:
        """Whether a path below a named folder is read; a hidden one is not."""
        hidden = any(part.startswith(".") for part in path.parts)
        return not hidden and any(path.match(pattern) for pattern in self.patterns)

    def looks_at(self, path: PurePath) -> bool:
        """Whether a file is looked at where it lies beside another that is read."""
        globs = self.patterns if self.as_folders else self.beside
        return any(path.match(pattern) for pattern in globs)


def wanted_by(format: str) -> Wanted:  # noqa: A002 - the word of the command line
    """What a format reads.

    Raises:
        InputError: ``format-unknown``.
    """
    module = reader(format)
    return Wanted(getattr(module, "PATTERNS", ("*",)), getattr(module, "FOLDERS", False), getattr(module, "BESIDE", ()))


def remote_units(url: str, wanted: Wanted) -> Iterator[Remote]:
    """The units below a URL in order of their paths, each with what lies beside it and is looked at.

    Raises:
        InputError: what ``location.listed`` raises.
    """
    listing = listed(url)
    if listing.is_file:
        around = listed(url.rpartition("/")[0]) if wanted.as_folders or wanted.beside else listing
        yield listing.unit(listing.path, _with_those_beside(listing.files[0], around, wanted))
        return
    read = [file for file in listing.files if wanted.reads(listing.within(file))]
    if wanted.as_folders:
        folders = {_folder_of(file) for file in read}
        visible = (file for file in listing.files if not file.path.rpartition("/")[2].startswith("."))
        for folder, members in groupby(sorted(visible, key=_folder_of), key=_folder_of):
            if folder in folders:
                yield listing.unit(folder, members)
    else:
        yield from (listing.unit(file.path, _with_those_beside(file, listing, wanted)) for file in read)


def _with_those_beside(file: RemoteFile, listing: Listing, wanted: Wanted) -> list[RemoteFile]:
    folder = _folder_of(file)
    beside = (one for one in listing.files if _folder_of(one) == folder and wanted.looks_at(PurePosixPath(one.path)))
    return [file, *(one for one in beside if one.path != file.path)]


def _folder_of(file: RemoteFile) -> str:
    return PurePosixPath(file.path).parent.as_posix()


@contextmanager
def at_hand(source: Source) -> Iterator[Source]:
    """A source that can be opened here: itself, or a copy fetched from object storage for as long as the block lasts.

    Raises:
        InputError: what ``fetching.fetched`` raises.
        OSError: this machine cannot keep the copy.
    """
    if source.remote is None:
        yield source
    else:
        with fetched(source.remote) as path:
            yield replace(source, path=path, remote=None)
