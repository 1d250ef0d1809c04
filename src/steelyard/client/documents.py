"""The documents of the API, as JSON has them: identifiers and times are texts.

Made by `make client` from the API's document; not edited by hand.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class Acceptance(TypedDict):
    """An acceptance. `case` is the text it gets where an example is accepted as edited."""

    why: NotRequired[str]
    seen: NotRequired[Literal["pending", "accepted", "rejected"] | None]
    case: NotRequired[CaseFields | None]


class AdHocCase(TypedDict):
    """A case of this run alone."""

    input: str
    expected: str


class Again(TypedDict):
    """Why the last benchmark is to be run once more; null: for all that the skill's own row knows of."""

    cause: NotRequired[CauseKind | None]
    budget_microcents: NotRequired[int | None]


class AgeLimit(TypedDict):
    """After how many days a benchmark is too old; null takes what is set above it."""

    days: int | None


class Alike(TypedDict):
    """A case that says nearly the same."""

    case_id: str
    key: str
    status: str
    input: str
    expected: str
    similarity: float


class AuditLog(TypedDict):
    """Some of the log: the form `steelyard.audit/1`."""

    schema: str
    changes: list[Entry]
    next: str | None


class Belongings(TypedDict):
    """What went with a skill. `answers` came back from models; they and their judgements cost
    `spent_microcents`.
    """

    versions: int
    cases: int
    runs: int
    answers: int
    spent_microcents: int
    spent_is_lower_bound: bool
    ratings: int
    uses: int
    feedback: int


class Budget(TypedDict):
    """What may be spent, and how this UTC month stands, in microcents."""

    month: str
    month_microcents: int | None
    run_microcents: int | None
    refuse_unpriced: bool
    spent_microcents: int
    spent_is_lower_bound: bool
    held_microcents: int
    lost_microcents: int
    left_microcents: int | None
    calls: int
    unknown_calls: int


class Case(TypedDict):
    """A golden case. A retired one is out of use, but still what earlier results were measured on."""

    id: str
    skill_id: str
    key: str
    input: str
    expected: str
    assertions: list[str]
    checks: list[dict[str, Any]]
    files: dict[str, str]
    family: str | None
    case_set: str | None
    source: str
    status: str
    author: str | None
    created_at: str
    decided_at: str | None
    retired_at: str | None


class CaseCell(TypedDict):
    """One model and arm on one case: mean quality over its trials."""

    model: str
    arm: str
    look: str
    quality: float | None
    passed: bool | None
    failure_kind: str | None
    trials: int


class CaseChange(TypedDict):
    """One change of a case: who did what, when and why. Digests are of the case's text, null where it had
    none.
    """

    seq: int
    case_id: str | None
    feedback_id: str | None
    previous_case_id: str | None
    case_key: str
    source: str
    change: str
    who: str
    who_id: str | None
    why: str
    digest_before: str | None
    digest_after: str | None
    changed_at: str


class CaseChanges(TypedDict):
    """Which cases the two runs share: the same in both, and what came, went or changed."""

    same: int
    added: list[CaseName]
    removed: list[CaseName]
    changed: list[CaseName]


class CaseCounts(TypedDict):
    """A skill's cases by status; retired ones are in no other count."""

    pending: int
    accepted: int
    rejected: int
    retired: int


class CaseDrafts(TypedDict):
    """Drafts that were asked for, and what came of it: `kept` wait in the queue."""

    id: str
    skill_id: str
    skill_version_id: str
    model: str
    requested_by: str
    wanted: int
    budget_microcents: int | None
    status: str
    calls: int
    kept: int
    doubles: int
    unusable: int
    error_message: str | None
    waits: str | None
    left: bool
    input_tokens: int
    output_tokens: int
    cost_microcents: int
    cost_is_lower_bound: bool
    latency_ms: float | None
    created_at: str
    started_at: str | None
    completed_at: str | None


class CaseEdit(TypedDict):
    """What is to be another of a case; what is left out stays."""

    input: NotRequired[str | None]
    expected: NotRequired[str | None]
    assertions: NotRequired[list[str] | None]
    checks: NotRequired[list[NewCheck] | None]
    family: NotRequired[str | None]
    case_set: NotRequired[str | None]
    key: NotRequired[str | None]
    accept: NotRequired[bool]
    seen: NotRequired[Literal["pending", "accepted", "rejected"] | None]
    why: NotRequired[str]


class CaseFields(TypedDict):
    """A golden case as it is written: an input, and an expected output, assertions for the judge, or checks."""

    input: str
    expected: NotRequired[str]
    assertions: NotRequired[list[str]]
    checks: NotRequired[list[NewCheck]]
    family: NotRequired[str | None]
    case_set: NotRequired[str | None]
    key: NotRequired[str | None]


class CaseHealth(TypedDict):
    """What was found in a skill's accepted cases: the form `steelyard.health/1`. No run leaves any out for it."""

    schema: str
    cases: int
    runs: int
    models: int
    version: str | None
    earlier_version: bool
    texts_compared: bool
    suspect: list[dict[str, Any]]
    always_passed: list[dict[str, Any]]
    near_duplicates: list[list[dict[str, Any]]]


class CaseHistory(TypedDict):
    """The changes of one case, the oldest first."""

    items: list[CaseChange]


class CaseName(TypedDict):
    """A case by its key; an index, from 0, is null in the run that does not have it."""

    key: str
    title: str
    before: int | None
    after: int | None


class CasePage(TypedDict):
    """Some of a skill's cases, and how many there are."""

    items: list[Case]
    next: str | None
    counts: CaseCounts


class Cause(TypedDict):
    """What the skill's own row knows to speak against its last benchmark; its staleness has all, with
    evidence.
    """

    kind: str
    since: str
    sentence: str


CauseKind = Literal["skill", "cases", "model_changed", "model_gone", "judge", "age", "price", "drift", "newer"]


class Cell(TypedDict):
    """One model in one arm on one case in one trial, without its texts."""

    case_number: int
    case_key: str
    model_name: str
    arm: str
    trial: int
    state: str
    reused: bool
    quality_score: float | None
    passed: bool | None
    matches_expected: bool | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    estimated_cost_microcents: int | None
    wasted_cost_microcents: int
    judge_cost_microcents: int
    price_version: str | None
    price_date: str | None
    latency_ms: float | None
    ttft_ms: float | None
    stop_reason: str | None
    failure_kind: str | None
    error_message: str | None


class Changes(TypedDict):
    """What changed from one version to another; `left_out` counts files past the 200 that are shown."""

    before: str
    after: str
    added: int
    removed: int
    files: list[FileChange]
    left_out: int


CheckKind = Literal["exact", "contains", "not_contains", "regex", "not_regex", "json_equal", "json_schema", "number"]


class CheckResult(TypedDict):
    """A deterministic check, and whether it held."""

    check: dict[str, Any]
    passed: bool
    evidence: str


class Comparison(TypedDict):
    """The second run against the first. `refusal` says why qualities are not compared at all, `notes` what to
    bear in mind otherwise.
    """

    first: str
    second: str
    arm: str | None
    models_added: list[str]
    models_removed: list[str]
    cases: CaseChanges
    comparable: int
    refusal: str | None
    notes: list[str]
    overall: Difference | None
    cost: CostChange
    models: list[ModelChange]
    flips: list[Flip]


class CostChange(TypedDict):
    """Over `calls` pairs of calls that ask the same; `unpriced` pairs are left out."""

    calls: int
    unpriced: int
    total: CostSum


class CostParts(TypedDict):
    """What changed the cost: volume + models + tokens + price + unexplained = after - before, in microcents."""

    before: int
    after: int
    volume: int
    models: int
    tokens: int
    price: int
    unexplained: int


class CostSplit(TypedDict):
    """The later half of the days against the half before; `left_out` uses have no known cost."""

    half: int
    uses_before: int
    uses_after: int
    left_out: int
    parts: CostParts


class CostSum(TypedDict):
    """A change of cost, in microcents: tokens + price + unexplained = after - before."""

    before: int
    after: int
    tokens: int
    price: int
    unexplained: int


class CostTrend(TypedDict):
    """What a skill's use cost day by day, and what made it cost more or less."""

    skill: str
    days: list[UsePoint]
    change: CostSplit


class Decision(TypedDict):
    """A decision on a case. `seen`: it is refused with 409 where the case is of another status by now."""

    why: NotRequired[str]
    seen: NotRequired[Literal["pending", "accepted", "rejected"] | None]


class Deliveries(TypedDict):
    """How the test went on every way there is."""

    items: list[Delivery]


class Delivery(TypedDict):
    """A message as the log tells of it; `next_at` is null once it was delivered or given up."""

    id: str
    way: str
    kind: str
    state: str
    attempts: int
    last_status: str | None
    last_at: str | None
    next_at: str | None
    created_at: str


class Difference(TypedDict):
    """Second run less first on `n` cases, points of quality, with its 95% interval and p."""

    n: int
    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    test: str | None
    answers: int
    same_answers: int


class Edit(TypedDict):
    """A text to be replaced: `now` as it stands in the file `where`, by `proposed`."""

    where: str
    now: str
    proposed: str
    why: NotRequired[str]


class Entry(TypedDict):
    """One change, with the old and the new value of what changed."""

    id: str
    at: str
    actor: Named
    action: str
    subject: Named
    skill: str | None
    sentence: str
    change: dict[str, Any]


class Estimate(TypedDict):
    """What a run is expected to take: nothing was kept or called. A lower bound where some price is unknown."""

    planned: int
    reused: int
    calls: int
    judge_calls: int
    canary_calls: int
    input_tokens: int
    output_tokens: int
    cost_microcents: int
    judge_cost_microcents: int
    canary_cost_microcents: int
    cost_is_lower_bound: bool
    unpriced: list[str]
    minutes: float
    n_cases: int
    detectable_lead: float | None
    no_verdict: str | None
    race: str | None
    per_model: list[ModelEstimate]
    assumptions: list[str]
    judge: str | None
    judge_sentence: str | None
    judge_of_own_family: bool
    judge_fails: str | None
    judge_unpriced: bool
    unscored: int


class Family(TypedDict):
    """Cases to be put in one family, so that they count as one."""

    cases: list[str]
    family: str


class FamilyQuality(TypedDict):
    """Mean quality over the `n` cases of the skills of one family; null: of skills that name none."""

    family: str | None
    skills: int
    n: int
    quality: float


class Feedback(TypedDict):
    """One piece of feedback; `golden_case_id` is the case made of it."""

    id: str
    skill_id: str
    skill_version_id: str | None
    feedback_type: str
    quality_score: int | None
    positive: bool | None
    comment: str | None
    example_input: str | None
    example_output: str | None
    expected_output: str | None
    author: str | None
    model_name: str | None
    status: str
    golden_case_id: str | None
    created_at: str
    decided_at: str | None
    decided_by: str | None
    decided_why: str | None


class FeedbackFigures(TypedDict):
    """What feedback adds up to. A thumb up and a rating of 7 or more are positive, the rest of both negative."""

    total: int
    rated: int
    positive_percent: float | None
    last_30_days: int
    last_30_days_positive_percent: float | None
    undecided_examples: int
    trend: list[FeedbackPoint]


class FeedbackPoint(TypedDict):
    """One UTC day of feedback."""

    day: str
    total: int
    positive: int
    negative: int


FeedbackStatus = Literal["new", "accepted", "rejected"]

FeedbackType = Literal["thumb_up", "thumb_down", "rating", "training_example"]


class FieldProblem(TypedDict):
    """One of several fields that cannot be used."""

    field: str | None
    detail: str


class FileChange(TypedDict):
    """One changed file; a binary file and one too large have no hunks. `added` and `removed` count lines."""

    path: str
    change: str
    shown: str
    old_size: int | None
    new_size: int | None
    added: int
    removed: int
    hunks: list[Hunk]


class FileContent(TypedDict):
    """One file: as text, `cut` where it is longer than a million characters; in base64 where it is none."""

    path: str
    size: int
    text: str | None
    base64: str | None
    cut: bool


class Flip(TypedDict):
    """A case that a model passes in one of the two runs only."""

    model: str
    case: CaseName
    now_passes: bool
    quality_before: float | None
    quality_after: float | None


class FoundCause(TypedDict):
    """One thing that speaks against a benchmark, with its evidence."""

    kind: str
    since: str
    since_is_when_noticed: bool
    evidence: str
    details: dict[str, Any]
    retest: Retest | None


class Gap(TypedDict):
    """How far the leader is above a rival, in points of quality, with the 95% interval."""

    rival: str
    lead: float | None
    lead_low: float | None
    lead_high: float | None
    p: float | None
    test: str | None
    n: int


class Heard(TypedDict):
    """What became of it: its id, and whether it had been sent before."""

    id: str
    duplicate: bool


class Hunk(TypedDict):
    """Changed lines with up to three unchanged ones around them."""

    header: str
    lines: list[Line]


class Invitation(TypedDict):
    """An invitation that is not taken up yet; one that is too old lets nobody in any more."""

    id: str
    email: str
    role: Role
    invited_by: str
    created_at: str
    expires_at: str


class Joined(TypedDict):
    """How many cases were changed."""

    changed: int


class Judgement(TypedDict):
    """One judge's grading; `current`: it is the one the quality rests on."""

    judge: str
    judge_digest: str
    quality: float
    criteria: list[Level]
    differences_from_expected: str
    matches_expected: str
    notes: str
    flags: list[str]
    input_tokens: int
    output_tokens: int
    calls: int
    cost_microcents: int | None
    created_at: str
    current: bool


class Key(TypedDict):
    """A key as a list shows it. What it is was answered when it was made, and is kept nowhere."""

    id: str
    start: str
    name: str
    scopes: list[Scope]
    a_minute: int | None
    created_by: str
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None


class Lane(TypedDict):
    """One model in one arm, counted in cells.

    `failed` are the model's own failures, `outages` ended without an answer for another reason.
    """

    model: str
    arm: str
    planned: int
    ended: int
    answered: int
    judged: int
    failed: int
    outages: int
    ungraded: int
    reused: int


class Latency(TypedDict):
    """Of a model's newest calls."""

    calls: int
    p50_ms: float
    p95_ms: float


class Level(TypedDict):
    """A judge's level for one criterion, 0 to 5."""

    criterion: str
    evidence: str
    finding: str
    level: int
    quote_found: bool


class Line(TypedDict):
    """One line; its numbers count from 1 and are null on the side it is not on."""

    kind: str
    old_number: int | None
    new_number: int | None
    text: str


class Lint(TypedDict):
    """What a skill would be if it were added: nothing of it was kept."""

    name: str
    description: str
    digest: str
    remarks: list[Remark]
    cases: int
    new_version: int | None
    retired_cases: list[str]


class MadeInvitation(TypedDict):
    """An invitation with its link, which is there this once: of its secret only a hash is kept."""

    id: str
    email: str
    role: Role
    invited_by: str
    created_at: str
    expires_at: str
    link: NotRequired[str | None]
    mailed: NotRequired[bool | None]


class MadeKey(TypedDict):
    """A key just made, with all there will ever be of its secret."""

    id: str
    start: str
    name: str
    scopes: list[Scope]
    a_minute: int | None
    created_by: str
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None
    key: NotRequired[str | None]


MatrixFilter = Literal["all", "differ", "not_passed", "failures"]


class Member(TypedDict):
    """Somebody who belongs to the tenant. `seen_at`: when they last had a session here, null for never or long
    ago.
    """

    id: str
    email: str
    name: str
    role: Role
    joined_at: str
    seen_at: str | None


class ModelChange(TypedDict):
    """One model in both runs; `quality` is null where scores cannot be compared."""

    model: str
    quality: Difference | None
    cost: CostChange


class ModelEstimate(TypedDict):
    """One model's share; the cost is null where its price is unknown."""

    model: str
    calls: int
    tokens: int
    cost_microcents: int | None


class ModelFigures(TypedDict):
    """One model in one arm. Intervals are of 95%; `n` counts cases."""

    model: str
    arm: str
    n: int
    quality: float | None
    quality_low: float | None
    quality_high: float | None
    pass_rate: float | None
    pass_low: float | None
    pass_high: float | None
    avg_cost_microcents: float | None
    cost_per_accepted_microcents: float | None
    avg_tokens: float | None
    latency_ms_p50: float | None
    latency_ms_p95: float | None
    ttft_ms_p50: float | None
    failures: int
    missing: int
    lift: float | None
    lift_low: float | None
    lift_high: float | None
    lift_p: float | None
    normalised_gain: float | None
    token_tax: float | None


class ModelQuality(TypedDict):
    """One model's quality in one run of record, in the arm the run compares."""

    run_id: str
    at: str
    skill_digest: str
    judge_digest: str | None
    model: str
    headline: bool
    n: int
    quality: float
    quality_low: float | None
    quality_high: float | None
    pass_rate: float | None
    avg_cost_microcents: int | None


class ModelUse(TypedDict):
    """One model's share of the uses and what it took."""

    model: str
    share: float
    window: WindowFigures


class Named(TypedDict):
    """Who acted, or what was changed; null is what has no id of its own."""

    kind: str
    id: str | None
    name: str | None


class NewBudget(TypedDict):
    """What may be spent from now on. What is spent stays spent: a budget below it stops every further call."""

    month_microcents: int | None
    run_microcents: int | None
    refuse_unpriced: NotRequired[bool]


class NewCase(TypedDict):
    """A golden case to be added, or to be proposed for others to decide on."""

    input: str
    expected: NotRequired[str]
    assertions: NotRequired[list[str]]
    checks: NotRequired[list[NewCheck]]
    family: NotRequired[str | None]
    case_set: NotRequired[str | None]
    key: NotRequired[str | None]
    propose: NotRequired[bool]
    why: NotRequired[str]


class NewCaseDrafts(TypedDict):
    """A wish for drafts. It is paid."""

    model: str | None
    count: NotRequired[int]
    budget_microcents: NotRequired[int | None]


class NewCheck(TypedDict):
    """A deterministic check. `tolerance` is for numbers, `ignore_case` for texts."""

    type: CheckKind
    value: Any
    tolerance: NotRequired[float]
    ignore_case: NotRequired[bool]


class NewDraft(TypedDict):
    """A draft of a skill: edits of the version in use, those of a review, or a whole text of its SKILL.md."""

    text: NotRequired[str | None]
    edits: NotRequired[list[Edit]]
    review: NotRequired[str | None]
    places: NotRequired[list[int] | None]
    why: NotRequired[str]


class NewFeedback(TypedDict):
    """What a user says of a skill. `key` tells repeats apart: sent again under one key it is kept once.

    A rating is 1 to 10; a training example has an input and an output that is right for it; a suggestion
    has a title.
    """

    key: str
    skill: str
    kind: Literal["thumb_up", "thumb_down", "rating", "training_example", "suggestion"]
    rating: NotRequired[int | None]
    comment: NotRequired[str | None]
    example_input: NotRequired[str | None]
    example_output: NotRequired[str | None]
    expected_output: NotRequired[str | None]
    title: NotRequired[str | None]
    body: NotRequired[str | None]
    author: NotRequired[str | None]
    model: NotRequired[str | None]


class NewFile(TypedDict):
    """One file, as text or, where it is none, in base64."""

    path: str
    text: NotRequired[str | None]
    base64: NotRequired[str | None]


class NewInvitation(TypedDict):
    """Whom to invite, and as what."""

    email: str
    role: Role


class NewKey(TypedDict):
    """What a key may do, and for how long."""

    name: str
    scopes: list[Scope]
    expires_in_days: NotRequired[int | None]
    a_minute: NotRequired[int | None]


class NewMeasurement(TypedDict):
    """One use of a skill. `key` tells repeats apart: sent again under one key it counts once.

    Cache reads and writes are part of `input_tokens` unless `input_excludes_cache`; reasoning is part of
    `output_tokens`. Without `cost_usd` it is priced here.
    """

    key: str
    skill: str
    skill_version: NotRequired[str | None]
    model: str
    measured_at: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: NotRequired[int | None]
    cache_write_tokens: NotRequired[int | None]
    reasoning_tokens: NotRequired[int | None]
    input_excludes_cache: NotRequired[bool | None]
    cost_usd: NotRequired[float | None]
    latency_ms: NotRequired[float | None]
    source: NotRequired[str | None]


class NewMeasurements(TypedDict):
    """A batch of uses. An item that cannot be used is refused alone."""

    measurements: list[NewMeasurement]


class NewProviderPrice(TypedDict):
    """A price as it is to be, in place of one of the same model and day."""

    model: str
    input_microcents: int
    output_microcents: int
    cache_read_microcents: NotRequired[int | None]
    cache_write_microcents: NotRequired[int | None]
    since: NotRequired[str | None]


class NewRating(TypedDict):
    """A blind rating; without a score the output is passed over."""

    rater: NotRequired[str | None]
    score: NotRequired[int | None]
    note: NotRequired[str]


class NewRatingInView(TypedDict):
    """A rating by someone who sees the model and its grade: it counts for no claim."""

    rater: NotRequired[str | None]
    score: int
    note: NotRequired[str]


class NewRebenchmark(TypedDict):
    """What may be run again of itself: a null budget runs nothing."""

    budget_microcents: int | None
    causes: list[CauseKind]


class NewReview(TypedDict):
    """A wish for a review. It is paid."""

    model: str


class NewRole(TypedDict):
    """What a member is from now on."""

    role: Role


class NewRun(TypedDict):
    """A benchmark run: models on a skill's golden cases, or on a set of them, or on cases typed in for it
    alone.
    """

    models: list[str]
    case_set: NotRequired[str | None]
    ad_hoc: NotRequired[list[AdHocCase] | None]
    arm: NotRequired[Literal["both", "with_skill", "without_skill"]]
    trials: NotRequired[int]
    judge: NotRequired[str]
    further_judges: NotRequired[list[str]]
    budget_microcents: NotRequired[int | None]
    max_tokens: NotRequired[int]
    margin: NotRequired[float]
    threshold: NotRequired[float]
    seed: NotRequired[int | None]
    fresh: NotRequired[bool]
    race: NotRequired[Literal["set", "future"] | None]
    accept_judge: NotRequired[bool]
    version: NotRequired[str]


class NewSkill(TypedDict):
    """A skill: its `prompt`, or the `files` of its folder, golden cases among them (`evals/`)."""

    prompt: NotRequired[str | None]
    name: NotRequired[str | None]
    files: NotRequired[list[NewFile] | None]


class NewSuggestion(TypedDict):
    """A suggestion. `author` is who has it where that is not whoever sends it: kept as "Ada (by key
    checkout)".
    """

    title: str
    body: NotRequired[str]
    author: NotRequired[str | None]


class NewTieBreak(TypedDict):
    """A wish for a tie-break. It is paid."""

    judge: NotRequired[str | None]
    budget_microcents: NotRequired[int | None]


class NextRating(TypedDict):
    """What a rater is asked next; `task` is null where nothing is left."""

    task: RatingTask | None
    progress: RatingProgress


class OfferedModel(TypedDict):
    """A model to choose. One that cannot be called says why in `reason`, and in `remedy` what to do."""

    model: str
    provider: str
    group: str
    price: Price | None
    usable: bool
    reason: str | None
    remedy: str | None
    runs: int
    last_used: str | None


class Output(TypedDict):
    """One stored cell with its output and its grades. Money in microcents, null is not known."""

    id: str
    model: str
    arm: str
    trial: int
    state: str
    attempt: int
    reused: bool
    output: Text | None
    quality: float | None
    passed: bool | None
    notes: str
    matches_expected: bool | None
    checks: list[CheckResult]
    judgements: list[Judgement]
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost_microcents: int | None
    wasted_cost_microcents: int
    judge_cost_microcents: int
    price_version: str | None
    price_date: str | None
    latency_ms: float | None
    ttft_ms: float | None
    stop_reason: str | None
    effective_settings: dict[str, Any]
    failure_kind: str | None
    error_message: str | None
    created_at: str
    graded_at: str | None


class CaseChangePage(TypedDict):
    """See the API's Page_CaseChange_."""

    items: list[CaseChange]
    next: str | None


class CaseDraftsPage(TypedDict):
    """See the API's Page_CaseDrafts_."""

    items: list[CaseDrafts]
    next: str | None


class CellPage(TypedDict):
    """See the API's Page_Cell_."""

    items: list[Cell]
    next: str | None


class FeedbackPage(TypedDict):
    """See the API's Page_Feedback_."""

    items: list[Feedback]
    next: str | None


class InvitationPage(TypedDict):
    """See the API's Page_Invitation_."""

    items: list[Invitation]
    next: str | None


class KeyPage(TypedDict):
    """See the API's Page_Key_."""

    items: list[Key]
    next: str | None


class MemberPage(TypedDict):
    """See the API's Page_Member_."""

    items: list[Member]
    next: str | None


class OfferedModelPage(TypedDict):
    """See the API's Page_OfferedModel_."""

    items: list[OfferedModel]
    next: str | None


class ProviderPricePage(TypedDict):
    """See the API's Page_ProviderPrice_."""

    items: list[ProviderPrice]
    next: str | None


class RatingPage(TypedDict):
    """See the API's Page_Rating_."""

    items: list[Rating]
    next: str | None


class ReviewPage(TypedDict):
    """See the API's Page_Review_."""

    items: list[Review]
    next: str | None


class SeenModelPage(TypedDict):
    """See the API's Page_SeenModel_."""

    items: list[SeenModel]
    next: str | None


class SuggestionPage(TypedDict):
    """See the API's Page_Suggestion_."""

    items: list[Suggestion]
    next: str | None


class TieBreakPage(TypedDict):
    """See the API's Page_TieBreak_."""

    items: list[TieBreak]
    next: str | None


class VersionPage(TypedDict):
    """See the API's Page_Version_."""

    items: list[Version]
    next: str | None


class Parts(TypedDict):
    """A value of the services; its form is that of the version that made it."""

    made_by: str
    value: Any


class People(TypedDict):
    """What people's ratings say of a run and of its judge: the form `steelyard.people/1`."""

    schema: str
    run_id: str
    judge: str | None
    ratings: int
    outputs: int


class PercentChange(TypedDict):
    """The last 30 days against the 30 before."""

    uses_percent: float | None
    cost_percent: float | None
    avg_cost_percent: float | None
    avg_tokens_percent: float | None


class Price(TypedDict):
    """Today's price of a million tokens, in microcents; `tiered`: a long prompt makes every token dearer."""

    input_microcents: int
    output_microcents: int
    cache_read_microcents: int
    cache_write_microcents: int
    tiered: bool
    price_version: str
    price_date: str


class Prices(TypedDict):
    """A run's costs at another day's prices: the form `steelyard.prices/1`, microcents a case."""

    schema: str
    run: str
    prices_of: str
    arm: str
    models: list[dict[str, Any]]
    cheapest_then: str | None
    cheapest_now: str | None
    cheapest_good_enough_then: str | None
    cheapest_good_enough_now: str | None
    flips: list[dict[str, Any]]
    sentence_then: str
    sentence_now: str


class PricesRemoved(TypedDict):
    """How many prices were taken away."""

    removed: int


class Problem(TypedDict):
    """What happened, what was kept, and what to do next."""

    type: str
    title: str
    status: int
    detail: str
    kept: NotRequired[str | None]
    next_step: NotRequired[str | None]
    field: NotRequired[str | None]
    problems: NotRequired[list[FieldProblem]]
    refused: NotRequired[list[RefusedItem]]


class Production(TypedDict):
    """A skill's last 30 UTC days in use beside its last benchmark: what each model would cost a month.

    `why_none` and `next_step` say why there are no models. Amounts are microcents with 95% intervals.
    """

    skill: str
    run_id: str | None
    model_in_use: str | None
    uses: int
    all_uses: int
    measured_microcents: int
    cost_unknown: int
    models: list[dict[str, Any]]
    lengths: dict[str, Any] | None
    languages: dict[str, Any]
    trend: dict[str, Any]
    assumptions: list[str]
    why_none: str | None
    next_step: str | None


class Progress(TypedDict):
    """How far a run is, in cells; `signature` stays the same while nothing of it was kept."""

    run_id: str
    status: str
    under_way: bool
    stop_cause: str | None
    partial: bool
    planned: int
    ended: int
    answered: int
    failed: int
    missing: int
    reused: int
    lanes: list[Lane]
    spent_microcents: int
    judge_spent_microcents: int
    spent_is_lower_bound: bool
    budget_microcents: int | None
    error_message: str | None
    started_at: str | None
    completed_at: str | None
    elapsed_s: float | None
    left_s: float | None
    quiet: bool
    waits: str | None
    left: bool
    examination: str | None
    examining: dict[str, Any] | None
    troubles: list[Trouble]
    race: dict[str, Any] | None
    signature: str


class Proposal(TypedDict):
    """Why it is made a pending case."""

    why: NotRequired[str]


class Provider(TypedDict):
    """A provider of the tenant's own. Of its key there is the end alone, where it is long enough for that."""

    name: str
    kind: Literal["anthropic", "openai", "google", "openai-compatible"]
    base_url: str | None
    has_key: bool
    key_end: str | None
    key_set_at: str | None
    key_set_by: str | None
    problem: str | None
    replaces: bool


class ProviderPage(TypedDict):
    """The tenant's own providers."""

    items: list[Provider]
    next: str | None
    servers: list[ServerProvider] | None


class ProviderPrice(TypedDict):
    """What a model of the tenant's own provider costs from a day on, until another price of it holds.

    Reasoning is a part of the output. `holds` is of today: past, now or later.
    """

    model: str
    since: str
    input_microcents: int
    output_microcents: int
    cache_read_microcents: int | None
    cache_write_microcents: int | None
    holds: Literal["past", "now", "later"]
    set_by: str
    set_at: str


class ProviderSetting(TypedDict):
    """A provider as it is to be. Without a key the one there is stays, as long as kind and address do."""

    kind: Literal["anthropic", "openai", "google", "openai-compatible"]
    base_url: NotRequired[str | None]
    key: NotRequired[str | None]


class QualityHistory(TypedDict):
    """Every model's quality over time."""

    skill: str
    items: list[ModelQuality]


class QualityPoint(TypedDict):
    """A run of record as a point in time: its headline model. Qualities of two judges do not mean the same."""

    run_id: str
    completed_at: str
    verdict_kind: str
    model: str
    quality: float
    quality_low: float | None
    quality_high: float | None
    avg_cost_microcents: int | None
    judge_digest: str | None
    judge_marked: bool


class QueuePage(TypedDict):
    """Some of the queue, and how much of each kind waits, of each at most 1,000."""

    items: list[Waiting]
    next: str | None
    counts: dict[str, int]


class Rating(TypedDict):
    """A rating with what it is of. `points`: the score on 0 to 100; `quality_score`: the grade of the same
    output.
    """

    case_number: int
    case_key: str
    model_name: str
    arm: str
    trial: int
    rater: str
    score: int | None
    points: float | None
    note: str
    drawn: bool
    blind: bool
    quality_score: float | None
    rated_at: str


class RatingFile(TypedDict):
    """A file of the case."""

    path: str
    text: Text


class RatingProgress(TypedDict):
    """How far a rater is: `rated` and `skipped` of the `asked` outputs of `cases` drawn cases."""

    rated: int
    skipped: int
    asked: int
    cases: int
    left: int
    goals: list[int]
    models: int
    claimable: bool


class RatingTask(TypedDict):
    """One output to rate, with nothing that tells whose it is. `place` names it; its texts are hostile."""

    place: int
    input: Text
    expected: Text
    files: list[RatingFile]
    output: str
    cut: bool


class Rebenchmark(TypedDict):
    """What is run again of itself: money of a UTC month in microcents, null for nothing, and for which causes."""

    budget_microcents: int | None
    spent_microcents: int | None
    held_microcents: int | None
    left_microcents: int | None
    causes: list[str]


class Recipients(TypedDict):
    """E-mail addresses that are told; none for no mail."""

    addresses: list[str]


class RefusedItem(TypedDict):
    """An item of a batch that was not kept."""

    index: int
    field: str
    message: str


class Rejected(TypedDict):
    """How many were rejected, and how many were not, having been decided on meanwhile."""

    done: int
    missed: int


class Rejection(TypedDict):
    """A rejection, which needs a reason."""

    why: str
    seen: NotRequired[Literal["pending", "accepted", "rejected"] | None]


class Rejections(TypedDict):
    """Many rejections for one reason."""

    items: list[WaitingRef]
    why: str


class Remark(TypedDict):
    """A remark on the skill's text or its cases; `line` counts from 1."""

    level: str
    code: str
    message: str
    file: str
    line: int | None


class Removal(TypedDict):
    """What the removal of a provider leaves without one."""

    runs: list[RunLeft]


class Resumption(TypedDict):
    """How a run is to go on."""

    budget_microcents: NotRequired[int | None]
    accept_judge: NotRequired[bool]


class Retest(TypedDict):
    """What testing again would take; `problem` says why it cannot be done as it stands."""

    calls: int
    judge_calls: int
    reused: int
    cost_microcents: int
    cost_is_lower_bound: bool
    fresh: bool
    problem: str | None


class Retirement(TypedDict):
    """Why a case goes out of use, or comes back."""

    why: NotRequired[str]


class Review(TypedDict):
    """A review as it stands; `error_message` says why it failed or, until then, why a worker left it."""

    id: str
    skill_id: str
    skill_version_id: str
    version_digest: str
    model: str
    requested_by: str | None
    status: str
    summary: str | None
    scores: list[Score]
    strengths: list[str]
    risks: list[str]
    edits: list[ReviewEdit]
    error_message: str | None
    waits: str | None
    left: bool
    input_tokens: int
    output_tokens: int
    cost_microcents: int
    cost_is_lower_bound: bool
    latency_ms: float | None
    created_at: str
    started_at: str | None
    completed_at: str | None


class ReviewEdit(TypedDict):
    """One change to make: where, the text as it is, the text proposed, and why."""

    where: str
    now: str
    proposed: str
    why: str


Role = Literal["viewer", "editor", "admin"]


class Run(TypedDict):
    """How a run stands or ended: the form `steelyard.run/1`. Before it has ended the verdict is a preview.

    `people` is what people's ratings say (`steelyard.people/1`); `prices` its costs at another day's
    prices, where that was asked for.
    """

    schema: str
    run: RunHead
    models: list[ModelFigures]
    verdict: VerdictDocument
    detail: dict[str, Any] | None
    race: dict[str, Any] | None
    failures: list[dict[str, Any]]
    certificate: dict[str, Any] | None
    certificates: list[dict[str, Any]]
    jury: dict[str, Any] | None
    tie_breaks: list[dict[str, Any]]
    people: NotRequired[dict[str, Any] | None]
    prices: NotRequired[dict[str, Any] | None]


class RunCase(TypedDict):
    """One case of a run with every model and arm."""

    number: int
    case_id: str
    key: str
    title: str
    family: str | None
    cells: list[CaseCell]


class RunCaseDetail(TypedDict):
    """A case of a run: what was asked and expected, and what up to four models made of it."""

    number: int
    cases: int
    case_id: str
    key: str
    input: Text
    expected: Text
    assertions: list[str]
    checks: list[dict[str, Any]]
    family: str | None
    case_set: str | None
    source: str
    models: list[str]
    compared_arm: str
    cells: list[CaseCell]
    outputs: list[Output]


class RunCasePage(TypedDict):
    """Some cases of a run; `total` of its `cases` match what was asked for."""

    items: list[RunCase]
    next: str | None
    cases: int
    total: int


class RunHead(TypedDict):
    """The run itself: what was planned, how far it came, and what it took. answered + failed + missing =
    planned.
    """

    id: str
    skill: str
    skill_version: str
    status: str
    stop_cause: str | None
    partial: bool
    of_record: bool
    judge: str | None
    judge_digest: str | None
    judgements: int
    judgements_quote_not_found: int
    started_at: str | None
    completed_at: str | None
    planned: int
    answered: int
    judged: int
    failed: int
    missing: int
    reused: int
    spent_microcents: int
    spent_is_lower_bound: bool
    judge_spent_microcents: int
    judge_spent_is_lower_bound: bool
    unserved: bool
    waits: str | None
    budget_microcents: int | None
    best_model: str | None
    cheapest_model: str | None


class RunLeft(TypedDict):
    """A run under way that calls the provider."""

    id: str
    skill: str


class RunLine(TypedDict):
    """One run in one line. The headline is the model its verdict is about: the best, else the leading one."""

    id: str
    skill: str
    created_at: str
    started_at: str | None
    completed_at: str | None
    duration_s: float | None
    status: str
    waits: str | None
    left: bool
    stop_cause: str | None
    partial: bool
    of_record: bool
    fresh: bool
    triggered_by: str
    models: int
    cases: int
    planned: int
    judge: str | None
    judge_digest: str | None
    skill_digest: str
    spent_microcents: int
    spent_is_lower_bound: bool
    budget_microcents: int | None
    verdict: str | None
    headline_model: str | None
    headline_quality: float | None
    headline_quality_low: float | None
    headline_quality_high: float | None
    headline_cost_microcents: int | None
    judge_marked: bool


class RunName(TypedDict):
    """A run by its whole id."""

    id: str


class RunPage(TypedDict):
    """Some of the runs, and how many there are."""

    items: list[RunLine]
    next: str | None
    total: int


Scope = Literal["ingest", "read", "run", "admin"]


class Score(TypedDict):
    """1 (poor) to 5 (excellent) for one criterion, and why."""

    criterion: str
    score: int
    finding: str


class SeenModel(TypedDict):
    """A model of some run, variants apart. `quality` is over `n` cases of the last runs of record of its
    skills.
    """

    model: str
    provider: str
    runs: int
    cells: int
    last_used: str
    price: Price | None
    quality: float | None
    n: int
    skills: int
    families: list[FamilyQuality]
    latency: Latency | None


class ServerProvider(TypedDict):
    """A provider of the server's, used where there is none of one's own by that name."""

    name: str
    usable: bool


class Settings(TypedDict):
    """What is set for this tenant. The webhook's secret is not among it: it was shown when it was made.

    Whoever may not set them gets of the webhook's address its host alone, since its path is often a secret,
    and no recipients.
    """

    stale_after_days: int
    stale_after_days_set: int | None
    webhook: str | None
    recipients: list[str] | None
    checked_at: str | None
    rebenchmark: Rebenchmark
    log: list[Delivery]


class Skill(TypedDict):
    """One skill with its standing, as the list of skills shows it; null is what is not known yet."""

    id: str
    name: str
    description: str
    source: str | None
    created_at: str
    updated_at: str
    version_id: str
    version_digest: str
    version_since: str
    cases: int
    state: Literal["never", "fresh", "stale"]
    causes: list[Cause]
    last_run_id: str | None
    benchmarked_at: str | None
    verdict_kind: str | None
    best_model: str | None
    quality: float | None
    quality_low: float | None
    quality_high: float | None
    avg_cost_microcents: int | None
    judge_marked: bool
    feedback_total: int
    feedback_positive_percent: float | None


class SkillPage(TypedDict):
    """Some of the skills, and how many match in all."""

    items: list[Skill]
    next: str | None
    total: int


class SkillStaleness(TypedDict):
    """How one skill's benchmark stands, with every cause. A benchmark is too old after `limit_days` days."""

    skill: str
    state: str
    run: str | None
    benchmarked_at: str | None
    oldest_answer_at: str | None
    limit_days: int
    causes: list[FoundCause]


class Spend(TypedDict):
    """A month's money against its budget, and by skill, model, member and judge."""

    schema: str
    month: str
    spent_microcents: int
    spent_is_lower_bound: bool
    held_microcents: int
    lost_microcents: int
    calls: int
    unknown_calls: int
    budget_microcents: int | None
    left_microcents: int | None
    projected_microcents: int | None
    by: dict[str, dict[str, Any]]


class StaleSkills(TypedDict):
    """Stale skills: the form `steelyard.staleness/1`."""

    schema: str
    skills: list[SkillStaleness]
    next: str | None


class Staleness(TypedDict):
    """The same as a document of its own: the form `steelyard.staleness/1`."""

    skill: str
    state: str
    run: str | None
    benchmarked_at: str | None
    oldest_answer_at: str | None
    limit_days: int
    causes: list[FoundCause]
    schema: str


class StartedRun(TypedDict):
    """A run that was queued. `continued`: an unfinished one of the same plan, whose budget stays if none is
    given.
    """

    id: str
    continued: bool
    kept_budget_microcents: int | None
    progress: Progress


class Stats(TypedDict):
    """A skill's figures: cost and tokens in use, quality, feedback, with the trends of the last 14 days."""

    skill: str
    total: WindowFigures
    last_30_days: WindowFigures
    previous_30_days: WindowFigures
    change: PercentChange
    predominant_model: str | None
    predominant_share: float | None
    models: list[ModelUse]
    trend: list[UsePoint]
    quality: list[QualityPoint]
    feedback: FeedbackFigures


class Suggestion(TypedDict):
    """One suggestion; `decided_at` is null while it is open."""

    id: str
    skill_id: str
    title: str
    body: str
    author: str | None
    status: str
    created_at: str
    decided_at: str | None


class SuggestionDecision(TypedDict):
    """What becomes of a suggestion; open takes a decision back."""

    status: SuggestionStatus


SuggestionStatus = Literal["open", "accepted", "declined"]


class Taken(TypedDict):
    """What became of a batch: kept + duplicates + unmatched + refused is its length.

    `unmatched` uses are kept until a skill of their name is added. `unknown_versions` named a version the
    skill does not have, and count for the skill alone.
    """

    kept: int
    duplicates: int
    unmatched: int
    unknown_versions: int
    refused: list[RefusedItem]


class Text(TypedDict):
    """The beginning of a text; `size` is the whole one's."""

    text: str
    size: int
    cut: bool


class TieBreak(TypedDict):
    """A tie-break as it stands; it stands beside the run's verdict and never changes it."""

    id: str
    run_id: str
    models: list[str]
    judge: str
    requested_by: str | None
    status: str
    claim: str
    preferred: str | None
    facts: list[str]
    budget_microcents: int | None
    planned: int | None
    done: int
    calls: int
    spent_microcents: int
    spent_is_lower_bound: bool
    gate: dict[str, Any] | None
    result: dict[str, Any] | None
    error_message: str | None
    waits: str | None
    left: bool
    created_at: str
    started_at: str | None
    completed_at: str | None


class TieBreakOffer(TypedDict):
    """What breaking a tie would take. The cost is null where the judge's price is not known."""

    models: list[str]
    judge: str
    judge_sentence: str
    same_family: bool
    cases: int
    meetings: int
    identical: int
    gate_calls: int
    calls: int
    paid: int
    input_tokens: int
    output_tokens: int
    cost_microcents: int | None


class Trial(TypedDict):
    """What came of trying a provider. `works` null: only a paid call would show it."""

    works: bool | None
    said: str


class Trouble(TypedDict):
    """Calls of one provider that keep failing and are tried again."""

    provider: str
    message: str
    calls: int
    since_s: float


class Unmatched(TypedDict):
    """The names that no skill has, the most used first, at most 100."""

    items: list[UnmatchedUses]


class UnmatchedUses(TypedDict):
    """The uses kept under a name that no skill has; once a skill of that name is added they are its own."""

    skill_name: str
    uses: int
    first_at: str
    last_at: str


class UsePoint(TypedDict):
    """One UTC day of use; of `cost_unknown` uses nothing is in the cost."""

    day: str
    uses: int
    cost_microcents: int
    cost_unknown: int
    input_tokens: int
    output_tokens: int


class VerdictDocument(TypedDict):
    """The decision, with the evidence it rests on."""

    kind: str
    best: str | None
    tied: list[str]
    cheapest_good_enough: str | None
    more_cases: int | None
    more_cost_microcents: int | None
    sentence: str
    method: str
    arm: str
    n: int
    look: int
    alpha: float
    margin: float
    test: str | None
    reason: str | None
    leader: str | None
    gaps: list[Gap]


class Version(TypedDict):
    """One version of a skill: its text under one digest. A draft was never in use."""

    id: str
    digest: str
    created_at: str
    current: bool
    files: int
    size: int
    runs: int
    last_run: str | None
    draft: bool
    draft_by: str | None
    draft_why: str | None
    discarded: bool


class VersionDetail(TypedDict):
    """A version with what a model gets of it and what the linter says."""

    id: str
    digest: str
    created_at: str
    current: bool
    files: int
    size: int
    runs: int
    last_run: str | None
    draft: bool
    draft_by: str | None
    draft_why: str | None
    discarded: bool
    skill: str
    prompt: str
    frontmatter: dict[str, Any]
    references_cut: list[str]
    remarks: list[Remark]
    paths: list[VersionFile]


class VersionFile(TypedDict):
    """A file of a version."""

    path: str
    size: int


class Waiting(TypedDict):
    """One thing to decide on; texts are cut to what a list needs.

    `score` is a person's rating, 1 to 10, and `quality` the judge's grade of the same output, where the two
    disagree.
    """

    kind: str
    id: str
    skill_id: str
    skill_name: str
    since: str
    input: str
    expected: str
    output: str | None
    said: str | None
    who: str | None
    key: str | None
    source: str | None
    complete: bool
    feedback_type: str | None
    score: int | None
    quality: float | None
    threshold: float | None
    model_name: str | None
    benchmark_run_id: str | None
    case_id: str | None
    alike: list[Alike]


WaitingKind = Literal["drafted", "proposed", "example", "use", "disagreement"]


class WaitingRef(TypedDict):
    """One thing of the queue."""

    kind: WaitingKind
    id: str


class WebhookAddress(TypedDict):
    """Where notices are posted; null posts none."""

    url: str | None


class WebhookSecret(TypedDict):
    """The webhook, and the secret that signs it where one was made: it is shown this once."""

    url: str | None
    secret: str | None


class WholeOutput(TypedDict):
    """An output in full."""

    id: str
    text: str


class WindowFigures(TypedDict):
    """Some days of use. Averages are a use; `cost_unknown` uses have no known cost and are in no cost."""

    uses: int
    cost_microcents: int
    cost_unknown: int
    avg_cost_microcents: float | None
    avg_input_tokens: float | None
    avg_output_tokens: float | None
    avg_total_tokens: float | None
    avg_latency_ms: float | None
