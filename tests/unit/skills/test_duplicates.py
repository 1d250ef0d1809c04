"""Near duplicates among golden cases, and the families they ask for."""

from __future__ import annotations

import random
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.domain.cases import GoldenCase
from steelyard.skills.cases import near_duplicates, suggested_families

WORDS = ["the", "cat", "dog", "sat", "ran", "on", "mat", "log", "and", "then", "away", "home"]
texts = st.lists(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join), max_size=9)


def brute(listed: list[str], threshold: float) -> list[tuple[int, int]]:
    def triples(text: str) -> set[tuple[str, ...]]:
        words = text.split()
        return {tuple(words)} if 0 < len(words) < 3 else set(zip(words, words[1:], words[2:], strict=False))

    sets = [triples(text) for text in listed]
    pairs = [(i, j) for j in range(len(sets)) for i in range(j) if sets[i] and sets[j]]
    return sorted((i, j) for i, j in pairs if len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= threshold)


@settings(max_examples=200, deadline=None)
@given(texts, st.sampled_from([0.1, 0.34, 0.5, 0.6, 0.9, 1.0]))
def test_every_pair_that_reaches_the_threshold_is_found_and_no_other(listed: list[str], threshold: float) -> None:
    assert [(pair.first, pair.second) for pair in near_duplicates(listed, threshold)] == brute(listed, threshold)


def test_case_punctuation_and_spacing_do_not_count_and_a_changed_word_little() -> None:
    long = "Refund the customer who bought two tickets on Monday and could not use either of them in time"
    pairs = near_duplicates(
        [long, long.upper().replace(" ", "  ") + "!", long.replace("two", "three"), "Hello", "hello."]
    )
    assert [(pair.first, pair.second, round(pair.similarity, 2)) for pair in pairs] == [
        (0, 1, 1.0),
        (0, 2, 0.68),
        (1, 2, 0.68),
        (3, 4, 1.0),
    ]


def test_texts_without_spaces_are_compared_by_character() -> None:
    pairs = near_duplicates(
        ["请把这张发票翻译成英文并总结要点", "请把这张发票翻译成法文并总结要点", "今天的天气怎么样"]
    )
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 1)]


def test_what_nearly_every_case_has_is_a_template_and_makes_none_alike() -> None:
    template = "You are given a ticket of a customer. Say in one sentence what the customer wants from us. Ticket: "
    wants = [" ".join(random.Random(seed).sample(WORDS, 8)) for seed in range(12)]
    assert near_duplicates([template + want for want in wants]) == ()
    assert near_duplicates([template + want for want in [*wants, wants[0]]])[0].similarity == 1


def test_a_thousand_cases_take_seconds() -> None:
    rng = random.Random(5)
    vocabulary = [f"w{number}" for number in range(3_000)]
    listed = [" ".join(rng.choices(vocabulary, k=150)) for _ in range(1_000)]
    listed[500] = listed[3] + " and more"
    begun = perf_counter()
    assert [(pair.first, pair.second) for pair in near_duplicates(listed)] == [(3, 500)]
    assert perf_counter() - begun < 20


def test_near_duplicates_are_asked_to_share_a_family_unless_they_do() -> None:
    long = "Refund the customer who bought two tickets on Monday and could not use either of them in time, case "
    families = [None, None, "x", "y", "x", "x", None]
    kinds = ["one", "one", "two two two two", "two two two two", "three three three", "three three three", "apart"]
    inputs = [long + kind if kind != "apart" else kind for kind in kinds]
    cases = [
        GoldenCase(str(place), text, family=family)
        for place, (text, family) in enumerate(zip(inputs, families, strict=True))
    ]
    assert suggested_families(cases, threshold=0.95) == ((0, 1), (2, 3))


def test_the_threshold_is_checked() -> None:
    for threshold in (0.0, 1.1):
        with pytest.raises(ValueError, match="threshold"):
            near_duplicates(["a"], threshold)
