"""The tests in ``real/`` run in the environment of the trainers themselves; ``test_real.py`` starts them there."""

collect_ignore = ["real"]
