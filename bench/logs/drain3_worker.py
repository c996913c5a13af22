"""Runs drain3 in an environment of its own: JSON on standard input, JSON on standard output.

Nothing of Quell is importable there, and nothing of drain3's in Quell.
"""

from __future__ import annotations

import json
import sys
import time

from drain3 import TemplateMiner  # type: ignore[import-not-found]  # only in its own environment
from drain3.masking import MaskingInstruction  # type: ignore[import-not-found]
from drain3.template_miner_config import TemplateMinerConfig  # type: ignore[import-not-found]

EDGES = r"((?<=[^A-Za-z0-9])|^)(%s)((?=[^A-Za-z0-9])|$)"
MASKS = (
    (EDGES % r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}", "IP"),
    (EDGES % r"0x[a-fA-F0-9]+", "HEX"),
    (EDGES % r"[\-\+]?\d+", "NUM"),
)


def miner() -> TemplateMiner:
    """drain3 with the masks of its own example configuration and its defaults for everything else."""
    config = TemplateMinerConfig()
    config.masking_instructions = [MaskingInstruction(pattern, name) for pattern, name in MASKS]
    return TemplateMiner(None, config)


def seconds(stream: list[str]) -> float:
    """Processor time of one pass with a miner that has seen nothing."""
    parser = miner()
    started = time.process_time()
    for line in stream:
        parser.add_log_message(line)
    return time.process_time() - started


def main() -> None:
    """Groups of each system's lines, and the processor time of one pass over each stream."""
    asked = json.load(sys.stdin)
    groups = {}
    for system, lines in asked["systems"].items():
        parser = miner()
        groups[system] = [parser.add_log_message(line)["cluster_id"] for line in lines]
    json.dump({"groups": groups, "seconds": [seconds(stream) for stream in asked["streams"]]}, sys.stdout)


main()
