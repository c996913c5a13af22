"""What was found of templates is kept by service, and known to all of them."""

from __future__ import annotations

from core.models import LogCategory, Rung, Severity, TemplateClass
from stores.store import Store
from stores.templates import MAX_OF_SERVICE


def found(template: str, category: LogCategory = LogCategory.JOB, rung: Rung = Rung.LOCAL) -> TemplateClass:
    return TemplateClass(template=template, severity=Severity.WARNING, category=category, rung=rung)


async def test_the_latest_answer_counts(store: Store) -> None:
    async with store.write() as tx:
        await tx.templates.save("cart", [found("b <*>"), found("a <*>")])
        await tx.templates.save("cart", [found("b <*>", LogCategory.DATA, Rung.FRONTIER)])
    async with store.read() as tx:
        assert await tx.templates.of_service("cart") == [
            found("a <*>"),
            found("b <*>", LogCategory.DATA, Rung.FRONTIER),
        ]
        assert await tx.templates.of_service("gateway") == []


async def test_another_service_need_not_be_asked_again(store: Store) -> None:
    async with store.write() as tx:
        await tx.templates.save("cart", [found("a <*>")])
    async with store.read() as tx:
        assert await tx.templates.known(["a <*>", "new <*>"]) == {"a <*>": found("a <*>")}
        assert await tx.templates.known([]) == {}


async def test_what_a_digest_is_given_is_bounded(store: Store) -> None:
    async with store.write() as tx:
        await tx.templates.save("cart", [found(f"t{number}") for number in range(MAX_OF_SERVICE + 5)])
    async with store.read() as tx:
        assert len(await tx.templates.of_service("cart")) == MAX_OF_SERVICE
