"""Arguments and options that commands have in common, with their help: as light as the command tree itself."""

from __future__ import annotations

from typing import Annotated

import typer

Skill = Annotated[
    str, typer.Argument(metavar="SKILL", help="A skill folder, a prompt file, or the name of an added skill.")
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model", "-m", metavar="P:N", help="A model as provider:name, with ?temperature=1 for a variant; repeat it."
    ),
]
Judges = Annotated[
    list[str] | None,
    typer.Option(
        "--judge",
        metavar="P:N",
        help="The judge's model; 'none' for checks alone. Default: the best with a key. Repeat it for a jury of up to"
        " 5.",
    ),
]
Cases = Annotated[
    str | None, typer.Option("--cases", metavar="FILE", help="Golden cases in place of the skill's; '-' is stdin.")
]
Case = Annotated[list[str] | None, typer.Option("--case", metavar="TEXT", help="The input of an ad-hoc case.")]
Expect = Annotated[list[str] | None, typer.Option("--expect", metavar="TEXT", help="The output that --case expects.")]
CaseSet = Annotated[
    str | None, typer.Option("--case-set", metavar="SET", help="Only cases of this set, as dev or regression.")
]
Arm = Annotated[str, typer.Option("--arm", metavar="ARM", help="with_skill, without_skill or both.")]
Trials = Annotated[int, typer.Option("--trials", metavar="K", help="Calls per case, 1 to 100; averaged.")]
Concurrency = Annotated[
    int, typer.Option("--concurrency", "-c", metavar="C", min=1, max=1000, help="The most calls at once.")
]
Grace = Annotated[
    float,
    typer.Option("--grace", metavar="SECONDS", min=0, help="How long calls in flight may take to end when it stops."),
]
Budget = Annotated[float | None, typer.Option("--budget", metavar="USD", help="Start no call once this is spent.")]
Margin = Annotated[
    float, typer.Option("--margin", metavar="POINTS", help="A gap in quality that does not matter, 0 to 100.")
]
Threshold = Annotated[
    float, typer.Option("--threshold", metavar="POINTS", help="The least quality that passes, 0 to 100.")
]
MaxTokens = Annotated[int, typer.Option("--max-tokens", metavar="N", min=1, help="The longest answer in tokens.")]
Seed = Annotated[
    int | None, typer.Option("--seed", metavar="N", help="The order of the calls; a fixed one by default.")
]
Spend = Annotated[
    bool,
    typer.Option(
        "--yes", "-y", help="Go on above $1 without being asked; without a terminal it takes this, or --budget."
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Call again even what was paid before.")]
Race = Annotated[
    str | None,
    typer.Option(
        "--race",
        metavar="AIM",
        help="Call a model no more once it is shown not to be the best: 'set' for the best on these very cases,"
        " 'future' for the best on cases like these.",
    ),
]
AcceptJudge = Annotated[
    bool,
    typer.Option("--accept-judge", help="Count a judge's scores even if it fails its examination; reports say so."),
]
Version = Annotated[
    str | None,
    typer.Option(
        "--version",
        metavar="DIGEST",
        help="Run this version of an added skill, as a draft; how its digest starts. The skill's standing stays.",
    ),
]
Json = Annotated[
    str | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON; '-' prints it alone.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the verdict's sentence alone.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show tracebacks, as STEELYARD_DEBUG=1 does.")]
Paths = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Skill folders, folders of skills, or prompt files.")
]
RunId = Annotated[str, typer.Argument(metavar="ID", help="A run's id or how it starts.")]
