"""The language of a text, by its script and its commonest words: rough, and "unknown" when in doubt."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

UNKNOWN = "unknown"
_FEWEST_HITS = 3
_CLEARLY = 1.5
_READ = 1_000
_WORD = re.compile(r"[^\W\d_]+")

# Short words that nearly every sentence of a language has some of, those left out that two of them share.
_COMMON = {
    language: frozenset(words.split())
    for language, words in {
        "English": "the and of to is that it for with this be are was not from have you what which by an or",
        "German": "der die das und ist nicht ein eine mit für auf von zu den dem im wird sind auch sie ich oder",
        "French": "le les des et est une pour dans que qui sur pas avec ce vous nous du au sont ou mais",
        "Spanish": "el los las y es una por para que con del se su como pero más está son lo al",
        "Italian": "il gli di è una per che con non del della sono più nel alla questo anche dei delle",
        "Portuguese": "os uma por para que não da na como mais são ao dos das pela você está foi seu isso também",
        "Dutch": "het een van en niet dat op te zijn voor met aan ook naar worden deze wordt bij als",
        "Polish": "nie się jest że jak dla są ale od po czy przez tym jego tylko oraz który więc może już",
    }.items()
}
_SCRIPTS = {
    "CYRILLIC": "Cyrillic script",
    "GREEK": "Greek",
    "ARABIC": "Arabic script",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Devanagari script",
    "THAI": "Thai",
    "HANGUL": "Korean",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "CJK": "Chinese",
}


def language_of(text: str) -> str:
    """A language, a script where several languages share it, or `unknown`; of the first 1,000 characters."""
    start = text[:_READ]
    words = [word.lower() for word in _WORD.findall(start)]
    letters = Counter(_script(char) for char in start if char.isalpha())
    total = letters.total()
    if not total:
        return UNKNOWN
    script, most = letters.most_common(1)[0]
    if letters["HIRAGANA"] + letters["KATAKANA"] > 0.1 * total:
        return "Japanese"
    if script != "LATIN":
        return _SCRIPTS.get(script, UNKNOWN) if most > total / 2 else UNKNOWN
    hits = sorted(
        ((sum(word in common for word in words), language) for language, common in _COMMON.items()), reverse=True
    )
    (first, language), (second, _) = hits[0], hits[1]
    return language if first >= _FEWEST_HITS and first >= _CLEARLY * second else UNKNOWN


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    return unicodedata.name(char, "").split(" ")[0].split("-")[0]
