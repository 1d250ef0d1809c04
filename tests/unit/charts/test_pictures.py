"""Every chart's picture may stand in a page under a strict policy, and every mark of it says what it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import altair as alt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import steelyard.web
from steelyard.charts import NARROW, WIDE, Chart, Frame, ModelFigures, Standing, interval_plot, quality_cost, warm
from steelyard.charts.inline import UnfitPicture, inline
from steelyard.charts.models import fitting_standing, standing_lines, standing_words
from steelyard.charts.palette import Ink, class_of
from steelyard.charts.words import text_width
from tests.unit.charts.made import NINE, drawn

CHARTS = drawn()
ATTRIBUTES = {
    "class", "viewBox", "role", "aria-label", "aria-hidden", "focusable", "tabindex", "d", "transform", "x", "y", "x2",
    "y2", "width", "height", "fill", "fill-opacity", "opacity", "stroke-width", "stroke-dasharray", "stroke-linejoin",
    "stroke-miterlimit", "text-anchor", "font-size", "font-weight",
}  # fmt: skip
CSS = (Path(steelyard.web.__file__).parent / "assets" / "css" / "charts.css").read_text()
STYLED = set(re.findall(r"\.([a-z][a-z-]*)", CSS))


def picture(chart: Chart, frame: Frame) -> ElementTree.Element:
    return ElementTree.fromstring(chart.svg(frame))


@pytest.mark.parametrize("frame", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", CHARTS)
def test_a_picture_holds_shapes_and_text_painted_by_class(name: str, frame: Frame) -> None:
    root = picture(CHARTS[name], frame)
    for element in root.iter():
        assert element.tag in {"svg", "desc", "title", "g", "path", "line", "rect", "text", "tspan"}
        assert set(element.attrib) <= ATTRIBUTES, element.attrib
        assert element.get("fill") in {None, "none"}
        assert set(element.get("class", "").split()) <= STYLED
    assert set(root.get("class", "").split()) == {"chart-svg", f"chart-svg-{frame.name}"}
    width, height = CHARTS[name].size(frame)
    assert root.get("viewBox") == f"0 0 {width} {height}"
    assert width == frame.width


@pytest.mark.parametrize("frame", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", CHARTS)
def test_each_mark_says_what_it_is_and_one_is_reached_by_tab(name: str, frame: Frame) -> None:
    root = picture(CHARTS[name], frame)
    marks = [element for element in root.iter() if element.get("class") == "chart-hit"]
    assert marks
    assert [mark.get("tabindex") for mark in marks] == ["0", *["-1"] * (len(marks) - 1)]
    for mark in marks:
        assert mark.get("role") == "img"
        assert (mark.findtext("title") or "").endswith(".")
    hidden = [element for group in root.iter("g") if group.get("aria-hidden") for element in group.iter()]
    assert not any(mark in hidden for mark in marks)
    assert root.get("aria-label") == CHARTS[name].title
    assert CHARTS[name].sentence in (root.findtext("desc") or "")


@pytest.mark.parametrize("frame", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", CHARTS)
def test_no_text_leaves_the_picture(name: str, frame: Frame) -> None:
    width, height = CHARTS[name].size(frame)
    found = re.findall(
        r'<text[^>]*?text-anchor="(start|middle|end)" transform="translate\((-?[\d.]+),(-?[\d.]+)\)"[^>]*>([^<]*)<',
        CHARTS[name].svg(frame),
    )
    left, top = map(
        float, re.findall(r'<g fill="none" transform="translate\(([\d.]+),([\d.]+)\)"', CHARTS[name].svg(frame))[0]
    )
    assert found
    for anchor, x, y, words in found:
        # Sans-serif at 12 pixels is at most this wide; half of it is on either side of a centred text.
        wide = 6.3 * len(words)
        start = left + float(x) - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
        assert start > -12, words
        assert start + wide < width + 24, words
        assert 0 < top + float(y) < height, words


@pytest.mark.parametrize("name", CHARTS)
def test_a_specification_is_valid_vega_lite(name: str) -> None:
    for frame in (WIDE, NARROW):
        alt.LayerChart.from_dict(CHARTS[name].spec(frame, standalone=True), validate=True)


def test_a_colour_or_an_element_that_is_not_expected_is_refused() -> None:
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">'
    for body in ('<path d="M0,0" fill="red"/>', "<script/>", "<style/>", '<image href="http://x"/>', "<a/>"):
        with pytest.raises(UnfitPicture):
            inline(f"{head}{body}</svg>", name="wide", label="", description="")


def test_every_ink_has_a_class_in_the_stylesheet_for_fill_and_stroke() -> None:
    for ink in Ink:
        if ink is not Ink.HIT:
            assert class_of("fill", ink) in STYLED
            assert class_of("stroke", ink) in STYLED


@given(st.lists(st.text(st.characters(codec=None), max_size=30), min_size=1, max_size=4, unique=True))
@settings(max_examples=15, deadline=None)
def test_whatever_models_are_called_the_picture_is_well_formed(names: list[str]) -> None:
    models = [ModelFigures(name, 50.0 + index, None, None, 1e6 * (index + 1), 3) for index, name in enumerate(names)]
    root = ElementTree.fromstring(quality_cost(models).svg())
    assert len([element for element in root.iter() if element.get("class") == "chart-hit"]) == len(names)


@given(st.frozensets(st.sampled_from(Standing), min_size=1), st.floats(0, 400))
@settings(max_examples=200, deadline=None)
def test_how_a_model_stands_is_never_cut_within_its_words(standings: frozenset[Standing], width: float) -> None:
    item = ModelFigures("made:m", 80.0, None, None, 1e6, 3, standings)
    words = fitting_standing(item, 12, width)
    assert words == "" or text_width(words, 12) <= width
    lines = standing_lines(item, 12, width)
    assert " ".join(lines) == standing_words(item)
    for said in (words, *lines):
        for one in sorted(Standing, key=lambda standing: -len(standing.value)):
            said = said.replace(one.value, "").replace(one.brief, "")
        assert set(said) <= {",", " "}


@pytest.mark.parametrize("frame", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("chart", [quality_cost, interval_plot], ids=["against cost", "intervals"])
@pytest.mark.parametrize("priced", [True, False], ids=["priced", "free"])
def test_standings_stand_whole_beside_short_and_long_names(
    chart: Callable[[Sequence[ModelFigures]], Chart], frame: Frame, priced: bool
) -> None:
    leads = frozenset({Standing.LEADING, Standing.GOOD_ENOUGH})
    tied = frozenset({Standing.TIED, Standing.GOOD_ENOUGH, Standing.CHEAPEST})
    models = [
        ModelFigures("made:m", 91.0, 84.0, 96.0, 2e6 * priced, 24, leads),
        ModelFigures("made:gpt-of-some-length", 89.0, 84.0, 96.0, 1e6 * priced, 24, tied),
        ModelFigures("made:other", 70.0, 64.0, 76.0, 4e6 * priced, 24),
    ]
    shown = re.findall(r"<text[^>]*>([^<]*)<", chart(models).svg(frame))
    assert not any("…" in words for words in shown)
    if not frame.narrow:
        assert any(words.startswith("leading, not proven") for words in shown)


def test_markup_in_a_name_is_text() -> None:
    chart = quality_cost([ModelFigures("<script>alert(1)</script>", 50.0, None, None, 1e6, 3), NINE[0]])
    assert "<script" not in chart.figure()
    assert "&lt;script&gt;" in chart.figure()
    assert "<script" not in chart.svg()


def test_a_picture_is_drawn_once_for_the_same_figures() -> None:
    warm()
    first = quality_cost(NINE[:3])
    again = quality_cost(list(reversed(NINE[:3])))
    assert first.etag == again.etag
    assert first.svg() is again.svg()
    assert first.png() is again.png()
    assert quality_cost(NINE[:2]).etag != first.etag


def test_a_png_has_the_size_that_is_asked_for() -> None:
    chart = CHARTS["feedback"]
    for scale in (1.0, 2.0):
        data = chart.png(scale)
        assert data.startswith(b"\x89PNG")
        assert int.from_bytes(data[16:20]) == round((600 + 32) * scale)


def test_a_document_holds_the_figures_and_the_specification() -> None:
    document = CHARTS["log scatter"].document()
    assert document["rows"][0]["model"] == "anthropic:claude-opus-5"
    assert document["rows"][0]["cost_per_case_microcents"] == pytest.approx(11_800_000)
    assert document["spec"]["layer"]
