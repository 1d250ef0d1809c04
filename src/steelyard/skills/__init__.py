"""Skills and golden cases: read, lint, digest, import, write back; pure on bytes but for `folder` and `disk`."""
