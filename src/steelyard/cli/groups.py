"""A group of commands under one word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer


def group(help_text: str, *, alone: bool = False) -> typer.Typer:
    """An empty group; `alone`: its word by itself is a command too. Its help is plain, as the root's is."""
    return typer.Typer(
        help=help_text,
        short_help=help_text,
        no_args_is_help=not alone,
        invoke_without_command=alone,
        rich_markup_mode=None,
    )


def say_in_lists(app: typer.Typer) -> None:
    """Have lists of commands give the first sentence of each whole: by themselves they cut it off at a line's end."""
    for command in app.registered_commands:
        if command.callback is not None and not command.short_help:
            command.short_help = _first_sentence(command.callback)
    for one in app.registered_groups:
        if one.typer_instance is not None:
            say_in_lists(one.typer_instance)


def _first_sentence(callback: Callable[..., Any]) -> str:
    paragraph = " ".join((callback.__doc__ or "").strip().split("\n\n")[0].split())
    sentence, found, _ = paragraph.partition(". ")
    return f"{sentence}." if found else paragraph
