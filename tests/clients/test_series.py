"""The ring of rounds and its bounds."""

from __future__ import annotations

import numpy as np

from clients.series import History, SeriesRing, series_key


def everything(ring: SeriesRing, name: str) -> History:
    return ring.select(name, {}, {}, -np.inf, np.inf)


def test_only_the_newest_rounds_are_kept_in_order() -> None:
    ring = SeriesRing(columns=3, max_series=10)
    for at in range(5):
        ring.begin(at)
        ring.put(series_key("m", {}), at * 10.0)
    assert everything(ring, "m").times.tolist() == [2, 3, 4]
    assert everything(ring, "m").values.tolist() == [[20, 30, 40]]


def test_a_series_without_a_sample_in_a_round_has_none_there() -> None:
    ring = SeriesRing(columns=3, max_series=10)
    for at in range(5):
        ring.begin(at)
        if at != 3:
            ring.put(series_key("m", {}), at)
    np.testing.assert_array_equal(everything(ring, "m").values, [[2, np.nan, 4]])


def test_series_beyond_the_bound_are_dropped_and_room_is_given_again_once_old_ones_have_left() -> None:
    ring = SeriesRing(columns=2, max_series=1)
    old, new = series_key("old", {}), series_key("new", {})
    ring.begin(0)
    assert ring.put(old, 1.0)
    assert not ring.put(new, 1.0)
    ring.begin(1)
    assert not ring.put(new, 1.0)
    ring.begin(2)
    assert ring.put(new, 5.0)
    assert len(ring) == 1
    np.testing.assert_array_equal(everything(ring, "new").values, [[np.nan, 5.0]])
    assert everything(ring, "old").keys == ()


def test_growing_keeps_what_was_there() -> None:
    ring = SeriesRing(columns=2, max_series=1000)
    ring.begin(0)
    for number in range(300):
        assert ring.put(series_key("m", {"n": str(number)}), float(number))
    history = everything(ring, "m")
    assert {dict(key)["n"]: value for key, value in zip(history.keys, history.values[:, 0], strict=True)} == {
        str(number): float(number) for number in range(300)
    }


def test_a_clock_set_back_forgets_the_future() -> None:
    ring = SeriesRing(columns=5, max_series=10)
    for at in (10, 20, 30, 15):
        ring.begin(at)
        ring.put(series_key("m", {}), at)
    assert everything(ring, "m").times.tolist() == [10, 15]
    assert ring.newest == 15


def test_selection_by_labels_and_anchored_patterns_where_a_missing_label_is_empty() -> None:
    ring = SeriesRing(columns=2, max_series=10)
    ring.begin(0)
    for labels in ({"code": "200"}, {"code": "500"}, {"code": "1500"}, {}):
        ring.put(series_key("m", labels), 1.0)

    def codes(equal: dict[str, str], regex: dict[str, str]) -> list[str]:
        return [dict(key).get("code", "none") for key in ring.select("m", equal, regex, 0, 1).keys]

    assert codes({"code": "200"}, {}) == ["200"]
    assert codes({}, {"code": "5.."}) == ["500"]
    assert codes({"code": ""}, {}) == ["none"]
    assert codes({}, {"code": "|200"}) == ["200", "none"]


def test_a_dump_plays_back_into_a_smaller_ring() -> None:
    ring = SeriesRing(columns=4, max_series=10)
    for at in range(4):
        ring.begin(at)
        ring.put(series_key("m", {"a": "b"}), at)
    small = SeriesRing(columns=2, max_series=10)
    small.load(History(ring.keys, ring.times, np.vstack(list(ring.values()))))
    assert everything(small, "m").times.tolist() == [2, 3]
    assert everything(small, "m").values.tolist() == [[2, 3]]
