"""Hooks for trainers and loggers: one line puts a training under the meter. Nothing here is on until it is asked for.

One file per library, named after it; a library is imported only when its file is. Whichever hook is used:

- every rank may have one: exactly one meter of a host measures, the others take part (``gxmeter.Meter``);
- no event of a training ever fails, waits or prints because of it;
- numbers go where the user's own metrics go, from the rank that logs.
"""
