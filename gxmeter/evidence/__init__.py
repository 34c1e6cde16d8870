"""The package: written so that a stranger can re-compute it, sealed, and judged by the same specification."""
