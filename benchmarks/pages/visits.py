"""What is visited: every page and fragment as a line of its own, each visit another address where there are several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote, urlencode

from benchmarks.pages.known import Known
from benchmarks.pages.library import MAIN

PARTIAL = {"hx-request": "true", "hx-request-type": "partial"}
_SEARCHES = ("triage", "finance", "Legal", "report for", "042", "draft", "team", "invoice", "no such text", "x", "-7")


@dataclass(frozen=True)
class Visit:
    """One request. With `form` it is a POST with a token of the page `form_page`. `ask_twice`: the second counts."""

    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    form: Sequence[tuple[str, str]] | None = None
    form_page: str = ""
    ask_twice: bool = False


@dataclass(frozen=True)
class Line:
    """A line of the table. `barred`: it has to keep to the times that are promised. `status` is what is expected."""

    name: str
    make: Callable[[Random], Visit]
    barred: bool = True
    status: int = 200


def lines_of(known: Known) -> list[Line]:
    """Every page, fragment and download there is."""
    return [*_lists(known), *_tabs(known), *_charts(known), *_runs(known), *_forms(known), *_others(known)]


def _query(path: str, /, **values: object) -> str:
    return f"{path}?{urlencode({key: value for key, value in values.items() if value not in ('', None)})}"


def _fixed(path: str, **more: object) -> Callable[[Random], Visit]:
    address = _query(path, **more) if more else path
    return lambda _: Visit(address)


def _lists(known: Known) -> list[Line]:
    def later(sort: str, descending: bool, which: slice) -> Callable[[Random], Visit]:
        tokens = known.list_tokens[sort, descending][which]
        direction = "desc" if descending else ""
        return lambda dice: Visit(
            _query("/", sort="" if sort == "name" else sort, dir=direction, after=dice.choice(tokens) if tokens else "")
        )

    def sorted_by(dice: Random) -> Visit:
        return Visit(_query("/", sort=dice.choice(("quality", "cost", "feedback", "benchmarked")), dir="desc"))

    def searched(dice: Random) -> Visit:
        return Visit(_query("/", q=dice.choice(_SEARCHES), sort=dice.choice(("", "quality", "cost"))))

    return [
        Line("Skills, first page", _fixed("/")),
        Line("Skills, a page in the middle", later("name", False, slice(None, -1))),
        Line("Skills, last page", later("name", False, slice(-1, None))),
        Line("Skills, sorted by another column", sorted_by),
        *[
            Line(f"Skills, by {sort}, a page in the middle", later(sort, True, slice(None, -1)))
            for sort in ("quality", "cost", "feedback", "benchmarked")
        ],
        Line("Skills, searched", searched),
        Line("Skills, stale ones only", _fixed("/", stale="1")),
    ]


def _tabs(known: Known) -> list[Line]:
    main = f"/skills/{MAIN}"

    def any_skill(tab: str, names: Sequence[str] = known.skills) -> Callable[[Random], Visit]:
        return lambda dice: Visit(f"/skills/{dice.choice(names)}/{tab}")

    def main_sorted(dice: Random) -> Visit:
        return Visit(_query(f"{main}/benchmark", sort=dice.choice(("cost", "quality", "latency")), days=30))

    def two_versions(dice: Random) -> Visit:
        before, after = dice.sample(known.versions, 2) if len(known.versions) > 1 else ("", "")
        return Visit(_query(f"{main}/versions", **{"from": before[:12], "to": after[:12]}))

    def a_file(dice: Random) -> Visit:
        digest, path = dice.choice(known.files)
        return Visit(_query(f"{main}/versions/{digest[:16]}/file", path=path))

    def a_review(dice: Random) -> Visit:
        return Visit(_query(f"{main}/review", review=dice.choice(known.reviews) if known.reviews else ""))

    def a_comparison(dice: Random) -> Visit:
        first, second = dice.sample(known.usual, 2)
        return Visit(_query(f"{main}/compare", a=first.id, b=second.id))

    def history(which: slice) -> Callable[[Random], Visit]:
        tokens = known.run_tokens[which]
        return lambda dice: Visit(_query(f"{main}/runs", after=dice.choice(tokens) if tokens else ""))

    return [
        Line("Benchmark tab, any skill", any_skill("benchmark", known.benchmarked)),
        Line("Benchmark tab, 1,000 runs", _fixed(f"{main}/benchmark")),
        Line("Benchmark tab, 1,000 runs, sorted", main_sorted),
        Line("Benchmark tab, 1,000 runs, 365 days", _fixed(f"{main}/benchmark", days=365)),
        Line("Price of the next benchmark (fragment)", lambda _: Visit(f"{main}/benchmark/again", PARTIAL)),
        Line("What speaks against it (fragment)", lambda _: Visit(f"{main}/benchmark/causes?line=1", PARTIAL)),
        Line("What changed the cost (fragment)", lambda _: Visit(f"{main}/benchmark/change?days=365", PARTIAL)),
        Line("In production (fragment)", lambda _: Visit(f"{main}/benchmark/production", PARTIAL)),
        Line("Details tab, any skill", any_skill("details")),
        Line("Details tab, the longest", _fixed(f"{main}/details")),
        Line("Details tab, raw text", _fixed(f"{main}/details", view="raw")),
        Line("AI review tab, any skill", any_skill("review")),
        Line("AI review tab, with reviews", a_review),
        Line("Suggestions tab, any skill", any_skill("suggestions")),
        Line("Suggestions tab, with suggestions", _fixed(f"{main}/suggestions")),
        Line("Versions and the difference of two", two_versions),
        Line("A file of a version", a_file),
        Line("History of 1,000 runs, first page", _fixed(f"{main}/runs")),
        Line("History, a page in the middle", history(slice(None, -1))),
        Line("History, last page", history(slice(-1, None))),
        Line("Compare two runs, unasked", _fixed(f"{main}/compare")),
        Line("Compare two runs, any two", a_comparison),
    ]


def _charts(known: Known) -> list[Line]:
    main = f"/skills/{MAIN}/charts"

    def any_chart(name: str, form: str, names: Sequence[str]) -> Callable[[Random], Visit]:
        # Every skill at most once: what was drawn is kept.
        left = list(names)
        Random(f"{name}.{form}").shuffle(left)
        return lambda dice: Visit(
            f"/skills/{left.pop()}/charts/{name}.{form}"
            + (f"?days={dice.choice((30, 90, 365))}" if name == "cost-trend" else "")
        )

    def kept(name: str, form: str) -> Callable[[Random], Visit]:
        days = {"cost-trend": (30, 90, 365)}.get(name, ())
        return lambda dice: Visit(
            f"{main}/{name}.{form}" + (f"?days={dice.choice(days)}" if days else ""), ask_twice=True
        )

    charts = ("cost-trend", "quality-cost")
    return [
        *[Line(f"Chart {name}, kept (fragment)", kept(name, "html")) for name in charts],
        *[
            Line(f"Chart {name}, drawn (fragment)", any_chart(name, "html", known.benchmarked), barred=False)
            for name in charts
        ],
        *[
            Line(f"Chart {name}, .{form}", kept(name, form), barred=False)
            for name in charts
            for form in ("svg", "png", "csv", "json")
        ],
    ]


def _runs(known: Known) -> list[Line]:
    largest = known.largest

    def usual(rest: str = "", **query: Sequence[object]) -> Callable[[Random], Visit]:
        return lambda dice: Visit(
            _query(
                f"/runs/{dice.choice(known.usual).id}{rest}",
                **{key: dice.choice(choices) for key, choices in query.items()},
            )
        )

    def case_of_usual(dice: Random) -> Visit:
        run = dice.choice(known.usual)
        places = "-".join(map(str, sorted(dice.sample(range(run.models), min(4, run.models)))))
        show = dice.choice(("", "evidence", "differences", "rendered", "raw"))
        return Visit(_query(f"/runs/{run.id}/cases/{1 + dice.randrange(run.cases)}", models=places, show=show))

    def case_of_largest(dice: Random) -> Visit:
        show = dice.choice(("", "evidence", "differences", "rendered", "raw"))
        return Visit(_query(f"/runs/{largest.id}/cases/{1 + dice.randrange(largest.cases)}", show=show))

    def output(dice: Random) -> Visit:
        run, index, result = dice.choice(known.outputs)
        return Visit(f"/runs/{run}/cases/{index + 1}/outputs/{result}")

    def matrix_of_largest(dice: Random) -> Visit:
        only = dice.choice(("all", "differ", "not_passed", "failures"))
        return Visit(_query(f"/runs/{largest.id}", only=only, offset=dice.choice((0, 50)) if only == "all" else ""))

    many = f"{largest.cells:,} cells"
    return [
        Line("Run of about 100 cells", usual()),
        Line("Run of about 100 cells, models sorted", usual(sort=("cost", "quality", "latency"))),
        Line("Run of about 100 cells, matrix filtered", usual(only=("differ", "not_passed", "failures"))),
        Line(f"Run of {many}", _fixed(f"/runs/{largest.id}")),
        Line(f"Run of {many}, its matrix", matrix_of_largest),
        Line("Case in a run of about 100 cells", case_of_usual),
        Line(f"Case in the run of {many}", case_of_largest),
        Line("Case, one output (download)", output, barred=False),
        Line("Case, its input (download)", usual("/cases/1/texts/input"), barred=False),
        Line("Run of about 100 cells, .json", usual(".json"), barred=False),
        Line("Run of about 100 cells, cells.csv", usual("/cells.csv"), barred=False),
        Line(f"Run of {many}, .json", _fixed(f"/runs/{largest.id}.json"), barred=False),
        Line(f"Run of {many}, cells.csv", _fixed(f"/runs/{largest.id}/cells.csv"), barred=False),
    ]


def _forms(known: Known) -> list[Line]:
    main = f"/skills/{MAIN}"
    usable = [name for name in known.models if name.startswith(("openai:", "anthropic:"))] or list(known.models)

    def estimate(dice: Random) -> Visit:
        models = dice.sample(usable, min(len(usable), dice.randrange(1, 4)))
        fields = [("models", model) for model in models]
        fields += [("cases", "golden"), ("arm", "both"), ("trials", str(dice.randrange(1, 4))), ("judge", "default")]
        page = f"{main}/benchmark/new"
        return Visit(f"{main}/benchmark/estimate", PARTIAL, fields, page)

    def any_form(dice: Random) -> Visit:
        return Visit(f"/skills/{dice.choice(known.skills)}/benchmark/new")

    def a_case(dice: Random) -> Visit:
        return Visit(f"{main}/cases/{dice.choice(known.cases)}")

    def a_way(dice: Random) -> Visit:
        return Visit(_query("/skills/new", way=dice.choice(("paste", "zip", "folder", "path"))))

    return [
        Line("Run form, any skill", any_form),
        Line("Run form, 1,000 runs", _fixed(f"{main}/benchmark/new")),
        Line("Estimate of a run (fragment)", estimate),
        Line("Re-benchmark, as a page", _fixed(f"{main}/benchmark/again")),
        Line("Golden case, new", _fixed(f"{main}/cases/new")),
        Line("Golden case, edited", a_case),
        Line("Add a skill", a_way),
    ]


def _others(known: Known) -> list[Line]:
    def missing(dice: Random) -> Visit:
        return Visit(f"/skills/{quote(f'no such skill {dice.randrange(10**9)}')}/benchmark")

    return [
        Line("Models", _fixed("/models")),
        Line("Settings", _fixed("/settings")),
        Line("Not found", missing, status=404),
    ]
