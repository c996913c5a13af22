"""Which services there are, what they depend on, and which one a set of labels means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from core.errors import ConfigError
from core.models import Identity, Resolution, Service

CONFIGURED = "config"
"""Provenance of what stands in quell.yaml."""


class Inventory:
    """The known services; which ones are known may change, as what runs is looked at again.

    Raises:
        ConfigError: two services share a name.
    """

    def __init__(self, services: Sequence[Service]) -> None:
        self.replace(services)

    def replace(self, services: Sequence[Service]) -> None:
        """Know these services from now on instead: what runs was looked at again.

        Raises:
            ConfigError: two services share a name; what was known stays.
        """
        named = {service.name: service for service in services}
        if len(named) != len(services):
            names = [service.name for service in services]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ConfigError(f"more than one service is called {', '.join(twice)}", fix="give each its own name")
        callers: dict[str, list[str]] = {}
        for service in services:
            for dependency in service.dependencies:
                callers.setdefault(dependency, []).append(service.name)
        self._services, self._callers = named, callers

    def get(self, name: str) -> Service | None:
        """The service of that name, None when there is none."""
        return self._services.get(name)

    def all(self) -> tuple[Service, ...]:
        """Every service, by name."""
        return tuple(self._services[name] for name in sorted(self._services))

    def resolve(self, labels: Mapping[str, str]) -> Resolution:
        """The service that `labels` mean.

        The rules of `_identities` are tried from the most deliberate to the most incidental; within a rule the match
        on the most labels wins. Two services that match equally well are ambiguous: none is chosen.
        """
        matches: dict[tuple[int, int], dict[str, str]] = {}
        for service in self._services.values():
            for rank, (rule, wanted) in enumerate(_identities(service)):
                if wanted and all(labels.get(label) == value for label, value in wanted.items()):
                    matches.setdefault((rank, -len(wanted)), {})[service.name] = f"{rule}: {told(wanted)}"
        if not matches:
            return Resolution(reason=f"no service is known by {told(labels) or 'no labels'}")
        best = matches[min(matches)]
        candidates = tuple(sorted({name for names in matches.values() for name in names}))
        if len(best) > 1:
            tied = sorted(best)
            return Resolution(reason=f"ambiguous: {', '.join(tied)} match equally well", candidates=tuple(tied))
        ((name, reason),) = best.items()
        return Resolution(service=name, reason=reason, candidates=candidates)

    def dependencies(self) -> dict[str, tuple[str, ...]]:
        """Which services each service calls, as declared."""
        return {service.name: service.dependencies for service in self.all()}

    def dependents(self, name: str) -> set[str]:
        """Every service that calls `name`, directly or not; never `name` itself."""
        return set(_reach(name, lambda each: self._callers.get(each, []))) - {name}

    def neighbourhood(self, name: str, limit: int = 50) -> tuple[str, ...]:
        """Known services in which the cause of trouble at `name` may lie: itself, all it depends on (nearest first),
        and its direct callers; at most `limit`."""
        if name not in self._services:
            return ()
        below = _reach(name, lambda each: self._services[each].dependencies if each in self._services else ())
        around = [*below, *sorted(self._callers.get(name, []))]
        return tuple(each for each in dict.fromkeys(around) if each in self._services)[:limit]


def _identities(service: Service) -> Iterator[tuple[str, dict[str, str]]]:
    """Labels by which a service is known, most deliberate first; an empty mapping means: not known this way."""
    identity = service.identity
    yield "alert labels", identity.alert_labels
    yield "service name", {"service": service.name}
    for label in ("service_name", "service.name"):
        yield "OpenTelemetry name", {label: identity.otel_service_name} if identity.otel_service_name else {}
    yield "Prometheus labels", identity.prometheus
    yield "Loki labels", identity.loki
    for label, value in (
        ("process", identity.process),
        ("container", identity.container),
        ("container_name", identity.container),
        ("swarm_service", identity.swarm_service),
        ("container_label_com_docker_swarm_service_name", identity.swarm_service),
    ):
        yield "runtime name", {label: value} if value else {}


def told(labels: Mapping[str, str]) -> str:
    """Labels on one line, in a stable order."""
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()))


def _reach(start: str, following: Callable[[str], Iterable[str]]) -> tuple[str, ...]:
    """`start` and all that can be reached from it, breadth first; cycles do not matter."""
    seen = {start: None}
    queue = [start]
    for each in queue:
        for other in following(each):
            if other not in seen:
                seen[other] = None
                queue.append(other)
    return tuple(seen)


class Process(Protocol):
    """A supervised process, such as `clients.processes.ProcessSpec`."""

    @property
    def name(self) -> str: ...


class Target(Protocol):
    """A scrape target, such as `clients.scrape.ScrapeTarget`."""

    @property
    def labels(self) -> Mapping[str, str]: ...


def discover(
    processes: Iterable[Process],
    targets: Iterable[Target],
    configured: Sequence[Service],
    found_running: Sequence[Service] = (),
) -> list[Service]:
    """Services put together from all that mentions one; each says in `provenance` where it was seen.

    `found_running` is what an engine runs (`clients.docker.discovery`): each belongs to the service that the
    configuration ties its container or Swarm service to, else to the one that shares its name.

    A process and a scrape target belong to the service that the configuration ties them to, else to the one that
    shares their name (a target is named by its label `service`, else `job`). Configuration always wins: only what it
    leaves empty is filled in. Several targets of one service leave the labels that they have in common.
    """
    found = {service.name: seen(service, CONFIGURED) for service in configured}

    processes_of = {service.identity.process: service.name for service in configured if service.identity.process}
    for process in processes:
        name = processes_of.get(process.name, process.name)
        service = found.get(name) or Service(name=name)
        found[name] = seen(filled(service, process=process.name), f"process {process.name}")

    for running in found_running:
        name = _tied_to(running.identity, configured) or running.name
        found[name] = _joined(found.get(name) or Service(name=name), running)

    configuration = Inventory(configured)
    scraped: dict[str, list[Mapping[str, str]]] = {}
    for target in targets:
        tied = configuration.resolve(target.labels).service
        name = tied or target.labels.get("service") or target.labels.get("job", "")
        if name:
            scraped.setdefault(name, []).append(target.labels)
    for name, labels in scraped.items():
        common = {label: value for label, value in labels[0].items() if all(x.get(label) == value for x in labels)}
        service = found.get(name) or Service(name=name)
        found[name] = seen(filled(service, prometheus=common), f"scrape {told(common)}")
    return [found[name] for name in sorted(found)]


def _tied_to(identity: Identity, configured: Sequence[Service]) -> str:
    """Name of the configured service that has this container or Swarm service; empty when none has."""
    mine = (identity.container, identity.swarm_service)
    tied = (s.name for s in configured if any(mine) and (s.identity.container, s.identity.swarm_service) == mine)
    return next(tied, "")


def _joined(service: Service, running: Service) -> Service:
    """The service with what the running one knows and it does not, and where that came from."""
    identity = running.identity
    known = filled(service, container=identity.container, swarm_service=identity.swarm_service)
    where = (*known.provenance, *running.provenance)
    dependencies = known.dependencies or running.dependencies
    return known.model_copy(update={"dependencies": dependencies, "provenance": where})


def seen(service: Service, where: str) -> Service:
    """The service with one more place in its provenance."""
    return service.model_copy(update={"provenance": (*service.provenance, where)})


def filled(service: Service, **names: str | dict[str, str]) -> Service:
    """The service with those parts of its identity that were empty."""
    missing = {part: value for part, value in names.items() if not getattr(service.identity, part)}
    identity = Identity.model_validate({**service.identity.model_dump(), **missing})
    return service.model_copy(update={"identity": identity})
