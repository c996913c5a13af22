"""A secret in a log line reaches neither the digest nor the recording, and so no export and no replay."""

from __future__ import annotations

from datetime import timedelta

from tests.tools.world import NOON, Logs, Metrics, Processes, context, lines
from tools.runner import run_query
from tools.sources import Sources

SECRET = "xoxb-123456789012-abcdefghijkl"


async def test_a_secret_in_a_log_line_ends_at_the_recorder() -> None:
    written = lines(
        "payment", 40, f"cannot post with {SECRET} try {{}}", start=NOON - timedelta(seconds=50), seconds=40
    )
    sources = Sources(Metrics(), Logs(written), (Processes(),))
    evidence, recorded = await run_query("log_digest", {"service": "payment"}, context(sources))
    assert "cannot post with" in evidence.model_dump_json()
    assert SECRET not in evidence.model_dump_json()
    assert recorded
    assert all(SECRET.encode() not in call.payload for call in recorded)
