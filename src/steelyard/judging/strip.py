"""The judge's copy of an output: without reasoning blocks and without what says who wrote it."""

from __future__ import annotations

import re

_TAGS = ("think", "thinking", "thought", "reasoning", "scratchpad")

_VENDOR = (
    r"(?:Anthropic|OpenAI|Google(?: DeepMind| AI)?|DeepMind|Meta(?: AI)?|Microsoft|Mistral(?: AI)?|Alibaba(?: Cloud)?"
    r"|DeepSeek|xAI|Cohere|Amazon|NVIDIA|Hugging Face|Moonshot(?: AI)?|Zhipu(?: AI)?|IBM)"
)
# Read in one way alone, whole or not at all: an output may be a thousand lines of what comes to no version.
_NUMBER = r"v?[0-9](?>(?:[0-9A-Za-z.]{0,12}[0-9A-Za-z])?)(?![0-9A-Za-z])"
_VERSION = (
    rf"(?:[ -]{_NUMBER}"
    r"|[ -](?:Sonnet|Opus|Haiku|Pro|Flash|Lite|Ultra|Nano|Mini|Turbo|Instruct|Chat|Large|Medium|Small|AI)"
    rf"(?:{_NUMBER})?)"
)
_NAME = (
    r"(?:Claude|claude|ChatGPT|GPT|Gemini|Gemma|Bard|Llama|LLaMA|Mistral|Mixtral|Qwen|DeepSeek|Grok|Copilot|SmolLM|Kimi)"
    rf"(?:{_NUMBER})?{_VERSION}{{0,4}}(?![\w-])"
)
_ADJECTIVE = r"(?:helpful|harmless|honest|large|small|advanced|conversational|virtual|multimodal|friendly|text-based)"
_KIND = (
    rf"(?:(?:an?|your) )?(?:{_ADJECTIVE},? ){{0,3}}(?i:AI|artificial intelligence|LLM|language model)"
    r"(?i:[ -](?:powered|based|AI|assistant|model|language|chatbot|system|agent)){0,4}(?![\w-])"
)
_BUILT = r"(?:made|created|developed|trained|built|designed|provided)"
_MAKER = rf"(?:,? (?:(?:that|which|who) (?:is|was) )?(?:{_BUILT}(?: and {_BUILT})? by|by|of|from) {_VENDOR}(?!\w))"
# A kind that says nothing by itself tells who wrote it beside its maker.
_MODEL = rf"(?:an? (?:{_ADJECTIVE},? ){{0,3}}(?:model|assistant|chatbot|system)(?={_MAKER}))"
_WHO = rf"[*_]{{0,3}}(?:{_VENDOR}['’]s )?(?:{_NAME}|{_KIND}|{_MODEL})[*_]{{0,3}}(?:,? (?:{_KIND}|{_MODEL}))?{_MAKER}?"
_ME = r"(?:I am|I['’]m|i am|i['’]m)"
_BY_NAME = rf"[*_]{{0,3}}{_NAME}[*_]{{0,3}}(?:,? (?:{_KIND}|{_MODEL}))?{_MAKER}?"
_NAMED = rf"(?:{_ME} {_WHO}|(?:My name is|This is|You can call me|Call me) {_BY_NAME})"
_MADE = rf"(?:I was|{_ME}) (?:made|created|developed|trained|built|designed) by {_VENDOR}(?!\w)"
_STATEMENT = rf"(?:{_NAMED}|{_MADE})(?:[.!]++(?:[ \t]+|$)|,? and |, |$)"
_CLAUSE = rf"[*_]{{0,3}}(?i:speaking )?(?i:as|being) {_WHO}[*_]{{0,3}}, "
# Only at the start of a sentence, so that what is left of the sentence stays a text of its own.
_SELF = re.compile(rf"(?:^|(?<=[.!?:] ))(?:{_STATEMENT}|{_CLAUSE})+", re.MULTILINE)
_ASIDE = re.compile(rf"(?<=, )as (?:{_NAME}|an? {_KIND}){_MAKER}?, ")
_LABEL = re.compile(rf"\A(?:[*_]{{0,3}}{_NAME}[*_]{{0,3}}:[*_]{{0,3}}[ \t\n]+)+")
_SIGNATURE = re.compile(rf"\n[ \t]*[-–—~]{{0,3}} ?[*_]{{0,3}}{_NAME}[*_]{{0,3}}\.?\Z")
_MOST_PASSES = 20
# What all passes over a long text read together, in characters; but for the first two, which are always made.
_MOST_READ = 300_000


def strip_candidate(text: str, case_text: str = "") -> str:
    """The output without reasoning blocks and self-identification; applying it twice changes nothing.

    A tag that `case_text` names is part of what was asked for and stays with its content, and so does a tag that is
    never closed: it is being talked about.
    """
    return _stripped(text, _tags(case_text))


def strip_ends(text: str, case_text: str, longest: int) -> tuple[str, str, int]:
    """(how the stripped output begins, how it ends, the characters left out between): each end at most `longest`.

    Reasoning may be most of an output, and is looked for in all of it; who wrote it in no more than is shown and a
    third of that, so that a long output costs little more than a short one.
    """
    tags = _tags(case_text)
    read = longest + longest // 3
    if len(text) > 2 * read:
        text = _without_reasoning(text, tags).strip()
    if len(text) <= 2 * read:
        begins = ends = _stripped(text, tags)
        left = len(begins) - 2 * longest
    else:
        begins, ends = _stripped(text[:read], []), _stripped(text[-read:], [])
        left = len(text) - 2 * read + max(len(begins) - longest, 0) + max(len(ends) - longest, 0)
    if left <= 0:
        return begins, "", 0
    return begins[:longest], ends[-longest:], left


def _tags(case_text: str) -> list[str]:
    kept = case_text.lower()
    return [tag for tag in _TAGS if f"<{tag}" not in kept]


def _stripped(text: str, tags: list[str]) -> str:
    for _ in range(max(2, min(_MOST_PASSES, _MOST_READ // max(len(text), 1)))):
        stripped = _without_identity(_without_reasoning(text, tags)).strip()
        if stripped == text:
            break
        text = stripped
    return text


def _without_identity(text: str) -> str:
    return _SIGNATURE.sub("", _LABEL.sub("", _ASIDE.sub("", _SELF.sub("", text))))


def _without_reasoning(text: str, tags: list[str]) -> str:
    """From each opening tag to the next closing one; a line break stays, so that no new tag can come together.

    A lone closing tag on a line of its own ends reasoning whose start was part of the model's prompt.
    """
    if not tags or "</" not in text:
        return text
    names = "|".join(tags)
    parts: list[str] = []
    opened: int | None = None
    end = 0
    for tag in re.finditer(rf"(?<!`)<(/?)(?:{names})>(?!`)", text, re.IGNORECASE):
        closing = bool(tag[1])
        if not closing and opened is None:
            opened = tag.start()
        elif closing and opened is not None:
            parts += [text[end:opened], "\n"]
            opened, end = None, tag.end()
    text = "".join([*parts, text[end:]])
    ends = [tag.end() for tag in re.finditer(rf"^[ \t]*</(?:{names})>[ \t]*$", text, re.IGNORECASE | re.MULTILINE)]
    return text[ends[-1] :] if ends and text[ends[-1] :].strip() else text
