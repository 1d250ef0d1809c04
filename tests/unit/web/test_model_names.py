"""Models' names as people read them."""

from __future__ import annotations

from steelyard.web.model_names import model_name, short_names


def test_settings_are_readable_words() -> None:
    name = model_name("anthropic:claude-opus-5?reasoning_effort=low&temperature=0.5&thinking=true")
    assert (name.provider, name.name) == ("anthropic", "claude-opus-5")
    assert name.settings == "reasoning effort low, temperature 0.5, thinking on"
    assert name.short == "claude-opus-5 (reasoning effort low, temperature 0.5, thinking on)"


def test_a_name_stands_without_its_provider_only_where_that_tells_it_from_the_others() -> None:
    assert short_names(["openai:gpt-6", "azure:gpt-6", "local:smollm2"]) == {
        "openai:gpt-6": "openai:gpt-6",
        "azure:gpt-6": "azure:gpt-6",
        "local:smollm2": "smollm2",
    }


def test_a_text_that_is_no_reference_is_shown_with_nothing_hidden() -> None:
    assert model_name("no\u202ereference").name == "no⟨U+202E⟩reference"
