"""Telemetry on object storage: what a URL names, listed once, so that every file of it is known before any is read.

Any file system that fsspec knows by the scheme of a URL (``s3://bucket/key``). Who may read it and where the service
stands comes from the user's own environment and profiles; nothing of that is taken, kept or shown here, and a URL that
carries a secret is refused. No network is touched but by a URL that was named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_WEB = ("http", "https")
_MARKS = ("ETag", "etag", "md5Hash", "content_md5", "LastModified", "last_modified", "updated", "mtime", "created")
"""What file systems tell of a file that differs once the file does; the first that is there counts."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a listing: its path there, its size [bytes; None: not told], a mark that changes with its content."""

    path: str
    size: int | None
    mark: str


@dataclass(frozen=True, slots=True)
class Remote:
    """One unit that a reader reads, on object storage. Plain texts, so that it travels to any worker.

    Attributes:
        url: of the unit, without credentials.
        scheme: ``s3``, ``gs``, ...
        path: of the unit in the file system of that scheme: one of the ``files``, or a folder of them.
        files: what is fetched to read it: the file with those that its reader looks at beside it, or a folder's.
    """

    url: str
    scheme: str
    path: str
    files: tuple[RemoteFile, ...]

    @property
    def size(self) -> int:
        """Size of the unit [bytes], without what lies beside it."""
        return sum(file.size or 0 for file in self.files if self.is_folder or file.path == self.path)

    @property
    def is_folder(self) -> bool:
        """Whether the unit is a folder."""
        return all(file.path != self.path for file in self.files)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a URL names: a file, or the files of a folder, in order of their paths."""

    url: str
    scheme: str
    path: str
    files: tuple[RemoteFile, ...]

    @property
    def is_file(self) -> bool:
        """Whether the URL names a file."""
        return [file.path for file in self.files] == [self.path]

    def unit(self, path: str, files: Iterable[RemoteFile]) -> Remote:
        """A file or folder of the listing, with the files that are fetched to read it."""
        url = self.url if path == self.path else f"{self.url.rstrip('/')}{path.removeprefix(self.path.rstrip('/'))}"
        return Remote(url, self.scheme, path, tuple(files))

    def within(self, file: RemoteFile) -> PurePosixPath:
        """The path of a file below the folder; of a single file its name."""
        return PurePosixPath(file.path if self.is_file else file.path.removeprefix(self.path).lstrip("/"))


def is_url(text: str) -> bool:
    """Whether a text names something by a URL and not by a path.

    >>> is_url("s3://bucket/key"), is_url("/data/a.csv"), is_url("C:/x")
    (True, False, False)
    """
    return bool(_URL.match(text))


def listed(url: str) -> Listing:
    """Everything below a URL, or the one file that it names.

    Raises:
        InputError: ``remote-secret``, ``remote-scheme``, ``remote-library-missing``, ``remote-missing``,
            ``remote-forbidden``, ``remote-failed``, ``remote-name``.
    """
    _refuse_secrets(url)
    scheme = urlsplit(url).scheme.lower()
    with named_errors(url):
        system = file_system(url)
        root = str(system._strip_protocol(url))  # noqa: SLF001 - fsspec's own way from a URL to a path
        system.invalidate_cache()
        found: Mapping[str, Mapping[str, Any]]
        if scheme in _WEB:  # a page may link to anywhere, so the web has single files only
            found = {root: system.info(root)}
        else:
            found = system.find(root, detail=True) or _nothing(system, root)
    files = tuple(_file(path, found[path]) for path in sorted(found) if not path.endswith("/"))
    faults = [_bad_name(url, file.path) for file in files if not _is_plain(file.path, scheme)]
    if faults:
        raise InputError.from_findings(faults)
    return Listing(url.rstrip("/"), scheme, root, files)


def file_system(url: str) -> Any:  # noqa: ANN401 - fsspec has no types
    """The file system of a URL's scheme; credentials and endpoint as the environment says.

    Raises:
        ImportError: its library is not installed.
        InputError: ``remote-scheme``.
    """
    import fsspec  # noqa: PLC0415 - optional

    scheme = urlsplit(url).scheme.lower()
    try:
        return fsspec.filesystem(scheme)
    except ValueError:
        raise InputError("remote-scheme", found=scheme) from None


def size_of(info: Mapping[str, Any]) -> int | None:
    """The size of a file [bytes]; None where its file system does not tell it."""
    size = info.get("size")
    return None if size is None else int(size)


def mark_of(info: Mapping[str, Any]) -> str:
    """A text that differs once a file's content does, as far as its file system tells."""
    told = (f"{name}={info[name]}" for name in _MARKS if info.get(name))
    return next(told, "")


@contextmanager
def named_errors(url: str) -> Iterator[None]:
    """Whatever a storage library raises becomes one sentence; what it says may be of any type.

    Raises:
        InputError: ``remote-library-missing``, ``remote-missing``, ``remote-forbidden``, ``remote-changed``,
            ``remote-failed``.
    """
    try:
        yield
    except InputError:
        raise
    except ImportError as error:
        raise InputError("remote-library-missing", file=url, reason=_reason(error)) from None
    except FileNotFoundError:
        raise InputError("remote-missing", file=url) from None
    except PermissionError as error:
        raise InputError("remote-forbidden", file=url, reason=_reason(error)) from None
    except Exception as error:  # noqa: BLE001 - botocore, aiohttp and others have no base in common
        raise InputError(_code_of(error), file=url, reason=_reason(error), found=url) from None


def _code_of(error: Exception) -> str:
    """What an exception of a library means; its name tells it, where the library has no common base for it."""
    name = type(error).__name__
    if name == "FileExpired":  # s3fs asks for nothing but the version that it opened
        return "remote-changed"
    return "remote-forbidden" if "Credentials" in name else "remote-failed"


def _reason(error: Exception) -> str:
    """The first line of what a library says, without the query of any URL in it, which may be signed."""
    line = (str(error).splitlines() or [""])[0] or type(error).__name__
    return re.sub(r"\?\S+", "", re.sub(r"//[^/\s@]+@", "//", line))


def _refuse_secrets(url: str) -> None:
    parts = urlsplit(url)
    if "@" in parts.netloc or (parts.scheme.lower() in _WEB and parts.query):
        raise InputError("remote-secret", file=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")


def _nothing(system: Any, root: str) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - fsspec has no types
    """A folder of nothing that is there; what is not raises FileNotFoundError."""
    system.info(root)
    return {}


def _file(path: str, info: Mapping[str, Any]) -> RemoteFile:
    return RemoteFile(path, size_of(info), mark_of(info))


def _is_plain(path: str, scheme: str) -> bool:
    """Whether a key is a path that leads nowhere else: storage allows any text, and copies are kept by it."""
    plain = unquote(urlsplit(path).path) if scheme in _WEB else path
    parts = plain.strip("/").split("/")
    return plain.isprintable() and "\\" not in plain and not {"", ".", ".."} & set(parts)


def _bad_name(url: str, path: str) -> Finding:
    return finding("remote-name", file=url, found=path)
