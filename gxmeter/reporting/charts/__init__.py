"""Charts as inline SVG, drawn by matplotlib: one module per chart, `canvas` and `inline` below them."""
