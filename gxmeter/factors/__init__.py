"""The factor registry: numbers of law and science as dated, sourced data, and which of them applies."""

from gxmeter.factors.load import load_registry
from gxmeter.factors.model import FactorEntry, entry_json
from gxmeter.factors.registry import Registry, entry_from_json
from gxmeter.factors.resolve import Resolution, resolve_constant, resolve_electricity
from gxmeter.factors.schema import factors_schema

__all__ = [
    "FactorEntry",
    "Registry",
    "Resolution",
    "entry_from_json",
    "entry_json",
    "factors_schema",
    "load_registry",
    "resolve_constant",
    "resolve_electricity",
]
