"""`quell bench prompts`: however much stands behind the tools, models are shown a bounded part of it."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from agents.catalogue import ALL
from agents.ladder_policy import LadderPolicy
from agents.rungs.schema import response_schema
from bench.prompts import run as prompts
from bench.prompts.crowd import Crowd
from bench.prompts.listener import Listener
from bench.prompts.run import CONTAINERS, EVERYTHING, INVESTIGATION_TOKENS, LARGEST_TOKENS, LINES, LOOKS, NOW, SERIES
from bench.result import BenchOptions, Met
from core.frames import LogQuery
from core.llm import Message, ModelRequest, ModelTask, Purpose, Speaker
from core.models import Rung, Window
from tools.registry import ACTIONS, QUERIES

NEVER_SURE = LadderPolicy(sure=1.0, critical_sure=1.0)


def test_the_system_is_as_large_as_is_said() -> None:
    assert CONTAINERS == 500
    assert CONTAINERS * SERIES == 50_000
    assert CONTAINERS * LINES == 10_000_000
    assert {name for turn in (*LOOKS, *EVERYTHING) for name in turn} <= set(QUERIES)
    assert not {name for turn in EVERYTHING for name in turn} & set(ACTIONS)


async def test_a_server_gives_its_lines_page_by_page_until_all_were_read() -> None:
    crowd = Crowd(NOW, containers=10, lines=1_000, page_lines=300)
    source, window = crowd.sources().logs, Window(start=crowd.fault_at, end=NOW)
    sizes, cursor = [], ""
    for _ in range(10):
        page = await source.query(LogQuery(service=crowd.names[0], window=window, cursor=cursor))
        sizes.append(len(page.lines))
        cursor = page.cursor
        if not cursor:
            break
    assert sizes == [300, 300, 300, 100]


async def test_every_answer_of_the_model_obeys_the_schema_that_it_was_given() -> None:
    for spec in ALL:
        if spec.prompted is None:
            continue
        schema = response_schema(spec.prompted.response, {})
        asked = ModelRequest(
            task=ModelTask.RCA,
            messages=(Message(speaker=Speaker.USER, text="[ev_0123456789ab] container-001"),),
            response_schema=schema,
            purpose=Purpose(agent=spec.name),
        )
        listener = Listener(Rung.LOCAL)
        reply = await listener.complete(asked)
        jsonschema.validate(spec.prompted.response.model_validate_json(reply.text).model_dump(mode="json"), schema)
        assert listener.shown == [(spec.name, reply.prompt_tokens)]


@pytest.mark.parametrize(("looks", "policy"), [((), None), (EVERYTHING, NEVER_SURE)])
async def test_prompts_stay_within_their_bound(looks: tuple[tuple[str, ...], ...], policy: LadderPolicy | None) -> None:
    seen = await prompts.asked(Crowd(NOW, CONTAINERS, SERIES, LINES, page_lines=20), 401, looks=looks, policy=policy)
    agents = {agent for agent, _ in seen.prompts}
    assert {"rca", "healing"} <= agents, "models were asked"
    assert 1_000 < seen.largest < LARGEST_TOKENS
    assert looks or seen.total < INVESTIGATION_TOKENS


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
async def test_a_log_server_that_gives_everything_at_once_shows_models_hardly_more() -> None:
    small = await prompts.asked(Crowd(NOW, CONTAINERS, SERIES, LINES, prompts.PAGE_LINES), 401)
    large = await prompts.asked(Crowd(NOW, CONTAINERS, SERIES, LINES, 5_000), 401)
    assert large.largest < LARGEST_TOKENS
    assert large.total < INVESTIGATION_TOKENS
    assert large.total < 1.1 * small.total


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
def test_the_figures_reach_their_floors(tmp_path: Path) -> None:
    found = {each.id: each for each in prompts.run(BenchOptions(tmp_path)).figures}
    assert found["prompts.largest"].met is Met.FLOOR
    assert found["prompts.median_investigation"].met is Met.FLOOR
