"""Strikes the keys of a provider out of what it says. Apart from its errors, which need the vendors' clients."""

from __future__ import annotations

import re
from collections.abc import Iterable


def scrub(text: str, secrets: Iterable[str]) -> str:
    """`text` without the keys, also where a vendor shows their ends."""
    for secret in secrets:
        if len(secret) < 8:
            # A stand-in such as "x" for a server that asks for none: elsewhere it is part of words.
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "[key]", text)
            continue
        text = text.replace(secret, "[key]")
        if len(secret) >= 12:
            text = re.sub(rf"{re.escape(secret[:3])}\S*{re.escape(secret[-4:])}", "[key]", text)
    return text
