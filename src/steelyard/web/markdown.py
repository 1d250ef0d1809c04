"""Markdown that someone else wrote, as HTML that cannot do anything."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from steelyard.web.filters import visible

MAX_CHARACTERS = 200_000
_TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"),
    *("s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")


def render_markdown(text: str, *, limit: int = MAX_CHARACTERS) -> Markup:
    """Sanitised HTML: no raw HTML, no images, no address but http, https and mailto.

    What is past `limit` characters is left out, and a last paragraph says so.
    """
    html = _PARSER.render(visible(text[:limit]))
    safe = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    if len(text) > limit:
        safe += f"<p>{escape(f'Cut here: the text has {len(text):,} characters, {limit:,} are shown.')}</p>"
    return Markup(safe)  # noqa: S704 - nh3 has just cleaned it
