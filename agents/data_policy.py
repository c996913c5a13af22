"""Which data may leave for which rung: by service, and what is hidden of those that may."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from pydantic import Field

from agents.redaction import POLICIES, IdentityKind, RedactionPolicy
from core.models import Model, Rung


class RungPrivacy(RedactionPolicy):
    """What the models of one rung may be told."""

    leave: bool = Field(default=True, description="whether data of services that `services` does not name may leave")
    services: dict[str, bool] = Field(
        default={}, description="service -> whether its data may leave; a name may hold * and ?, the exact one counts"
    )

    def lets(self, service: str) -> bool:
        """Whether data of that service may leave: by its name, else by the patterns it fits, where a no wins."""
        if service in self.services:
            return self.services[service]
        fitting = [may for pattern, may in self.services.items() if fnmatchcase(service, pattern)]
        return all(fitting) if fitting else self.leave


class FrontierPrivacy(RungPrivacy):
    """What the models of others may be told: unless it is said, no identities."""

    kinds: tuple[IdentityKind, ...] = Field(
        default=POLICIES[Rung.FRONTIER].kinds, description="hidden besides secrets, and put back into the answer"
    )


class DataPolicy(Model):
    """By rung. Secrets are hidden whatever stands here."""

    local: RungPrivacy = RungPrivacy()
    frontier: FrontierPrivacy = FrontierPrivacy()

    def of(self, rung: Rung) -> RungPrivacy:
        """What that rung may be told; the rungs that are no models are told everything."""
        return {Rung.LOCAL: self.local, Rung.FRONTIER: self.frontier}.get(rung, RungPrivacy())


def may_leave(policy: DataPolicy, rung: Rung, services: Iterable[str]) -> str | None:
    """Why data of these services, all of which a prompt tells about, must not go to that rung; None when it may."""
    privacy = policy.of(rung)
    kept = sorted({service for service in services if not privacy.lets(service)})
    if not kept:
        return None
    return f"policy keeps data of {', '.join(each or 'unknown services' for each in kept)} from the {rung} rung"
