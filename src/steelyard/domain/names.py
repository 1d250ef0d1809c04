"""Which names of people and keys can be taken for one another, and which are the software's own."""

from __future__ import annotations

import unicodedata

BY_KEY = "by key"
_MAX_KEY = 24
# Under these the software itself notes what it did.
_OWN = ("local", "schedule", "database", "system", "steelyard")
# Signs of other alphabets beside the Latin ones they look like; no list of all there are.
_ALIKE = str.maketrans(
    "АВЕЗЅІЈКМНОРСТУХЬҮӀԚԜавезѕіјкмнорстухьүӏԛԝгпиһԁ"
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαβεηικνορτυχγωσς"
    "ՏՕԼՍօսոհցզ"
    "ᎪᎬᎻᏞᏚᎡᏔᎢᏟᏢᏃᎷ"
    "ıɑɡʟɩøłđħŧØŁĐĦŦ"
    "01|!",
    "ABE3SIJKMHOPCTYXbYlQWabe3sijkmhopctyxbylqwrnuhd"
    "ABEZHIKMNOPTYXaBenikvoptuxywoc"
    "SOLUounhgq"
    "AEHLSRWTCPZM"
    "iaglioldhtOLDHT"
    "olll",
)
# Letters and marks of no width, which decomposing leaves.
_UNSEEN = frozenset([0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0x180B, 0x1810)]) | frozenset(
    [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]
)


def look_of(name: str) -> str:
    """What a name looks like at a glance: names of the same look can be taken for one another.

    Capitals, accents, spaces and signs do not tell names apart, nor do letters of other alphabets that look the same.
    """
    plain = _plain(name).replace("i", "l").replace("rn", "m").replace("vv", "w")
    look = "".join(sign for sign in plain if unicodedata.category(sign)[0] in "LNM")
    return look or plain


def unprintable(name: str) -> str | None:
    """The first sign of a name that cannot be seen, as `U+200B`; None where all can.

    A joiner (U+200C, U+200D) between two signs beyond ASCII is how some scripts are written, and emoji.
    """
    for before, sign, after in zip(" " + name, name, name[1:] + " ", strict=False):
        joins = sign in "\u200c\u200d" and not before.isascii() and not after.isascii()
        if not sign.isprintable() and not joins:
            return f"U+{ord(sign):04X}"
    return None


def is_the_softwares(name: str) -> bool:
    """Whether the software notes what it did itself under a name of this look, or marks with it what a key named."""
    return look_of(name) in _LOOKS or f"({BY_KEY}" in " ".join(_plain(name).split()).replace("( ", "(")


def by_key(given: str, key: str) -> str:
    """The name for what an API key of that name says for someone of a `given` name: nobody's own, and no member's.

    Without a given name it is the key's.
    """
    if not given.strip():
        return key
    short = key if len(key) <= _MAX_KEY else key[: _MAX_KEY - 1] + "…"
    return f"{' '.join(given.split())} ({BY_KEY} {short})"


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name)
    seen = "".join(sign for sign in decomposed if not unicodedata.combining(sign) and ord(sign) not in _UNSEEN)
    return seen.translate(_ALIKE).casefold()


_LOOKS = frozenset(map(look_of, _OWN))
