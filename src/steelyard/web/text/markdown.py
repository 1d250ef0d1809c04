"""Markdown of skills and models as sanitised markup: no HTML of its own, no images, no ids, few kinds of links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

from steelyard.web.text.odd import lines_of, visible
from steelyard.web.text.plain import plain

# Within both, the slowest of forty hostile inputs takes about a second on a busy machine and prose a quarter of one.
LONGEST = 50_000
MOST_LINES = 3_000
_DEEPEST_HEADING = 6
_WEB = ("https://", "http://", "mailto:")
_ALIGNED = {"text-align:center": "column-center", "text-align:right": "column-end"}
_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES: dict[str, set[str]] = {"a": {"href"}, "ol": {"start"}}
_CLASSES = {
    "span": {"text-image", "text-reference"},
    "td": set(_ALIGNED.values()),
    "th": set(_ALIGNED.values()),
}


@dataclass(frozen=True)
class Rendered:
    """Markup to be put inside an element of ours, and what to say below it where it is not the whole text rendered."""

    html: Markup
    note: str | None = None


def markdown(text: str, *, shift: int = 2) -> Rendered:
    """CommonMark with tables and strikethrough; headings are moved down by `shift` levels, so that they fit a page.

    HTML in the text is text. An image becomes its description and address, a link that is not http, https or mailto
    its words and address. Odd characters are spelled. A text of more than 50,000 characters
    or 3,000 lines is shown as plain text with a note that says so.
    """
    text = visible(lines_of(text))
    if len(text) > LONGEST or text.count("\n") > MOST_LINES:
        shown = plain(text)
        said = f"Shown as plain text: only {LONGEST:,} characters in {MOST_LINES:,} lines are rendered."
        return Rendered(shown.html, " ".join(part for part in (said, shown.note) if part))
    tokens = _PARSER.parse(text)
    _adapt(tokens, shift)
    rendered: str = _PARSER.renderer.render(tokens, _PARSER.options, {})
    # Once more, as a character reference may have named an odd character.
    return Rendered(Markup(visible(_CLEANER.clean(rendered))))  # noqa: S704


def _adapt(tokens: Sequence[Token], shift: int) -> None:
    """Headings down, and columns aligned by class: a style attribute would not be obeyed."""
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(_DEEPEST_HEADING, int(token.tag[1:]) + shift)}"
        elif token.type in {"td_open", "th_open"}:
            aligned = _ALIGNED.get(str(token.attrs.pop("style", "")))
            if aligned:
                token.attrs["class"] = aligned


def _image(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    words = renderer.renderInlineAsText(token.children or [], options, env)
    return str(
        Markup('<span class="text-image">[image: {} ({})]</span>').format(words, str(token.attrs.get("src", "")))
    )


def _link_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    href = str(tokens[index].attrs.get("href", ""))
    env.setdefault("links", []).append(href)
    return str(Markup('<a href="{}">').format(href)) if href.startswith(_WEB) else '<span class="text-reference">'


def _link_close(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    href: str = env["links"].pop()
    return "</a>" if href.startswith(_WEB) else f" (<code>{escape(href)}</code>)</span>"


def _no_scheme_or_web(url: str) -> bool:
    """Addresses that are rendered at all; a link with another keeps its source as text."""
    before, colon, _ = url.strip().lower().partition(":")
    relative = not colon or any(mark in before for mark in "/?#")
    return relative or url.strip().lower().startswith(_WEB)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable(["table", "strikethrough"])
    parser.disable(["html_block", "html_inline"])
    parser.validateLink = _no_scheme_or_web
    parser.add_render_rule("image", _image)
    parser.add_render_rule("link_open", _link_open)
    parser.add_render_rule("link_close", _link_close)
    return parser


_PARSER = _parser()
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    allowed_classes=_CLASSES,
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer nofollow",
    url_relative="deny",
)
