"""Scores come from code, and no cost of a judge is ever lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, StopReason, Usage
from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.skills import SkillContent
from steelyard.judging import Judge, choose_judge, rubric_of
from steelyard.judging.scoring import quality_of, quote_is_in

ONE = Usage(100, 20)
CASE = GoldenCase("1", "What does it weigh?", "120 g", assertions=("States the weight", "Has a unit"))
JUDGE = Judge(ModelRef("test", "judge"), "test:judge")


class Script:
    """Replies one after another; an exception is raised instead."""

    def __init__(self, *replies: str | CallError | ModelResponse) -> None:
        self.replies = list(replies)
        self.requests: list[ModelRequest] = []

    async def complete(self, request: ModelRequest) -> ModelResponse:
        self.requests.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, CallError):
            raise reply
        return reply if isinstance(reply, ModelResponse) else ModelResponse(reply, ONE, 5.0)


def reply(levels: list[int], matches: str = "partial", evidence: str = "120") -> str:
    criteria = [{"evidence": evidence, "finding": "Seen.", "level": level} for level in levels]
    return json.dumps(
        {"criteria": criteria, "differences_from_expected": "none", "matches_expected": matches, "notes": "n"}
    )


async def grade(script: Script, case: GoldenCase = CASE, output: str = "It weighs 120 g."):
    return await JUDGE.grade(script, case, output, (), threshold=70)


async def test_levels_become_a_score_and_every_assertion_must_be_at_four_to_pass() -> None:
    passing, failing = await grade(Script(reply([5, 4]))), await grade(Script(reply([5, 3])))
    assert (passing.quality, passing.passed) == (90.0, True)
    assert (failing.quality, failing.passed) == (80.0, False)


@pytest.mark.parametrize(("matches", "stored"), [("yes", True), ("partial", False), ("no", False)])
async def test_partly_matching_is_stored_as_not_matching(matches: str, stored: bool) -> None:
    assert (await grade(Script(reply([2, 2], matches)))).matches_expected is stored


async def test_a_quote_that_is_not_in_the_output_is_flagged() -> None:
    judged = (await grade(Script(reply([5, 5], evidence="130 kg")))).judgement
    assert judged is not None
    assert judged.flags == ("quote_not_found",)
    assert not judged.criteria[0].quote_found


async def test_a_contradiction_is_judged_once_more_and_flagged_only_if_it_stays() -> None:
    mended = await grade(Script(reply([5, 5], "no"), reply([1, 1], "no")))
    assert mended.quality == 20.0
    assert mended.judgement is not None
    assert (mended.judgement.flags, mended.judgement.calls, mended.judgement.usage) == ((), 2, ONE + ONE)
    stubborn = await grade(Script(reply([5, 5], "no"), reply([4, 5], "no")))
    assert stubborn.judgement is not None
    assert stubborn.judgement.flags == ("contradiction",)


async def test_a_second_opinion_that_fails_leaves_the_first_and_its_cost() -> None:
    script = Script(reply([5, 5], "no"), CallError(FailureKind.NETWORK, "down", wasted=Usage(7, 0)))
    judged = (await grade(script)).judgement
    assert judged is not None
    assert judged.usage == ONE + Usage(7, 0)
    assert judged.flags == ("contradiction",)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("I would give it a five.", "prose instead of JSON"),
        ('{"criteria": [', "broken JSON"),
        (reply([5]), "1 criteria graded instead of 2"),
        (reply([5, 6]), "less than or equal to 5"),
        (reply([5, 5]).replace('"partial"', '"maybe"'), "matches_expected"),
        (ModelResponse(reply([5, 5]), ONE, 5.0, StopReason.LENGTH), "cut at max_tokens"),
        (ModelResponse("", ONE, 5.0, StopReason.REFUSAL), "refused"),
    ],
)
async def test_a_reply_out_of_form_is_asked_for_again_and_then_a_named_failure_with_its_cost(
    bad: str | ModelResponse, says: str
) -> None:
    assert (await grade(Script(bad, reply([5, 5])))).quality == 100.0
    with pytest.raises(CallError, match=says) as failure:
        await grade(Script(bad, bad))
    assert (failure.value.kind, failure.value.wasted) == (FailureKind.JUDGE, ONE + ONE)


async def test_json_in_a_fence_or_after_a_word_of_prose_is_read() -> None:
    assert (await grade(Script(f"Here you are:\n```json\n{reply([5, 5])}\n```"))).quality == 100.0


async def test_an_outage_of_the_judge_is_the_judges_failure() -> None:
    with pytest.raises(CallError, match="down") as failure:
        await grade(Script(CallError(FailureKind.NETWORK, "down", wasted=Usage(3, 0))))
    assert (failure.value.kind, failure.value.wasted) == (FailureKind.JUDGE, Usage(3, 0))


async def test_checks_and_criteria_count_alike_and_a_failed_check_fails_the_case() -> None:
    check = Check(CheckKind.CONTAINS, "kg")
    case = GoldenCase("1", "in", "out", assertions=("a", "b"), checks=(check,))
    graded = await grade(Script(reply([5, 5])), case)
    assert graded.quality == pytest.approx(200 / 3)
    assert graded.passed is False


async def test_without_assertions_the_threshold_decides_and_the_default_rubric_is_used() -> None:
    case = GoldenCase("1", "in", "out")
    script = Script(reply([4, 4, 3, 3]))
    graded = await grade(script, case)
    assert (graded.quality, graded.passed) == (70.0, True)
    assert "follows every instruction" in script.requests[0].prompt


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.data())
def test_quality_is_within_0_to_100_and_never_falls_when_a_level_rises(levels: list[int], data: st.DataObject) -> None:
    quality = quality_of(levels)
    assert 0 <= quality <= 100
    index = data.draw(st.integers(0, len(levels) - 1))
    raised = [*levels[:index], min(5, levels[index] + 1), *levels[index + 1 :]]
    assert quality_of(raised) >= quality


@given(st.text(), st.text(), st.text())
def test_any_piece_of_a_text_is_found_in_it(before: str, quote: str, after: str) -> None:
    assert quote_is_in(quote, before + " " + quote + " " + after)


@pytest.mark.parametrize(
    ("keys", "candidates", "judge", "same"),
    [
        ({"anthropic", "openai"}, ["openai:gpt-6"], "anthropic", False),
        ({"anthropic", "openai"}, ["anthropic:claude-opus-5"], "openai", False),
        ({"anthropic"}, ["anthropic:claude-opus-5"], "anthropic", True),
        ({"anthropic", "openai"}, ["openai:gpt-6", "openrouter:anthropic/claude-opus-5"], "anthropic", True),
        ({"google"}, ["openai:gpt-6"], "google", False),
        (set[str](), ["local:smollm2-135m"], None, False),
    ],
)
def test_the_default_judge_is_of_another_family_where_keys_allow(
    keys: set[str], candidates: list[str], judge: str | None, same: bool
) -> None:
    chosen = choose_judge(keys, [ModelRef.parse(text) for text in candidates])
    assert (chosen.ref.provider if chosen.ref else None, chosen.same_family) == (judge, same)
    assert chosen.sentence


def test_a_vendor_at_an_address_of_ones_own_is_named_as_why_there_is_no_default_judge() -> None:
    chosen = choose_judge((), [ModelRef("openai", "x")], {"openai": "OPENAI_BASE_URL", "mine": "settings.toml"})
    assert chosen.ref is None
    assert "openai (OPENAI_BASE_URL) is at an address of one's own" in chosen.sentence
    assert "key is at hand" not in chosen.sentence
    assert "mine" not in chosen.sentence
    at_hand = choose_judge(["anthropic"], [ModelRef("openai", "x")], {"openai": "OPENAI_BASE_URL"})
    assert at_hand.ref is not None


def test_a_skill_may_bring_its_rubric() -> None:
    listed = SkillContent("a", "", "", "", "d", frontmatter={"metadata": {"rubric": ["Short", " Clear "]}})
    text = SkillContent("a", "", "", "", "d", frontmatter={"metadata": {"rubric": "Short\n\nClear"}})
    file = SkillContent("a", "", "", "", "d", files={"rubric.md": b"# Rubric\n- Short\n2. Clear\nprose\n"})
    assert rubric_of(listed) == rubric_of(text) == rubric_of(file) == ("Short", "Clear")
    assert rubric_of(SkillContent("a", "", "", "", "d", frontmatter={"metadata": "odd"})) == ()


@pytest.mark.parametrize(
    "doubtful",
    [
        ModelResponse(reply([5, 5]), Usage(), 5.0, usage_known=False),
        ModelResponse(reply([5, 5]), ONE, 5.0, wasted_known=False),
    ],
)
async def test_a_judge_that_may_have_used_more_says_so(doubtful: ModelResponse) -> None:
    sure, unsure = (await grade(Script(reply([5, 5])))).judgement, (await grade(Script(doubtful))).judgement
    assert sure is not None
    assert unsure is not None
    assert (sure.usage_known, unsure.usage_known) == (True, False)


async def test_a_doubt_about_any_call_of_a_grading_stays() -> None:
    lost = CallError(FailureKind.TIMEOUT, "silence", wasted_known=False)
    second = (await grade(Script(reply([5, 5], "no"), lost))).judgement
    assert second is not None
    assert not second.usage_known
    with pytest.raises(CallError) as failure:
        await grade(Script(ModelResponse("prose", Usage(), 5.0, usage_known=False), "prose"))
    assert not failure.value.wasted_known
    with pytest.raises(CallError) as failure:
        await grade(Script(lost))
    assert not failure.value.wasted_known
