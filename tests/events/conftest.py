"""What the tests of events share: payloads as Alertmanager writes them, an inventory, an intake."""

from __future__ import annotations

import pytest

from core.clock import ManualClock
from core.models import Autonomy, AutonomyRule, Service, Severity
from events.correlation import CorrelationSettings
from events.intake import Intake
from stores.store import Store
from tools.inventory import Inventory


@pytest.fixture
def inventory() -> Inventory:
    return Inventory(
        [
            Service(name="gateway", tier=1, autonomy=AutonomyRule(by_severity={Severity.CRITICAL: Autonomy.ACT})),
            Service(name="payment"),
            Service(name="cart"),
        ]
    )


@pytest.fixture
def intake(store: Store, inventory: Inventory, clock: ManualClock) -> Intake:
    return Intake(store, inventory, clock, CorrelationSettings(), autonomy=Autonomy.PROPOSE)
