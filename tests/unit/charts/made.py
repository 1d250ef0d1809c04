"""Charts of made-up figures, one of every kind and state that can be drawn."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from steelyard.charts import (
    Chart,
    CostDay,
    FeedbackDay,
    ModelFigures,
    RunMark,
    RunQuality,
    Standing,
    cost_trend,
    feedback_trend,
    interval_plot,
    quality_cost,
    quality_history,
)

USD = 100_000_000
LAST = date(2025, 11, 22)


def cost_days(count: int, *, unknown_every: int = 0) -> list[CostDay]:
    return [
        CostDay(
            LAST - timedelta(days=back),
            (7 + back * 13 % 17) * USD // 100,
            10 + back % 7,
            2 if unknown_every and back % unknown_every == 0 else 0,
        )
        for back in range(count)
        if back % 11 != 3
    ]


def run_marks(*backs: int) -> list[RunMark]:
    return [RunMark(LAST - timedelta(days=back), "3 models, 24 cases") for back in backs]


def model(
    name: str, quality: float | None, cost_usd: float | None, *standings: Standing, half: float | None = 3.0
) -> ModelFigures:
    known = quality is not None and half is not None
    return ModelFigures(
        name,
        quality,
        quality - half if known and quality is not None and half is not None else None,
        quality + half if known and quality is not None and half is not None else None,
        None if cost_usd is None else cost_usd * USD,
        24,
        frozenset(standings),
    )


NINE = [
    model("anthropic:claude-opus-5", 91.0, 0.118, Standing.BEST),
    model("openai:gpt-6", 90.0, 0.096),
    model("anthropic:claude-sonnet-5", 88.5, 0.041, Standing.GOOD_ENOUGH),
    model("google:gemini-3-pro", 87.0, 0.052),
    model("openai:gpt-6-mini", 82.0, 0.0125),
    model("anthropic:claude-haiku-5", 80.0, 0.0092),
    model("google:gemini-3-flash", 79.0, 0.0061),
    model("meta:llama-5-70b", 72.0, 0.0048),
    model("alibaba:qwen-4-32b", 70.0, 0.0031, Standing.CHEAPEST),
]
ODD = [
    model("local:smollm2-135m", 66.0, 0.0),
    model("openai:a-router-with-a-very-long-name?reasoning_effort=high&temperature=1", 84.0, None),
    model("openai:no-interval", 78.0, None, half=None),
    model("openai:not-graded", None, 0.02),
]


def history(count: int) -> list[RunQuality]:
    return [
        RunQuality(
            datetime(2025, 11, 22, 12, tzinfo=UTC) - timedelta(days=9 * back),
            80 + back % 5,
            75.0 + back % 5,
            85.0 + back % 5,
            "openai:gpt-6",
            24,
        )
        for back in range(count)
    ]


def feedback(count: int) -> list[FeedbackDay]:
    return [
        FeedbackDay(LAST - timedelta(days=back), back % 5, back % 3 if back % 5 > 2 else 0) for back in range(count)
    ]


def drawn() -> dict[str, Chart]:
    return {
        "trend of 30 days": cost_trend(cost_days(30), [], last=LAST, span=30),
        "trend with runs and unknown costs": cost_trend(
            cost_days(90, unknown_every=9), run_marks(5, 21, 22, 22), last=LAST, span=90
        ),
        "trend of a year with many runs": cost_trend(
            cost_days(365, unknown_every=4), run_marks(*range(0, 365, 9)), last=LAST, span=365
        ),
        "trend of free uses": cost_trend(
            [CostDay(LAST - timedelta(days=back), 0, 3) for back in range(5)], [], last=LAST, span=30
        ),
        "log scatter": quality_cost(NINE),
        "log scatter with lanes": quality_cost([*NINE, *ODD]),
        "linear scatter": quality_cost([*NINE[:4], ODD[0]]),
        "one model": quality_cost(NINE[:1]),
        "twelve at one place": quality_cost([model(f"made:m{index}", 80.0, 0.01) for index in range(12)]),
        "local models alone": quality_cost([ODD[0], model("local:other", 60.0, 0.0)]),
        "sixty models": quality_cost(
            [model(f"made:m{index}", 40 + index * 0.9, 0.001 * 1.1**index) for index in range(60)]
        ),
        "intervals": interval_plot([*NINE, *ODD]),
        "history": quality_history(history(9)),
        "history within a day": quality_history(
            [RunQuality(datetime(2025, 11, 22, hour, tzinfo=UTC), 80.0, None, None, "m", 8) for hour in (3, 9)]
        ),
        "feedback": feedback_trend(feedback(14), last=LAST),
    }
