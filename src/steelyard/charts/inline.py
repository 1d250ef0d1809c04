"""A converted SVG made fit to stand in a page: no style, script or address, colours by class, marks that speak."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from markupsafe import Markup

from steelyard.charts.palette import Ink, class_of

_SPACE = "{http://www.w3.org/2000/svg}"
_DECIMALS = re.compile(r"-?\d+\.\d{2,}(?:e-?\d+)?")
_KEPT = frozenset(
    {
        "d", "transform", "x", "y", "x2", "y2", "dx", "dy", "width", "height", "opacity", "fill-opacity", "text-anchor",
        "font-size", "font-weight", "stroke-width", "stroke-dasharray", "stroke-linejoin", "stroke-linecap", "fill",
        "stroke",
    }
)  # fmt: skip
_NUMBERS = frozenset({"d", "transform", "x", "y", "x2", "y2", "dx", "dy", "width", "height"})
_MARK = "chart-hit"
_UNPAINTED = frozenset({"none", "transparent"})


class UnfitPicture(ValueError):
    """A converted picture holds something that must not stand in a page; a fault of ours, never of the data."""


def inline(svg: str, *, name: str, label: str, description: str) -> Markup:
    """The picture as markup: a group named `label`, its marks that say something focusable images with a title.

    `name` becomes the class `chart-svg-<name>`. Only the first mark is a stop of the Tab key; a script moves among the
    others by arrow keys. Raises UnfitPicture on an element, an attribute or a colour that is not expected.
    """
    # Not hostile: our own converter's output, with every foreign text escaped by it.
    root = ElementTree.fromstring(svg)  # noqa: S314
    size = root.get("viewBox", "")
    drawn = ElementTree.Element(
        "svg",
        {
            "class": f"chart-svg chart-svg-{name}",
            "viewBox": size,
            "role": "group",
            "aria-label": label,
            "focusable": "false",
        },
    )
    ElementTree.SubElement(drawn, "desc").text = description
    for child in root:
        taken = _take(child)
        if taken is not None:
            drawn.append(taken)
    marks = [mark for mark in drawn.iter() if mark.get("class") == _MARK]
    for index, mark in enumerate(marks):
        mark.set("tabindex", "0" if index == 0 else "-1")
    return Markup(ElementTree.tostring(drawn, encoding="unicode"))  # noqa: S704


def _take(element: ElementTree.Element) -> ElementTree.Element | None:
    tag = element.tag.removeprefix(_SPACE)
    if tag not in {"g", "path", "line", "rect", "text", "tspan"}:
        raise UnfitPicture(f"A chart's picture holds <{tag}>.")
    if element.get("class") in {"background", "foreground"} or _unseen(element):
        return None
    says = element.get("aria-label")
    kept = ElementTree.Element(tag, _attributes(element, tag))
    kept.text = element.text
    if says is not None and tag != "g":
        kept.set("class", _MARK)
        kept.set("role", "img")
        kept.attrib.pop("opacity", None)
        ElementTree.SubElement(kept, "title").text = says
        return kept
    children = [taken for child in element if (taken := _take(child)) is not None]
    if tag == "g":
        if not children:
            return None
        if not kept.attrib and len(children) == 1:
            return children[0]
        if "mark-" in element.get("class", "") and not _speaks(children):
            kept.set("aria-hidden", "true")
    kept.extend(children)
    return kept


def _unseen(element: ElementTree.Element) -> bool:
    return element.get("display") == "none" or (element.get("fill") == "transparent" and not element.get("aria-label"))


def _speaks(children: list[ElementTree.Element]) -> bool:
    return any(part.tag == "title" for child in children for part in child.iter())


def _attributes(element: ElementTree.Element, tag: str) -> dict[str, str]:
    kept: dict[str, str] = {}
    classes: list[str] = []
    for name, value in element.attrib.items():
        if name not in _KEPT or (name == "opacity" and value == "1"):
            continue
        if name in {"fill", "stroke"}:
            if value in _UNPAINTED:
                kept[name] = "none"
            elif value != Ink.HIT:
                try:
                    classes.append(class_of(name, value))
                except ValueError as unknown:
                    raise UnfitPicture(f"A chart's picture is painted {value}.") from unknown
        elif name in _NUMBERS:
            kept[name] = _DECIMALS.sub(_rounded, value)
        else:
            kept[name] = value
    if tag == "g" and kept.get("transform") in {"translate(0,0)", ""}:
        del kept["transform"]
    if classes:
        kept["class"] = " ".join(classes)
    return kept


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")
