"""The example skills and how they are run to see a first verdict: on a small local model, graded by checks."""

from __future__ import annotations

from pathlib import Path

from steelyard.domain.errors import SkillError

MODELS = ("local:smollm2-135m?temperature=0", "local:smollm2-135m?temperature=1")
# The examples ask for a line at most; without the skill the model would ramble on.
MAX_TOKENS = 64
FIRST = "review-mood"


def examples() -> Path:
    """The folder of example skills: beside the source, in the current folder, or in the installed package.

    Raises SkillError when it is in none of them.
    """
    here = Path(__file__).resolve()
    for place in (here.parents[3] / "examples/skills", Path("examples/skills"), here.parents[1] / "examples/skills"):
        if place.is_dir():
            return place
    raise SkillError("The example skills are not here.", next_step="Name a folder of skills with --folder.")
