"""What a browser would make of markup: its tags with attributes, and its text."""

from __future__ import annotations

from html.parser import HTMLParser

# Void elements close themselves.
_VOID = {"br", "hr"}
_URLS = ("http://", "https://", "mailto:")


class Parsed(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.parts: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError("a declaration")

    def handle_pi(self, data: str) -> None:
        raise AssertionError("a processing instruction")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError("an unknown declaration")

    @property
    def text(self) -> str:
        return "".join(self.parts)


def check_safe(markup: str, allowed: dict[str, set[str]]) -> Parsed:
    """Well nested, only these tags with only these attributes, and addresses of the web alone."""
    parsed = Parsed(markup)
    assert parsed.open == []
    for tag, attributes in parsed.tags:
        assert tag in allowed, tag
        assert set(attributes) <= allowed[tag], (tag, attributes)
        if "href" in attributes:
            assert str(attributes["href"]).startswith(_URLS), attributes
            assert attributes["rel"] == "noopener noreferrer nofollow"
    markup.encode("utf-8")
    return parsed
