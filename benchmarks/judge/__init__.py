"""Measures the judge: its protocol on pairs with a known better output, and whether planted biases are found."""
