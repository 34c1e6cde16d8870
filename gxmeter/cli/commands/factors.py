"""``gxmeter factors``: which factor applies and why, what the registry holds, one entry in full."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gxmeter.cli.output import emit_json, finish, language, report_error, show_findings
from gxmeter.core.errors import GxmeterError, InputError

if TYPE_CHECKING:
    from gxmeter.factors.model import FactorEntry
    from gxmeter.factors.registry import Registry
    from gxmeter.factors.resolve import Resolution

_factors = typer.Typer(help="The factor registry: resolve, list and show emission factors.", no_args_is_help=True)
_resolve = typer.Typer(help="Which factor applies, or why none does.", no_args_is_help=True)
_factors.add_typer(_resolve, name="resolve")

Workspace = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", help="Workspace whose factors/ are added (default: the one around this folder)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def register(app: typer.Typer) -> None:
    """Add ``gxmeter factors``."""
    app.add_typer(_factors, name="factors")


@_resolve.command("electricity")
def resolve_electricity(
    supplier: Annotated[str, typer.Option(help="Registration number (A0269), national-average or substitute.")],
    fy: Annotated[int, typer.Option(help="Fiscal year of the emissions.")],
    menu: Annotated[str, typer.Option(help="Menu letter, residual or whole; left out if not known.")] = "",
    basis: Annotated[str, typer.Option(help="basic, adjusted or unadjusted.")] = "basic",
    country: Annotated[str, typer.Option(help="Country of the site (ISO 3166, two letters).")] = "JP",
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Find the emission factor of a supplier's menu for a fiscal year."""
    from gxmeter.factors import resolve

    try:
        answer = resolve.resolve_electricity(
            _registry(workspace), supplier=supplier, menu=menu, basis=basis, fy=fy, country=country
        )
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
    if as_json:
        emit_json(_resolution_json(answer))
    else:
        _show_resolution(answer)
        show_findings(answer.findings)
    finish(answer.findings)


@_factors.command("list")
def list_factors(
    family: Annotated[str | None, typer.Option(help="Only this family, e.g. electricity.")] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """List the entries of the registry."""
    from gxmeter.factors.model import entry_json

    try:
        registry = _registry(workspace)
        entries = _of_family(registry, family)
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
    if as_json:
        factors = [entry_json(entry) for entry in entries]
        emit_json({"factors": factors, "registry_sha256": registry.sha256, "findings": []})
        return
    for entry in entries:
        typer.echo(f"{entry.id}\t{entry.value} {entry.unit}\t{_name(entry)}")


@_factors.command("show")
def show_factor(
    factor_id: Annotated[str, typer.Argument(metavar="ID", help="The entry's id, as in list and used.csv.")],
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Show one entry with its years, edition and source."""
    from gxmeter.factors.model import entry_json

    try:
        entry = _entry(_registry(workspace), factor_id)
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
    if as_json:
        emit_json({"factors": [entry_json(entry)], "findings": []})
    else:
        _show_entry(entry)


def _registry(workspace: Path | None) -> Registry:
    """The shipped registry and the workspace's additions; a workspace that was not named may be missing."""
    from gxmeter.factors.load import load_registry
    from gxmeter.workspace.load import find_factor_files

    return load_registry(find_factor_files(workspace))


def _of_family(registry: Registry, family: str | None) -> list[FactorEntry]:
    known = sorted({entry.family for entry in registry.entries})
    if family is not None and family not in known:
        raise InputError("factor-argument-wrong", key="--family", expected=", ".join(known), found=family)
    return [entry for entry in registry.entries if family in {None, entry.family}]


def _entry(registry: Registry, factor_id: str) -> FactorEntry:
    import difflib

    entry = registry.by_id(factor_id)
    if entry is None:
        near = difflib.get_close_matches(factor_id, [item.id for item in registry.entries], cutoff=0.3)
        raise InputError("factor-unknown", found=factor_id, expected=", ".join(near) or "-")
    return entry


def _resolution_json(answer: Resolution) -> dict[str, Any]:
    from gxmeter.factors.model import entry_json

    keys = ("id", "value", "unit", "actuals_fy", "applies_to_fy", "submission_fy", "source")
    document = entry_json(answer.entry) if answer.entry else {}
    return {
        **{key: document.get(key) for key in keys},
        "edition": document.get("edition_on"),
        "entry": document or None,
        "provisional": answer.provisional,
        "steps": [{"ja": item.ja, "en": item.en} for item in answer.steps],
        "findings": [item.to_json() for item in answer.findings],
    }


def _show_resolution(answer: Resolution) -> None:
    if answer.entry:
        _show_entry(answer.entry)
    for number, item in enumerate(answer.steps, 1):
        typer.echo(f"  {number}. {item.ja if language() == 'ja' else item.en}")


def _show_entry(entry: FactorEntry) -> None:
    source = entry.source
    typer.echo(f"{entry.id}: {entry.value} {entry.unit}")
    typer.echo(f"  {_name(entry)} ({entry.kind}, {entry.basis}, {entry.status})")
    years = ("actuals_fy", "applies_to_fy", "submission_fy", "valid_from_fy", "valid_to_fy", "edition_on")
    typer.echo("  " + ", ".join(f"{key} {value}" for key in years if (value := getattr(entry, key))))
    typer.echo(f"  {source.publisher}: {source.title}, {source.place} ({source.published_on})")
    typer.echo(f"  {source.url}")


def _name(entry: FactorEntry) -> str:
    return entry.name_ja if language() == "ja" else entry.name_en
