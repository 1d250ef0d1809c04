"""Tables of tenants whose changes are not in the audit log, each with the reason.

Any other is put under it by `audit_table` (migration 0020) in the migration that makes it.
"""

NOT_AUDITED = {
    "audit_log": "it is the log",
    "benchmark_results": "answers of models: written once, told by their run",
    "case_changes": "a history of its own: every change of a case with who and why, which the application only adds to",
    "cell_claims": "which worker has a call in hand",
    "deliveries": "messages on their way, with their own log",
    "idempotency_keys": "answers kept for a day for whoever sends a request again; what was made is audited",
    "judge_canaries": "answers of models: written once, told by their run",
    "judgements": "answers of models: written once, told by their run",
    "looks": "how often a comparison was looked at: counted, never set",
    "measurement_daily": "sums of use, a row for each day",
    "notices": "what checks found, each with when it was found and gone",
    "output_decisions": "who decided and why is on the row; the case that came of it is audited",
    "output_ratings": "who rated and when is on the row; while outputs are rated blind, nobody is to read along",
    "pair_comparisons": "answers of models: written once, told by their tie-break",
    "run_models": "figures derived from runs",
    "seen_spans": "digests of spans that were counted",
    "skill_files": "files of a version, which never change; the version is audited with their digest",
    "spend": "sums of money, added to by every paid call",
    "spend_holds": "money held for calls that are out",
    "spend_months": "sums of money, added to by every paid call",
    "token_measurements": "uses, by the million; each is written once",
    "unmatched_uses": "uses, by the million; each is written once",
    "worker_marks": "which workers are alive",
}
