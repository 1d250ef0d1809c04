"""A group of commands under one word."""

from __future__ import annotations

import typer


def group(help_text: str, *, alone: bool = False) -> typer.Typer:
    """An empty group; `alone`: its word by itself is a command too. Its help is plain, as the root's is."""
    return typer.Typer(help=help_text, no_args_is_help=not alone, invoke_without_command=alone, rich_markup_mode=None)
