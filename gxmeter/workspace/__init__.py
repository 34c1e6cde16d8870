"""Workspace: the declarations of a company, read from YAML with every fault named by file and line."""
