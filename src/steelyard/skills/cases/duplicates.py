"""Golden cases that say nearly the same: they count as one, and belong in one family."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from steelyard.domain.cases import GoldenCase

NEAR_DUPLICATE = 0.6
"""Share of word triples two texts have in common, of all that either has, from which on they are near duplicates.

One word changed in the middle leaves .54 of 12 words, .60 of 14 and .88 of 50. Of LLMBar's 419 instructions, which were
written to differ, only one that is there twice reaches even .4."""

TEMPLATE_SHARE = 0.9
_TEMPLATE_FROM = 10
_SHINGLE = 3
# Kana, Han, Hangul and Thai put no spaces between words: each character counts as one.
_WORD = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\\W_]+")

_Shingles = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class NearDuplicate:
    """Two texts by their places, first < second, and their similarity: 1 where all word triples are the same."""

    first: int
    second: int
    similarity: float


def near_duplicates(texts: Sequence[str], threshold: float = NEAR_DUPLICATE) -> tuple[NearDuplicate, ...]:
    """Every pair whose word triples have a Jaccard similarity of at least `threshold` (Broder 1997), in order.

    Case, punctuation and spacing do not count; a text of fewer than three words counts as a whole. Triples that nine in
    ten of at least ten different texts have are a template and count for none. Exact: a pair that reaches the
    threshold has one of the rarest triples of either text in common, so only texts that do are compared (prefix
    filter, Chaudhuri et al. 2006). ValueError unless 0 < threshold <= 1.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold lies above 0 and at most at 1, not {threshold}.")
    shingles = _without_template([_shingles(text) for text in texts])
    seen_in = Counter(shingle for of_text in shingles for shingle in of_text)
    shared = {shingle: bit for bit, shingle in enumerate(one for one, count in seen_in.items() if count > 1)}
    masks = [_bits([shared[shingle] for shingle in of_text if shingle in shared]) for of_text in shingles]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    found: list[NearDuplicate] = []
    for place in sorted(range(len(texts)), key=lambda place: (len(shingles[place]), place)):
        size = len(shingles[place])
        rarest = sorted(shingles[place], key=lambda shingle: (seen_in[shingle], shingle))
        prefix = [one for one in rarest[: size - ceil(threshold * size - 1e-9) + 1] if one in shared]
        for other in {other for shingle in prefix for other in holders[shingle]}:
            common = (masks[place] & masks[other]).bit_count()
            similarity = common / (size + len(shingles[other]) - common)
            if similarity >= threshold:
                found.append(NearDuplicate(min(place, other), max(place, other), similarity))
        for shingle in prefix:
            holders[shingle].append(place)
    return tuple(sorted(found, key=lambda pair: (pair.first, pair.second)))


def similar_to(
    texts: Sequence[str], others: Sequence[str], threshold: float = NEAR_DUPLICATE
) -> list[list[tuple[int, float]]]:
    """For each text the places of the `others` it is a near duplicate of, with the similarity, as `near_duplicates`."""
    found: list[list[tuple[int, float]]] = [[] for _ in texts]
    for pair in near_duplicates([*texts, *others], threshold):
        if pair.first < len(texts) <= pair.second:
            found[pair.first].append((pair.second - len(texts), pair.similarity))
    return found


def suggested_families(cases: Sequence[GoldenCase], threshold: float = NEAR_DUPLICATE) -> tuple[tuple[int, ...], ...]:
    """Places of cases that belong in one family and are in none or in several: near duplicates, also through others.

    What is compared is the prompt, files included. Largest group first. ValueError as in `near_duplicates`.
    """
    leader = list(range(len(cases)))

    def find(place: int) -> int:
        while leader[place] != place:
            leader[place] = leader[leader[place]]
            place = leader[place]
        return place

    for pair in near_duplicates([case.prompt for case in cases], threshold):
        first, second = sorted((find(pair.first), find(pair.second)))
        leader[second] = first
    groups: dict[int, list[int]] = defaultdict(list)
    for place in range(len(cases)):
        groups[find(place)].append(place)
    apart = [tuple(group) for group in groups.values() if len(group) > 1 and not _one_family(cases, group)]
    return tuple(sorted(apart, key=lambda group: (-len(group), group)))


def _bits(places: Sequence[int]) -> int:
    """The whole number with these bits set; two of them are compared far faster than two sets."""
    out = bytearray(max(places, default=0) // 8 + 1)
    for place in places:
        out[place // 8] |= 1 << place % 8
    return int.from_bytes(out, "little")


def _one_family(cases: Sequence[GoldenCase], places: Sequence[int]) -> bool:
    families = {cases[place].family for place in places}
    return len(families) == 1 and None not in families


def _shingles(text: str) -> _Shingles:
    words = _WORD.findall(text.casefold()) or text.split()
    if len(words) < _SHINGLE:
        return frozenset({tuple(words)}) if words else frozenset()
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def _without_template(shingles: list[_Shingles]) -> list[_Shingles]:
    """Of texts that differ at all, so that copies of one text are no template."""
    different = set(shingles)
    if len(different) < _TEMPLATE_FROM:
        return shingles
    counts = Counter(shingle for of_text in different for shingle in of_text)
    template = {shingle for shingle, count in counts.items() if count >= TEMPLATE_SHARE * len(different)}
    # A text that is nothing but the template is the same as another that is.
    return [of_text - template or of_text for of_text in shingles]
