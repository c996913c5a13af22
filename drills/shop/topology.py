"""The shop as a whole: who calls whom, what each service is, and the names that they go by."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.models import ServiceKind
from drills.shop.roles import Role

GOOD_RELEASE = "1.0.0"
NEXT_RELEASE = "1.1.0"


@dataclass(frozen=True, slots=True)
class Placement:
    """How a role is run.

    Attributes:
        timeout_seconds: a caller waits longer than the one it calls, so that the failing edge is the last one.
        configuration: arguments of every release, by version; the first release runs at the start.
    """

    calls: tuple[Role, ...] = ()
    kind: ServiceKind = ServiceKind.STATELESS
    tier: int = 2
    workers: int = 16
    timeout_seconds: float = 1.0
    releases: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {GOOD_RELEASE: (), NEXT_RELEASE: ()})


_TAX = ("--tax-rate", "DE=19")
_TAX_ABROAD = ("--tax-rate", "FR=20", "--tax-rate", "GB=20", "--tax-rate", "US=0")

SHOP: Mapping[Role, Placement] = {
    Role.GATEWAY: Placement(calls=(Role.CATALOGUE, Role.CART, Role.ORDERS), tier=1, workers=48, timeout_seconds=1.5),
    Role.CATALOGUE: Placement(calls=(Role.CACHE,), workers=2),
    Role.CART: Placement(calls=(Role.CACHE,)),
    Role.ORDERS: Placement(
        calls=(Role.CART, Role.PAYMENT),
        workers=32,
        releases={GOOD_RELEASE: _TAX + _TAX_ABROAD, NEXT_RELEASE: _TAX},
    ),
    Role.PAYMENT: Placement(),
    Role.CACHE: Placement(kind=ServiceKind.CACHE, tier=3),
}
"""Release 1.1.0 of orders forgot the tax rates abroad, so that orders from there raise; the others changed nothing."""

_STEMS = (
    "alder", "birch", "comet", "delta", "ember", "falcon", "granite", "harbour", "indigo", "juniper", "kestrel",
    "lumen", "meadow", "nimbus", "onyx", "prairie", "quartz", "rowan", "saffron", "tundra", "umber", "willow",
)  # fmt: skip
_SUFFIXES = ("", "-api", "-svc", "-v2", "-core")


def names(seed: int | None = None) -> dict[Role, str]:
    """What each service is called: its role, or names that say nothing of it when a seed is given."""
    if seed is None:
        return {role: role.value for role in Role}
    chance = random.Random(seed)
    stems = chance.sample(_STEMS, len(Role))
    return {role: stem + chance.choice(_SUFFIXES) for role, stem in zip(Role, stems, strict=True)}
