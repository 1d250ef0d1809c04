"""The services of skills, their cases, what people say of them, and their use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from steelyard.workbench.base import Base

if TYPE_CHECKING:
    from steelyard.services.api_keys import ApiKeys
    from steelyard.services.audit import AuditService
    from steelyard.services.case_drafts import CaseDrafts
    from steelyard.services.case_health import CaseHealthService
    from steelyard.services.case_queue import CaseQueue
    from steelyard.services.cases import CaseService
    from steelyard.services.catalogue import SkillCatalogue
    from steelyard.services.cost_trend import CostTrends
    from steelyard.services.draft_versions import DraftVersions
    from steelyard.services.feedback import FeedbackService
    from steelyard.services.intake import IntakeService
    from steelyard.services.later_prices import LaterPrices
    from steelyard.services.named_cases import NamedCases
    from steelyard.services.once import OnceService
    from steelyard.services.opinions import OpinionService
    from steelyard.services.production import ProductionService
    from steelyard.services.reviews import ReviewService
    from steelyard.services.rollup import RollupService
    from steelyard.services.skills import SkillService
    from steelyard.services.suggestions import SuggestionService
    from steelyard.services.usage import UsageService
    from steelyard.services.versions import VersionService


class Library(Base):
    """The services of skills, their cases, what people say of them, and their use."""

    @cached_property
    def skills(self) -> SkillService:
        from steelyard.services.skills import SkillService

        return SkillService(self.database)

    @cached_property
    def catalogue(self) -> SkillCatalogue:
        from steelyard.services.catalogue import SkillCatalogue

        return SkillCatalogue(self.database, stale_after_days=self.settings.stale_after_days)

    @cached_property
    def cases(self) -> CaseService:
        from steelyard.services.cases import CaseService

        return CaseService(self.database)

    @cached_property
    def case_queue(self) -> CaseQueue:
        from steelyard.services.case_queue import CaseQueue

        return CaseQueue(self.database, self.cases, self.feedback)

    @cached_property
    def named_cases(self) -> NamedCases:
        from steelyard.services.named_cases import NamedCases

        return NamedCases(self.catalogue, self.cases, self.case_queue)

    @cached_property
    def case_drafts(self) -> CaseDrafts:
        from steelyard.services.case_drafts import CaseDrafts

        return CaseDrafts(self.database, self.queue, self.providers, self.default_judge)

    @cached_property
    def case_health(self) -> CaseHealthService:
        from steelyard.services.case_health import CaseHealthService

        return CaseHealthService(self.database)

    @cached_property
    def versions(self) -> VersionService:
        from steelyard.services.versions import VersionService

        return VersionService(self.database)

    @cached_property
    def draft_versions(self) -> DraftVersions:
        from steelyard.services.draft_versions import DraftVersions

        return DraftVersions(self.database)

    @cached_property
    def feedback(self) -> FeedbackService:
        from steelyard.services.feedback import FeedbackService

        return FeedbackService(self.database)

    @cached_property
    def opinions(self) -> OpinionService:
        from steelyard.services.opinions import OpinionService

        return OpinionService(self.database)

    @cached_property
    def suggestions(self) -> SuggestionService:
        from steelyard.services.suggestions import SuggestionService

        return SuggestionService(self.database)

    @cached_property
    def reviews(self) -> ReviewService:
        from steelyard.services.reviews import ReviewService

        return ReviewService(self.database, self.queue, self.providers)

    @cached_property
    def intake(self) -> IntakeService:
        from steelyard.services.intake import IntakeService

        return IntakeService(self.database, self.usage)

    @cached_property
    def usage(self) -> UsageService:
        from steelyard.services.usage import UsageService

        return UsageService(self.database, self.price)

    @cached_property
    def later_prices(self) -> LaterPrices:
        from steelyard.services.later_prices import LaterPrices

        return LaterPrices(self.database, self.price)

    @cached_property
    def cost_trends(self) -> CostTrends:
        from steelyard.services.cost_trend import CostTrends

        return CostTrends(self.database, self.price)

    @cached_property
    def production(self) -> ProductionService:
        from steelyard.services.production import ProductionService

        return ProductionService(self.database, self.price)

    @cached_property
    def once(self) -> OnceService:
        from steelyard.services.once import OnceService

        return OnceService(self.database)

    @cached_property
    def api_keys(self) -> ApiKeys:
        from steelyard.services.api_keys import ApiKeys

        return ApiKeys(self.database)

    @cached_property
    def rollup(self) -> RollupService:
        from steelyard.services.rollup import RollupService

        return RollupService(self.database)

    @cached_property
    def audit(self) -> AuditService:
        from steelyard.services.audit import AuditService

        return AuditService(self.database)
