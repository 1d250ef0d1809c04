"""Measures what the verdicts claim on real score tables; run by `make bench-statistics`."""
