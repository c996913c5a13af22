"""The families of evidence that are read and fused: the only place of registration."""

from __future__ import annotations

from analysis.causes.families import calls, edges, excess, operations, patterns, resources
from analysis.causes.families.reading import FamilyReading, Reader
from analysis.config import AnalysisConfig
from analysis.topology import Topology
from analysis.view import SystemView

FAMILIES: tuple[Reader, ...] = (excess.read, resources.read, operations.read, patterns.read, calls.read, edges.read)
"""Each a pure function of the view; one `Family` has one reader."""


def read_all(view: SystemView, topology: Topology, config: AnalysisConfig) -> tuple[FamilyReading, ...]:
    """What every family says, silent ones left out."""
    readings = [reader(view, topology, config) for reader in FAMILIES]
    return tuple(reading for reading in readings if reading.marks)
