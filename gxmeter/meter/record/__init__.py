"""The record that a meter leaves: where it lies, its pen, its head, its gaps."""
