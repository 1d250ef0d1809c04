"""Golden cases in every dialect Steelyard reads, and the one it writes."""

from steelyard.skills.cases.adhoc import ad_hoc_cases
from steelyard.skills.cases.duplicates import NearDuplicate, near_duplicates, suggested_families
from steelyard.skills.cases.find import CaseFiles, find_case_files
from steelyard.skills.cases.gather import GatheredCases, gather_cases
from steelyard.skills.cases.model import NotCases, ParsedCases
from steelyard.skills.cases.read import MAX_CASES_BYTES, parse_cases
from steelyard.skills.cases.write import write_evals_json

__all__ = [
    "MAX_CASES_BYTES",
    "CaseFiles",
    "GatheredCases",
    "NearDuplicate",
    "NotCases",
    "ParsedCases",
    "ad_hoc_cases",
    "find_case_files",
    "gather_cases",
    "near_duplicates",
    "parse_cases",
    "suggested_families",
    "write_evals_json",
]
