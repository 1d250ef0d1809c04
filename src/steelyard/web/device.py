"""What a browser says of itself, in a few words."""

from __future__ import annotations

from steelyard.web.text.odd import visible

# The first that fits counts: most browsers also give the names of those they want to be taken for.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_LONGEST = 60


def device(said: str) -> str:
    """`Firefox on Linux`; the beginning of what it says where that names neither."""
    browser = next((name for sign, name in _BROWSERS if sign in said), None)
    system = next((name for sign, name in _SYSTEMS if sign in said), None)
    if browser is not None:
        return browser if system is None else f"{browser} on {system}"
    return visible(said[:_LONGEST])
