"""Who calls whom, asked by name, with cycles allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import networkx as nx


class Topology:
    """The dependency graph: an edge leads from a caller to what it calls."""

    def __init__(self, dependencies: Mapping[str, Sequence[str]]) -> None:
        self._graph: nx.DiGraph[str] = nx.DiGraph()
        for caller, callees in dependencies.items():
            self._graph.add_node(caller)
            self._graph.add_edges_from((caller, callee) for callee in callees if callee != caller)
        self._cycle_of = {
            name: frozenset(cycle) for cycle in nx.strongly_connected_components(self._graph) for name in cycle
        }

    def callees(self, service: str) -> tuple[str, ...]:
        """What the service calls directly, as listed; empty for unknown names."""
        return tuple(self._graph.successors(service)) if service in self._graph else ()

    def callers(self, service: str) -> tuple[str, ...]:
        """What calls the service directly; empty for unknown names."""
        return tuple(self._graph.predecessors(service)) if service in self._graph else ()

    def downstream(self, service: str) -> frozenset[str]:
        """Everything that the service needs, directly or not, without itself."""
        return frozenset(nx.descendants(self._graph, service)) if service in self._graph else frozenset()

    def in_cycle(self, one: str, other: str) -> bool:
        """Whether the two call each other, directly or not."""
        return other in self._cycle_of.get(one, frozenset())

    def explains(self, symptom: str, service: str) -> bool:
        """Whether a fault of the service can show at the symptom: it is it, or needed by it, or nothing is known."""
        unknown = symptom not in self._graph or service not in self._graph
        return unknown or service == symptom or service in self.downstream(symptom)

    def distance(self, symptom: str, service: str) -> int:
        """Calls between the symptom and the service; -1 when there is no way."""
        if symptom not in self._graph or service not in self._graph:
            return -1
        lengths: dict[str, int] = nx.single_source_shortest_path_length(self._graph, symptom)
        return lengths.get(service, -1)

    def callees_first(self, services: Sequence[str]) -> list[str]:
        """The services in an order in which what is needed comes before what needs it; cycles stay together."""
        condensed = nx.condensation(self._graph)
        group_of: dict[str, int] = condensed.graph["mapping"]
        order = {group: position for position, group in enumerate(nx.topological_sort(condensed))}
        return sorted(services, key=lambda name: -order[group_of[name]] if name in group_of else 1)
