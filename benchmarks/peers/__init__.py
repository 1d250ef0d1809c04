"""The same work done by other tools, beside Steelyard, on one machine."""
