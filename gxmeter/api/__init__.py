"""The facade: what the command line and notebooks call.

>>> import gxmeter
>>> book = gxmeter.open_workspace("seeds/consortium")
>>> book.account(fy=2026).figures["energy_ai_kwh"].unit
'kWh'
"""

from gxmeter.api.account import Account
from gxmeter.api.book import Book, open_workspace
from gxmeter.api.cover import Covered
from gxmeter.api.issue import Issued
from gxmeter.api.reconcile import Reconciled
from gxmeter.energy.engines import EngineChoice

__all__ = ["Account", "Book", "Covered", "EngineChoice", "Issued", "Reconciled", "open_workspace"]
