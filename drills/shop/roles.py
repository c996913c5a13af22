"""Roles of the shop's services and how one process is configured. A role is what a service does; its name is free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from drills.shop.tracing import Tracer

LOOPBACK = "127.0.0.1"


class Role(StrEnum):
    """What a service does in the shop."""

    GATEWAY = "gateway"
    CATALOGUE = "catalogue"
    CART = "cart"
    ORDERS = "orders"
    PAYMENT = "payment"
    CACHE = "cache"


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """Everything one service process is told on its command line.

    Attributes:
        name: what it is called in logs; never read by the business code.
        host: address that it listens on; in a container one that its callers can reach.
        dependencies: base URL of each role it calls.
        workers: requests it works on at once; more wait a moment and are then turned away with 503.
        timeout_seconds: how long it waits for a dependency.
        tax_rates: percent by country code, for the role that computes tax.
        memory_limit_bytes: what its container may use, told on its page of metrics; 0: no limit is known.
        tracer: measures its requests and calls.
    """

    name: str
    role: Role
    port: int
    host: str = LOOPBACK
    dependencies: Mapping[Role, str] = field(default_factory=dict)
    workers: int = 16
    timeout_seconds: float = 1.0
    tax_rates: Mapping[str, int] = field(default_factory=dict)
    memory_limit_bytes: int = 0
    tracer: Tracer = field(default_factory=Tracer, compare=False)
