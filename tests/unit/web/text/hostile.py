"""Hostile texts: any characters at all, and pieces that are known to break parsers and eyes."""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</pre></mark><svg/onload=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVa\tScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](//evil.example/a)",
    "[x](https://fine.example \"' onmouseover='alert(1)\")",
    "![x](https://evil.example/pixel.png)",
    "<javascript:alert(1)>",
    "[r]: javascript:alert(1)\n\n[r]",
    '```x" onclick="alert(1)\ncode\n```',
    "&#x202e;&#0;&lt;script&gt;&#60;b&#62;",
    "\x1b[31mred\x1b[0m\x1b]8;;http://evil\x07",
    "\u202egnp.exe\u2066\u2069\u200b\u200f\ufeff",
    "\ud800\udfff",
    "\x00\x01\x7f\x85\x9b2J",
    "<!-- <style>*{} -->",
    "<![CDATA[ x ]]><?php ?><!DOCTYPE html>",
    "| a | b |\n|:-:|--:|\n| <b> | `|` |\n",
    "> > > - 1. # deep\n",
    "# Heading {#id onclick=x}\n",
    "\r\nfirst\rsecond\n",
    "{{ 7*7 }}{% raw %}",
    "👨‍👩‍👧 می‌خواهم e\u0301\u0301\u0301",
    "\U000e0041\U000e0042\ufe0f\ufe0f\ufe0f",
    "\n",
    " ",
]

CHARACTERS = st.characters(codec=None)
TEXT = st.one_of(
    st.text(CHARACTERS, max_size=200),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(CHARACTERS, max_size=8)), max_size=12).map("".join),
)
