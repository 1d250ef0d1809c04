"""Secrets that must not lie in the database as they are: the keys that encrypt them, and how."""
