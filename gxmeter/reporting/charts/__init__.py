"""Charts as inline SVG: one module per chart, one small writer below them."""
