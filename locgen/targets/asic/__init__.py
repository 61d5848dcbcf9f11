"""Standard cells: libraries, mapping, area, timing and chip projects."""
