"""Lines of a log: one each, whatever is in them, and without secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard import logs
from steelyard.domain.errors import SettingsError, StorageError

KEY = "sk-proj-0123456789"
ENV = {
    "OPENAI_API_KEY": KEY,
    "DATABASE_URL": "postgresql://u:p%40ssw0rd-long@h/d",
    "X_TOKEN": "ab",
    "HOME": "/root/home",
}


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("steelyard")
    before = root.handlers[:], ours.level
    yield
    root.handlers[:], ours.level = before


def written(form: str, message: str, error: BaseException | None = None) -> str:
    logs.configure({**ENV, "STEELYARD_LOG": form})
    handler = logging.getLogger().handlers[-1]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream := io.StringIO())
    logging.getLogger("steelyard.test").warning("%s", message, exc_info=error)
    return stream.getvalue()


@given(st.text(st.characters(codec=None), max_size=60))
def test_a_line_is_one_line_whatever_is_said(text: str) -> None:
    for form in ("text", "json"):
        said = written(form, text)
        assert len(said.rstrip("\n").splitlines()) <= 1
        assert said.endswith("\n")
        assert not any(ord(letter) < 32 for letter in said[:-1])
    if KEY not in text and "@ssw0rd" not in text:
        assert json.loads(said)["message"] == text


def test_secrets_of_the_environment_are_struck_out() -> None:
    for form in ("text", "json"):
        said = written(form, f"{KEY} p@ssw0rd-long p%40ssw0rd-long /root/home", ValueError(KEY))
        assert KEY not in said
        assert "ssw0rd" not in said
        assert "/root/home" in said


def test_a_fault_in_json_says_where_and_not_what_it_held() -> None:
    try:
        raise ValueError("the prompt\nof somebody")
    except ValueError as error:
        line = json.loads(written("json", "A cell failed.", error))
    assert (line["error"], line["message"], line["level"]) == ("ValueError", "A cell failed.", "warning")
    assert "prompt" not in json.dumps({**line, "frames": []})
    assert "test_logs.py" in line["frames"][0]
    assert json.loads(written("json", "x", StorageError("It is away.")))["error_message"] == "It is away."


def test_a_traceback_in_text_passes_for_no_other_line() -> None:
    said = written("text", "A cell failed.", ValueError("x\nRun 1 has ended."))
    assert [line for line in said.splitlines() if not line.startswith("  ")] == ["A cell failed."]


def test_lines_say_what_they_are_about_and_no_longer_after() -> None:
    with logs.about(run_id="r"), logs.about(tenant_id="t"):
        inside = json.loads(written("json", "a"))
    assert (inside["run_id"], inside["tenant_id"]) == ("r", "t")
    assert "run_id" not in json.loads(written("json", "b"))


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(SettingsError, match="STEELYARD_LOG"):
        logs.configure({"STEELYARD_LOG": "xml"})
