"""The ledger's closed vocabularies; each word means the same in the workspace, the lines and the package."""

from __future__ import annotations

from enum import StrEnum


class Arrangement(StrEnum):
    """How the company holds the compute at a site (GHG Protocol; domain table in docs/explanation/scopes.md)."""

    OWNED = "owned"
    COLOCATION = "colocation"
    LEASE = "lease"
    CLOUD = "cloud"
    ALLOCATION = "allocation"


class Boundary(StrEnum):
    """What a power or energy figure covers; each step outwards is an explicit, sourced ratio."""

    DEVICE = "device"
    NODE = "node"
    IT = "it"
    FACILITY = "facility"


class Status(StrEnum):
    """How a quantity came to be known; "missing" is never a quantity."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    DECLARED = "declared"
    BILLED = "billed"


class LineKind(StrEnum):
    """What a line stands for.

    ``run``: energy of a training run. ``unattributed``: what a facility meter shows beyond the runs.
    ``instrument-out`` / ``instrument-in``: the kWh a certificate takes out of the contract's factor and
    puts under the instrument's own; the pair adds up to zero energy.
    """

    RUN = "run"
    UNATTRIBUTED = "unattributed"
    INSTRUMENT_OUT = "instrument-out"
    INSTRUMENT_IN = "instrument-in"


class Portion(StrEnum):
    """Which part of facility energy a line carries.

    ``it``: up to the IT boundary. ``overhead``: cooling and power losses, IT energy x (PUE - 1).
    ``facility``: a reading that already covers both (PUE is not applied).
    """

    IT = "it"
    OVERHEAD = "overhead"
    FACILITY = "facility"
