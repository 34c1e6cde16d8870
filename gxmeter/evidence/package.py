"""The package as a whole: payload, tag files, manifests, seal; written as a folder, all or nothing."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from gxmeter.core.canonical import canonical_json
from gxmeter.core.files import folder_atomically, sha256_bytes
from gxmeter.core.keys import SigningKey
from gxmeter.evidence.bag import BAGIT, MANIFEST, TAGMANIFEST, bag_info, datapackage, manifest
from gxmeter.evidence.seal import seal

_COMPUTING = ("cryptography", "numpy", "pyarrow", "pydantic", "rfc8785")
HOW_TO = ("HOW-TO-VERIFY.ja.md", "HOW-TO-VERIFY.en.md")


def verify_py() -> bytes:
    """The stranger's verifier that travels in every package; a convenience, its digest is in the trust file."""
    return (resources.files("gxmeter.evidence") / "standalone" / "verify.py").read_bytes()


def environment() -> bytes:
    """``method/environment.json``: the Python and the packages that computed the figures."""
    return canonical_json(
        {
            "python": platform.python_version(),
            "implementation": platform.python_implementation(),
            "packages": {name: importlib.metadata.version(name) for name in _COMPUTING},
        }
    )


def build_package(payload: Mapping[str, bytes], statement: Mapping[str, Any], key: SigningKey) -> dict[str, bytes]:
    """All files of the package by path.

    Args:
        payload: files under ``data/``, ``data/statement.json`` included.
        statement: the statement as an object.
        key: the calculator's key.
    """
    report_id = statement["report_id"]
    tags = {
        "bagit.txt": BAGIT,
        "bag-info.txt": bag_info(payload, report_id, statement["entity_name_en"]),
        MANIFEST: manifest(payload),
        "datapackage.json": datapackage(payload, report_id),
        "verify.py": verify_py(),
    }
    for name in HOW_TO:
        text = (resources.files("gxmeter.evidence") / "howto" / name).read_text("utf-8")
        tags[name] = text.replace("{report_id}", report_id).replace("{key_id}", key.key_id).encode()
    tagmanifest = manifest(tags)
    return {**payload, **tags, TAGMANIFEST: tagmanifest, **seal(tagmanifest, dict(statement), key)}


def write_folder(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files as a folder beside its place, then rename: there is a whole package or none."""
    with folder_atomically(folder) as building:
        for path, data in sorted(files.items()):
            target = building / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def package_digest(files: Mapping[str, bytes]) -> str:
    """The digest people quote: SHA-256 of the tag manifest, which fixes every other byte."""
    return sha256_bytes(files[TAGMANIFEST])
