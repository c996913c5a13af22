"""Bundles packed to ship: smaller, and still what they were."""

from __future__ import annotations

import hashlib
import json
import zipfile

from bench.ladder.drilled import unpacked
from bench.ladder.packing import CHECKOUT, pack, slimmed
from drills.keeping import SCORE
from graphs.bundle import MANIFEST

TRACE, SPAN, OTHER = "0f" * 16, "ab" * 8, "cd" * 8
LINE = json.dumps({"msg": f'File "{CHECKOUT}drills/shop/web.py"', "trace_id": TRACE})
PAYLOAD = json.dumps(
    {"spans": [{"trace_id": TRACE, "span_id": SPAN, "parent_id": ""}], "lines": [{"text": LINE, "trace_id": TRACE}]}
)


def bundle() -> dict[str, str]:
    """Recordings, evidence that cites a trace, and their manifest."""
    files = {
        "recordings.json": json.dumps([{"port": "traces", "key": OTHER, "payload": PAYLOAD}]),
        "evidence.json": json.dumps([{"query": f"trace {TRACE}", "id": f"ev_{SPAN[:12]}"}]),
    }
    manifest = {
        "format": 1,
        "quell_version": "0.1.0",
        "incident_id": "inc_1",
        "exported_at": "2026-03-03T12:00:00Z",
        "files": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()},
    }
    return {**files, MANIFEST: json.dumps(manifest)}


def test_ids_are_numbered_everywhere_alike_and_nothing_else_is_touched():
    done = slimmed(bundle())
    trace, span = f"{1:032x}", f"{2:016x}"
    recording = json.loads(done["recordings.json"])[0]
    assert recording["key"] == OTHER
    payload = json.loads(recording["payload"])
    assert payload["spans"] == [{"trace_id": trace, "span_id": span, "parent_id": ""}]
    assert json.loads(payload["lines"][0]["text"]) == {"msg": 'File "drills/shop/web.py"', "trace_id": trace}
    assert json.loads(done["evidence.json"]) == [{"query": f"trace {trace}", "id": f"ev_{SPAN[:12]}"}]


def test_a_packed_run_is_whole_and_the_same_run_packs_to_the_same_bytes(tmp_path):
    run = tmp_path / "hang-processes-7"
    run.mkdir()
    for name, text in {**bundle(), SCORE: "{}"}.items():
        (run / name).write_text(text)
    for target in ("first.zip", "second.zip"):
        pack(run, tmp_path / target)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    assert zipfile.is_zipfile(tmp_path / "first.zip")
    with unpacked(tmp_path / "first.zip") as folder:
        files = {each.name: each.read_text() for each in folder.iterdir()}
    assert set(files) == {*bundle(), SCORE}
    sums = json.loads(files[MANIFEST])["files"]
    assert sums == {name: hashlib.sha256(files[name].encode()).hexdigest() for name in sums}
