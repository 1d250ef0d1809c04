"""Markdown of others: rendered, and harmless whatever it holds."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.web.markdown import _TAGS, render_markdown


class Seen(HTMLParser):
    """Every tag and attribute of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


hostile = st.lists(
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[a](javascript:alert(1))",
            "[a](JaVaScRiPt:alert(1))",
            "[a](data:text/html;base64,PHNjcmlwdD4=)",
            "![x](http://evil.example/p.png)",
            "<svg onload=alert(1)>",
            "`<b>`",
            '<a href="http://x" style="x" hx-get="/" onclick="y">',
            "```html\n<iframe>\n```",
            "| a | b |\n|---|---|\n| <u>c</u> | d |",
            "\n\n",
            "# Heading",
        ]
    )
    | st.text(max_size=20)
).map(" ".join)


@given(hostile)
def test_nothing_but_plain_markup_comes_out(text: str) -> None:
    seen = Seen(render_markdown(text))
    assert seen.tags <= _TAGS
    assert {name for name, _ in seen.attributes} <= {"href", "rel", "start"}
    addresses = [value or "" for name, value in seen.attributes if name == "href"]
    assert all(address.startswith(("http://", "https://", "mailto:")) or ":" not in address for address in addresses)


def test_markdown_is_rendered() -> None:
    assert render_markdown("# Do\n\n- *this*") == "<h1>Do</h1>\n<ul>\n<li><em>this</em></li>\n</ul>\n"


def test_a_long_text_is_cut_and_says_so() -> None:
    assert "Cut here: the text has 1,000 characters, 100 are shown." in render_markdown("x" * 1000, limit=100)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text", ["[" * 100_000, "*" * 100_000, "> " * 50_000, "`" * 100_001, "<" * 100_000, "- " * 50_000]
)
def test_text_made_to_be_slow_is_not(text: str) -> None:
    render_markdown(text)
