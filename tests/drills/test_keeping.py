"""What a drill leaves behind when it is told to."""

from __future__ import annotations

import io
import zipfile

import httpx
import pytest

from app.operations.remote import Remote
from core.errors import BundleError
from drills.keeping import SCORE, keep
from drills.results import Score
from tests.drills.scores import judged


def quell(asked: list[str]) -> Remote:
    """One that has a bundle of whatever it is asked for."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as zipped:
            zipped.writestr("manifest.json", "{}")
        return httpx.Response(200, content=buffer.getvalue())

    return Remote("http://quell", "", transport=httpx.MockTransport(answer))


async def test_the_incident_and_what_was_right_are_kept_and_nothing_is_written_over(tmp_path):
    score, asked = judged(seed=7), []
    async with quell(asked) as remote:
        first, second = [await keep(score, remote, tmp_path / "runs") for _ in range(2)]
    assert asked == [f"/api/incidents/{score.incident}/export"] * 2
    assert (first.name, second.name) == ("hang-processes-7", "hang-processes-7.2")
    assert (first / "manifest.json").read_text() == "{}"
    kept = Score.model_validate_json((first / SCORE).read_bytes())
    assert kept == score
    assert kept.key is not None
    assert (kept.key.services, kept.key.kinds) == (("payment",), ("hang",))


async def test_where_nothing_was_noticed_only_the_score_is_kept(tmp_path):
    asked: list[str] = []
    async with quell(asked) as remote:
        run = await keep(judged(incident=None), remote, tmp_path)
    assert asked == []
    assert [each.name for each in run.iterdir()] == [SCORE]


async def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    async with quell([]) as remote:
        with pytest.raises(BundleError, match="cannot write"):
            await keep(judged(), remote, tmp_path / "file")
