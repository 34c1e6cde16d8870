"""Lines: one row per smallest product, from which every figure is a sum."""
