"""Markdown of strangers is rendered, and can do nothing else."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings

from steelyard.web.text.markdown import LONGEST, MOST_LINES, markdown
from tests.unit.web.text.hostile import TEXT
from tests.unit.web.text.parsed import check_safe

INLINE = ["br", "code", "del", "em", "s", "strong"]
BLOCKS = ["blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "p", "table", "tbody", "thead", "tr", "ul"]
RENDERED: dict[str, set[str]] = {
    **{tag: set() for tag in INLINE + BLOCKS},
    "a": {"href", "rel"},
    "ol": {"start"},
    "span": {"class"},
    "pre": {"class", "dir"},
    "td": {"class"},
    "th": {"class"},
}
CLASSES = {"text-image", "text-reference", "column-center", "column-end", "text-raw", "text-odd"}


@given(TEXT)
@settings(max_examples=400, deadline=None)
def test_whatever_the_text_only_harmless_markup_comes_out(text: str) -> None:
    parsed = check_safe(markdown(text).html, RENDERED)
    assert {attributes["class"] for _, attributes in parsed.tags if "class" in attributes} <= CLASSES
    assert not set(parsed.text) & set("\x1b\u202e\u2066\u200b\x00\ufeff")


def test_words_of_html_are_shown_not_obeyed() -> None:
    assert markdown("<script>alert(1)</script>").html == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"


def test_tables_lists_code_and_emphasis_are_rendered() -> None:
    html = markdown("| a | b |\n|:-:|--:|\n| 1 | 2 |\n\n- *one*\n- `two`\n\n```py\nx < 1\n```\n\n3. three").html
    for part in (
        '<th class="column-center">a</th>',
        '<td class="column-end">2</td>',
        "<li><em>one</em></li>",
        "<code>two</code>",
        "<pre><code>x &lt; 1\n</code></pre>",
        '<ol start="3">',
    ):
        assert part in html


def test_headings_move_down_to_fit_the_page() -> None:
    assert markdown("# A\n\n##### B").html == "<h3>A</h3>\n<h6>B</h6>\n"
    assert markdown("# A", shift=0).html == "<h1>A</h1>\n"


def test_an_image_is_named_and_never_fetched() -> None:
    html = markdown("![a *cat*](https://evil.example/p.png?x=1&y=2)").html
    assert html == '<p><span class="text-image">[image: a cat (https://evil.example/p.png?x=1&amp;y=2)]</span></p>\n'


def test_links_to_the_web_are_links_and_others_are_text() -> None:
    html = markdown("[w](https://a.example/x) [m](mailto:a@b.example) [f](docs/a.md) [j](javascript:alert(1))").html
    rel = 'rel="noopener noreferrer nofollow"'
    assert f'<a href="https://a.example/x" {rel}>w</a>' in html
    assert f'<a href="mailto:a@b.example" {rel}>m</a>' in html
    assert '<span class="text-reference">f (<code>docs/a.md</code>)</span>' in html
    assert "[j](javascript:alert(1))" in html


@pytest.mark.parametrize(
    "url", ["//evil.example", "vbscript:x", "data:image/svg+xml,x", "java\tscript:x", "&#106;avascript:x"]
)
def test_no_other_address_becomes_a_link(url: str) -> None:
    assert "<a" not in markdown(f"[x]({url})").html


def test_a_text_too_long_is_shown_plain_and_says_so() -> None:
    rendered = markdown("# A\n" + "x" * LONGEST)
    assert rendered.html.startswith("<pre")
    assert rendered.note is not None
    assert "plain text" in rendered.note
    assert markdown("\n" * (MOST_LINES + 1)).note is not None
    assert markdown("# A").note is None


BOMBS = [
    "[",
    "]",
    "[]",
    "[a](",
    "[a](<b",
    "*a **a ",
    "*",
    "_a",
    "`",
    ">",
    "> > > > > > > > > > a\n",
    "- ",
    "1. ",
    "<",
    "<http:",
    "&",
    "&amp;",
    "~~a",
    "\\*",
    "![",
    "![a](b)",
    "*_",
    "a**b",
    "[a]: <",
    "[a]: u\n",
    "[a][a]",
    "<a b='",
    "<!--",
    "](",
    "> - ",
    "|\n",
    "# a\n",
    "a\n\n",
    "|a|b|\n|-|-|\n",
    "- a\n  - b\n",
    "\t",
    "a\n=\n",
    "    a\n",
    "é*é_",
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_no_bomb_of_the_longest_length_takes_long(bomb: str) -> None:
    text = (bomb * (LONGEST // len(bomb) + 1))[:LONGEST]
    started = time.process_time()
    markdown(text)
    assert time.process_time() - started < 4


@pytest.mark.parametrize("bomb", ["[", "*a ", "> ", "\n", "a", "\x1b"])
def test_a_megabyte_takes_less(bomb: str) -> None:
    text = bomb * (1_000_000 // len(bomb))
    started = time.process_time()
    markdown(text)
    assert time.process_time() - started < 2
