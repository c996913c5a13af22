"""A digest of log lines says what was found of templates that no rule knows, and a replay says the same."""

from __future__ import annotations

from datetime import timedelta

from clients.recorded import RecordedLogs, RecordedMetrics, RecordedTemplates
from core.models import LogCategory, Rung, Severity, TemplateClass, TemplateDigest, TemplatePage, TemplateQuery
from tests.tools import world
from tests.tools.world import NOON, Logs, Metrics, lines
from tools.runner import look
from tools.sources import Sources

UNKNOWN = "gronk frobbed {} quux"
KNOWN = "charge {} failed: connection refused"
FOUND = TemplateClass(
    template="gronk frobbed <*> quux", severity=Severity.WARNING, category=LogCategory.DATA, rung=Rung.LOCAL
)


class Memory:
    """Knows one page; remembers who asked."""

    def __init__(self, *found: TemplateClass) -> None:
        self.page = TemplatePage(classes=found)
        self.asked: list[str] = []

    async def classes(self, query: TemplateQuery) -> TemplatePage:
        self.asked.append(query.service)
        return self.page


def sources(memory: Memory) -> Sources:
    start = NOON - timedelta(seconds=50)
    spoken = [
        *lines("payment", 20, UNKNOWN, start=start, seconds=50),
        *lines("payment", 20, KNOWN, start=start, seconds=50),
    ]
    return Sources(Metrics(), Logs(sorted(spoken, key=lambda one: one.at)), templates=memory)


def row(rows: tuple[TemplateDigest, ...], word: str) -> TemplateDigest:
    (found,) = [one for one in rows if word in one.template]
    return found


async def test_the_memory_speaks_where_no_rule_does_and_is_recorded() -> None:
    wrong = FOUND.model_copy(update={"template": "charge <*> failed: connection refused"})
    memory = Memory(FOUND, wrong)
    seen = await look("log_digest", {"service": "payment"}, world.context(sources(memory)))
    rows = seen.evidence.digest.templates
    assert (row(rows, "gronk").category, row(rows, "gronk").severity) == (LogCategory.DATA, Severity.WARNING)
    assert row(rows, "charge").category is LogCategory.NETWORK, "a rule's word stands"
    assert row(rows, "charge").severity is Severity.CRITICAL, "nothing is shown as less bad than its lines say"
    calls = {(call.port, call.key): call.payload for call in seen.calls}

    async def look_up(port: str, key: str) -> bytes | None:
        return calls.get((port, key))

    recorded = Sources(RecordedMetrics(look_up), RecordedLogs(look_up), templates=RecordedTemplates(look_up))
    again = await look("log_digest", {"service": "payment"}, world.context(recorded))
    assert again.evidence.digest == seen.evidence.digest
    assert memory.asked == ["payment"]


async def test_an_older_record_knows_of_no_template() -> None:
    async def nothing(port: str, key: str) -> bytes | None:
        return None

    window = world.context(sources(Memory())).window
    assert await RecordedTemplates(nothing).classes(TemplateQuery(service="cart", window=window)) == TemplatePage()
