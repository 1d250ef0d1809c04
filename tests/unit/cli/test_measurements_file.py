"""A CSV file of uses: what is refused as a whole, before a database is asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from steelyard.cli.commands import measurements
from steelyard.cli.commands.measurements import rows_of
from steelyard.domain.errors import InputError, SteelyardError
from steelyard.services.intake import Taken

HEADING = "key,skill,model,measured_at,input_tokens,output_tokens"
ROW = "a,weigh,openai:gpt-5.4,2026-01-31T12:00:00Z,10,2"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("\ufeff", "empty"),
        ("\n\n", "empty"),
        (f"{HEADING.replace('skill', 'skil')}\n{ROW}\n", "no field 'skil'; skill is missing"),
        (f"{ROW}\n", "no field 'weigh'"),
        (f"{HEADING},key\n{ROW},a\n", "key is there twice"),
        (f"{HEADING.replace(',', ';')}\n{ROW}\n", "missing"),
    ],
)
def test_a_file_without_the_fields_is_refused_as_a_whole_and_named_them(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "uses.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=word) as refused, rows_of(str(file)) as rows:
        list(rows)
    assert refused.value.next_step is not None
    assert "key, skill, model, measured_at, input_tokens, output_tokens" in refused.value.next_step


def test_a_file_with_them_is_read_by_line(tmp_path: Path) -> None:
    file = tmp_path / "uses.csv"
    file.write_text(f"\ufeff{HEADING},source\n{ROW},till\n", encoding="utf-8")
    with rows_of(str(file)) as rows:
        assert [(line, row["source"]) for line, row in rows] == [(2, "till")]


def test_where_it_breaks_off_it_says_up_to_which_line_all_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Desk:
        left = 2

        async def take_uses(self, items: Sequence[object]) -> Taken:
            if not self.left:
                raise SteelyardError("The server is away.", kept="It is not known.")
            self.left -= 1
            return Taken(len(items), 0, 0, 0, ())

    @asynccontextmanager
    async def open_desk() -> AsyncGenerator[Desk]:
        yield Desk()

    monkeypatch.setattr(measurements, "open_desk", open_desk)
    monkeypatch.setattr(measurements, "BATCH", 2)
    file = tmp_path / "uses.csv"
    file.write_text("\n".join([HEADING, *[ROW] * 5, ""]), encoding="utf-8")
    with pytest.raises(SteelyardError) as broken:
        measurements.import_measurements(str(file))
    assert broken.value.kept == "What stands before line 6 of the file is kept."
