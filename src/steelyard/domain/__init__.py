"""Values and errors shared by every layer; no I/O and no third-party imports."""
