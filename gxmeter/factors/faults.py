"""Says what pydantic found wrong in our own words: code, file, line of the key, what is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from gxmeter.core.findings import Finding, finding

_CODES = {
    "missing": "factors-key-missing",
    "extra_forbidden": "factors-key-unknown",
    "number_not_plain": "factors-number-not-plain",
    "unit_unknown": "factors-unit-unknown",
}
_SHAPES = {"string_type": "text", "model_type": "key: value", "dict_type": "key: value", "list_type": "- item"}
_LIMITS = {"expected": "", "ge": ">= ", "le": "<= "}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an object was written: the file, its first line, and the line of each key (``source.url``).

    ``names`` gives the key as the author wrote it where a short form stands for another (``basic`` for ``value``).
    """

    file: str
    row: int | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def fault(self, code: str, key: str, **params: object) -> Finding:
        """A finding at a key of this object (at its first line where the key is not written)."""
        written = self.names.get(key, key)
        row = self.rows.get(written, self.rows.get(written.partition(".")[0], self.row))
        return finding(code, file=self.file, row=row, key=written, **params)


def model_faults(error: ValidationError, model: type[BaseModel], origin: Origin) -> Iterator[Finding]:
    """One finding for each error that pydantic raised for an object of ``model``."""
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "missing":
            if origin.names.get(key, key) not in origin.rows:
                code = "factors-source-missing" if key.startswith("source") else "factors-key-missing"
                yield origin.fault(code, key)
        else:
            code = _CODES.get(item["type"], "factors-value-not-allowed")
            found = item["input"] if isinstance(item["input"], str | int) else type(item["input"]).__name__
            shown = item["loc"][-1] if code == "factors-key-unknown" else found
            yield origin.fault(code, key, expected=_allowed(item, model), found=shown)


def _allowed(item: Any, model: type[BaseModel]) -> str:  # noqa: ANN401 - pydantic's error details
    """What would have been allowed, as a short text that needs no translation."""
    if item["type"] == "extra_forbidden":
        return ", ".join(_keys(model, item["loc"][:-1]))
    if item["type"] in _SHAPES:
        return _SHAPES[item["type"]]
    details = item.get("ctx", {})
    words = [f"{sign}{details[name]}" for name, sign in _LIMITS.items() if name in details]
    return " ".join(words) or str(item["type"])


def _keys(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """The keys that the object at ``path`` may have; list positions are passed through."""
    for part in path:
        if isinstance(part, str):
            annotation = model.model_fields[part].annotation
            inner = next((a for a in (annotation, *getattr(annotation, "__args__", ())) if _is_model(a)), model)
            model = inner
    return [info.alias or name for name, info in model.model_fields.items()]


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
