"""Charts as inline SVG, PNG and JSON, from plain figures."""
