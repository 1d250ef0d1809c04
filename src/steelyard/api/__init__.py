"""The JSON API under /v1: a thin door over the services."""
