"""The quick figures say their unit, their span and what is not known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from steelyard.services.feedback import FeedbackDay, FeedbackStats
from steelyard.services.usage import Change, ModelShare, SkillUsage, UsageWindow
from steelyard.storage.usage import BenchmarkPoint, UsageDay
from steelyard.web.stat_cards import Bars, Line, Shares, StatCard, stat_cards

TODAY = date(2026, 1, 30)
NONE = UsageWindow(0, 0, 0, None, None, None, None, None)
NO_CHANGE = Change(None, None, None, None)
UNUSED = SkillUsage(NONE, NONE, NONE, NO_CHANGE, None, None, ())
NO_FEEDBACK = FeedbackStats(0, None, 0, None, (), 0)


def window(uses: int, cost: int = 1_000_000, unknown: int = 0) -> UsageWindow:
    known = uses - unknown
    return UsageWindow(uses, cost * known, unknown, cost if known else None, 900.0, 100.0, 1000.0, 1200.0)


def used(recent: int, total: int, *, unknown: int = 0, change: Change = NO_CHANGE) -> SkillUsage:
    shares = (ModelShare("openai:gpt-6", 0.75, window(3)), ModelShare("openai:mini", 0.25, window(1)))
    return SkillUsage(
        window(total, unknown=unknown),
        window(recent) if recent else NONE,
        NONE,
        change,
        "openai:gpt-6",
        0.75,
        shares,
    )


def day(back: int, uses: int = 2, unknown: int = 0) -> UsageDay:
    return UsageDay(TODAY - timedelta(days=back), uses, 1_000_000 * (uses - unknown), unknown, 900, 100)


def run(quality: float, judge: str = "j") -> BenchmarkPoint:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return BenchmarkPoint(UUID(int=1), at, "best", "openai:gpt-6", quality, quality - 3, quality + 3, 400_000, judge)


def cards(
    usage: SkillUsage = UNUSED,
    days: tuple[UsageDay, ...] = (),
    runs: tuple[BenchmarkPoint, ...] = (),
    feedback: FeedbackStats = NO_FEEDBACK,
) -> dict[str, StatCard]:
    made = stat_cards(usage, days, runs, feedback, None)
    return dict(zip(("cost", "tokens", "quality", "feedback", "model"), made, strict=True))


def test_what_is_not_known_is_no_number() -> None:
    assert all(card.value is None and card.notes for card in cards().values())


def test_averages_are_of_the_last_30_days_where_there_was_use_else_of_all_time() -> None:
    assert cards(used(5, 50))["cost"].notes[0] == "average, last 30 days"
    assert cards(used(0, 50))["tokens"].notes[0] == "average, all time"


def test_a_total_with_unknown_parts_is_a_least() -> None:
    assert cards(used(5, 50, unknown=10))["cost"].notes[1] == "all time: at least $0.40 for 50 uses"
    assert cards(used(0, 50, unknown=50))["cost"].notes[1] == "all time: cost unknown for 50 uses"


def test_a_cheaper_use_is_good_and_a_small_change_is_neither() -> None:
    cheaper = cards(used(5, 50, change=Change(None, None, -11.0, 7.0)))
    assert cheaper["cost"].delta is not None
    assert (cheaper["cost"].delta.text, cheaper["cost"].delta.tone) == ("−11%", "good")
    assert cheaper["tokens"].delta is not None
    assert (cheaper["tokens"].delta.text, cheaper["tokens"].delta.tone) == ("+7%", "bad")
    small = cards(used(5, 50, change=Change(None, None, 1.0, None)))
    assert small["cost"].delta is not None
    assert small["cost"].delta.tone is None
    assert small["tokens"].delta is None


def test_a_day_without_use_or_known_cost_is_a_gap_in_the_line() -> None:
    drawn = cards(used(5, 50), (day(2), day(1, uses=0), day(0, uses=3, unknown=3)))
    cost, tokens = drawn["cost"].figure, drawn["tokens"].figure
    assert isinstance(cost, Line)
    assert cost.values == (1_000_000.0, None, None)
    assert isinstance(tokens, Line)
    assert tokens.values == (500.0, None, 1000 / 3)


def test_lines_show_the_last_30_days_of_a_longer_series() -> None:
    figure = cards(used(5, 50), tuple(day(back) for back in reversed(range(90))))["cost"].figure
    assert isinstance(figure, Line)
    assert len(figure.values) == 30


def test_a_quality_comes_with_its_interval_and_is_not_compared_over_two_judges() -> None:
    same = cards(runs=(run(80.0), run(82.0)))["quality"]
    assert (same.value, same.notes[0]) == ("82.0", "95% interval 79.0 to 85.0")
    assert same.delta is not None
    assert (same.delta.text, same.delta.tone) == ("+2.0", None)
    assert cards(runs=(run(80.0, "other"), run(82.0)))["quality"].delta is None
    assert cards(runs=(run(80.0),))["quality"].figure is None


def test_feedback_that_is_neither_praise_nor_blame_has_no_share() -> None:
    stats = FeedbackStats(3, None, 3, None, (FeedbackDay(TODAY, 3, 0, 0),), 3)
    card = cards(feedback=stats)["feedback"]
    assert card.value == "not rated"
    assert "positive" not in card.notes[1]


@given(
    st.lists(st.integers(0, 50).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=14, max_size=14)
)
def test_bars_stay_within_their_height_and_the_positive_part_within_the_bar(days: list[tuple[int, int]]) -> None:
    trend = tuple(
        FeedbackDay(TODAY - timedelta(days=13 - place), total, positive, total - positive)
        for place, (total, positive) in enumerate(days)
    )
    figure = cards(feedback=FeedbackStats(1, 50.0, 1, 50.0, trend, 0))["feedback"].figure
    assert isinstance(figure, Bars)
    assert len(figure.bars) == 14
    assert all(0 <= bar.positive <= bar.height <= 1 for bar in figure.bars)


def test_models_shares_lie_one_after_the_other() -> None:
    card = cards(used(5, 50))["model"]
    assert card.value == "gpt-6"
    assert card.notes == ("no benchmark yet to compare it by", "75% of uses, last 30 days; 1 other model beside it")
    assert isinstance(card.figure, Shares)
    assert [(share.start, share.width) for share in card.figure.shares] == [(0, 75.0), (75.0, 25.0)]
    assert card.figure.says == "gpt-6 75%; mini 25%"
