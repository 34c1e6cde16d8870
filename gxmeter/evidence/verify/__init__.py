"""Judging a package by docs/reference/package.md: six steps, numbered as there."""
