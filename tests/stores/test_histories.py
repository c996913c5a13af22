"""Days of samples of series."""

from __future__ import annotations

from stores.histories import HistoryDay
from stores.store import Store


def day(series: str, number: int, samples: bytes = b"\0\0\0\0") -> HistoryDay:
    return HistoryDay(series=series, day=number, samples=samples)


async def test_days_come_back_oldest_first_and_a_later_one_replaces(store: Store) -> None:
    async with store.write() as tx:
        await tx.histories.save([day("a", 3), day("a", 2), day("b", 2)])
        await tx.histories.save([day("a", 3, b"\1\0\0\0")])
    async with store.read() as tx:
        assert await tx.histories.of_series("a") == [day("a", 2), day("a", 3, b"\1\0\0\0")]
        assert await tx.histories.of_series("c") == []


async def test_old_days_are_forgotten(store: Store) -> None:
    async with store.write() as tx:
        await tx.histories.save([day("a", 1), day("a", 2), day("b", 1)])
        await tx.histories.forget(before=2)
    async with store.read() as tx:
        assert await tx.histories.of_series("a") == [day("a", 2)]
        assert await tx.histories.of_series("b") == []
