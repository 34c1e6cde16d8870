"""The second implementation: the rules of integration once more, as SQL for DuckDB.

It shares types and readers with the kernel, and no arithmetic: two implementations that agree to the digit are
the proof of either. The rules stand in ``steps/*.sql``, which run in the order of their numbers.
"""
