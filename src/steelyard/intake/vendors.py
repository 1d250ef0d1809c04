"""Who serves a model, by the many names that instrumentations give it."""

from __future__ import annotations

from steelyard.domain.models import FAMILIES

# Ours are those of the price list.
_NAMES = {
    "anthropic": "anthropic",
    "openai": "openai",
    "azure": "azure",
    "az.ai.openai": "azure",
    "az.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure_openai": "azure",
    "azure-openai": "azure",
    "google": "google",
    "gemini": "google",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gcp.vertex.agent": "google",
    "vertex_ai": "google",
    "vertexai": "google",
    "vertex": "google",
    "google-gla": "google",
    "google-vertex": "google",
    "google-cloud": "google",
    "google_genai": "google",
    "aws": "aws",
    "aws.bedrock": "aws",
    "aws_bedrock": "aws",
    "bedrock": "aws",
    "amazon-bedrock": "aws",
    "mistral": "mistral",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "x_ai": "x-ai",
    "x-ai": "x-ai",
    "xai": "x-ai",
    "grok": "x-ai",
    "moonshot": "moonshotai",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
}
_OF_FAMILY = {"claude": "anthropic", "gpt": "openai", "gemini": "google", "grok": "x-ai"}
_LONGEST = 60


def provider_named(name: str) -> str | None:
    """Our name of the provider called so: `gcp.gemini` is google, `openai.responses` is openai.

    One that is not known keeps its name; None where it is no name at all.
    """
    given = name.strip().lower()
    if given in _NAMES:
        return _NAMES[given]
    # The Vercel AI SDK adds the API: anthropic.messages, google.generative-ai.
    head = given.partition(".")[0]
    if head in _NAMES:
        return _NAMES[head]
    fits = given.isascii() and len(given) <= _LONGEST and all(char.isalnum() or char in "._-" for char in given)
    return given if given and fits else None


def provider_of(model: str) -> str | None:
    """Who makes models of that name, where a span names nobody: `claude-sonnet-5` is anthropic's."""
    name = model.rsplit("/", 1)[-1].lower()
    family = next((family for prefix, family in FAMILIES.items() if name.startswith(prefix)), "")
    return _OF_FAMILY.get(family)
