"""Raw text shown as it is: nothing in it is markup, nothing in it is unseen, and no more of it than fits a page."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from steelyard.web.text.odd import lines_of, marked

SHOWN = 20_000


@dataclass(frozen=True)
class Shown:
    """A block of markup, and how many characters at the end of the text it does not show."""

    html: Markup
    left: int

    @property
    def note(self) -> str | None:
        """What to say below the block when the text was cut."""
        return more(self.left)


def plain(text: str, limit: int = SHOWN) -> Shown:
    """The first `limit` characters in a `<pre>`, its direction found from the text, its odd characters spelled."""
    text = lines_of(text)
    return Shown(block(marked(text, 0, min(limit, len(text)))), max(0, len(text) - limit))


def inline(text: str, limit: int = 200) -> Markup:
    """One line of another's text within a sentence of ours, isolated so that it reorders nothing around it."""
    text = " ".join(text.split())
    ended = "…" if len(text) > limit else ""
    return Markup("<bdi>{}{}</bdi>").format(marked(text, 0, min(limit, len(text))), ended)


def block(content: Markup) -> Markup:
    """The block that raw text is shown in."""
    # A parser drops one line feed after <pre>; this one, so that the text keeps its own.
    return Markup('<pre class="text-raw" dir="auto">\n{}</pre>').format(content)


def more(left: int) -> str | None:
    """`12,345 more characters are not shown.`, or None when none are left."""
    if left <= 0:
        return None
    return f"{left:,} more {'character is' if left == 1 else 'characters are'} not shown."
