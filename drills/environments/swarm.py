"""The shop as Swarm services of one replica each, on an overlay network, each with a port of the host."""

from __future__ import annotations

from contextlib import suppress

from core.errors import ActuatorError
from core.models import RunState, ServiceState
from drills.environments.configuration import MEMORY_BYTES
from drills.environments.containers import clear_images
from drills.environments.engine import Json
from drills.environments.runtime import LABEL, PORT, STOP_SECONDS, USER, Plan, container_state
from drills.shop.roles import Role

_NANO = 1_000_000_000
_CLEAR_SECONDS = 15.0
_GATEWAY_BRIDGE = "docker_gwbridge"


class SwarmServices:
    """A `drills.environments.runtime.Runtime`; the swarm replaces no task by itself.

    Callers find tasks by DNS (`dnsrr`), since virtual addresses need IPVS in the kernel.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._engine = plan.engine
        self._host_address = ""

    def identity(self, role: Role) -> dict[str, str]:
        """Its Swarm service's name."""
        return {"swarm_service": self._plan.full_name(role)}

    async def prepare(self) -> str:
        """Make the overlay; tasks reach this host over the bridge that every swarm has.

        Raises:
            ActuatorError: the engine manages no swarm.
        """
        info = await self._engine.call("info")
        if not (info.get("Swarm") or {}).get("ControlAvailable"):
            raise ActuatorError("the engine manages no swarm", fix="run `docker swarm init`, or leave --engine out")
        await self._engine.call("create_network", self._plan.project, driver="overlay", labels=self._labels)
        told = await self._engine.call("inspect_network", _GATEWAY_BRIDGE)
        self._host_address = str(told["IPAM"]["Config"][0]["Gateway"])
        return self._host_address

    async def start(self, role: Role, release: str) -> None:
        """Create its service."""
        spec = self._spec(role, await self._plan.build(role, release))
        await self._engine.call("create_service", **spec)

    async def replace(self, role: Role, release: str) -> None:
        """As `docker service update --image` does."""
        image = await self._plan.build(role, release)
        told = await self._engine.call("inspect_service", self._plan.full_name(role))
        template = {**told["Spec"]["TaskTemplate"]}
        template["ContainerSpec"] = {**template["ContainerSpec"], "Image": image}
        await self._engine.call(
            "update_service", told["ID"], version=told["Version"]["Index"], task_template=template,
            fetch_current_spec=True,
        )  # fmt: skip

    async def state(self, role: Role) -> ServiceState:
        """The container of its newest task."""
        plan = self._plan
        missing = container_state(plan.names[role], None, plan.clock)
        rows = await self._engine.call("tasks", filters={"service": plan.full_name(role)})
        if not rows:
            return missing
        task: Json = max(rows, key=lambda row: str(row["CreatedAt"]))
        container = ((task.get("Status") or {}).get("ContainerStatus") or {}).get("ContainerID", "")
        if not container:
            return missing.model_copy(update={"state": RunState.STARTING})
        told = await self._engine.find("inspect_container", container)
        return container_state(plan.names[role], told, plan.clock)

    async def clear(self) -> None:
        """Remove services, their containers, network and images; the swarm takes its time with each of the first three.

        Raises:
            ActuatorError: something cannot be removed.
        """
        for row in await self._mine("services"):
            await self._engine.call("remove_service", row["ID"])
        await self._remove_all("containers", "remove_container", force=True, v=True)
        await self._remove_all("networks", "remove_network")
        await clear_images(self._plan)

    async def _mine(self, method: str) -> list[Json]:
        """What a listing tells of things of this drill."""
        options = {"all": True} if method == "containers" else {}
        filters = {"label": f"{LABEL}={self._plan.project}"}
        found: list[Json] = await self._engine.call(method, filters=filters, **options)
        return found

    async def _remove_all(self, listing: str, removal: str, **options: bool) -> None:
        """Remove things until none is left; that the swarm was quicker, or is not ready yet, is no error."""
        clock = self._plan.clock
        deadline = clock.monotonic() + _CLEAR_SECONDS
        while rows := await self._mine(listing):
            for row in rows:
                with suppress(ActuatorError):
                    await self._engine.call(removal, row["Id"], **options)
            if clock.monotonic() > deadline:
                raise ActuatorError(
                    f"{len(rows)} {listing} of the drill cannot be removed", fix=f"find them by the label {LABEL}"
                )
            await clock.sleep(0.2)

    def _spec(self, role: Role, image: str) -> Json:
        plan = self._plan
        container = {
            "Image": image,
            "Args": plan.arguments(role, self._host_address),
            "User": USER,
            "ReadOnly": True,
            "CapabilityDrop": ["ALL"],
            "Labels": self._labels,
            "StopGracePeriod": STOP_SECONDS * _NANO,
            "Mounts": [
                {"Type": "bind", "Source": source, "Target": target, "ReadOnly": True}
                for source, target, _ in (bind.split(":") for bind in plan.binds)
            ],
        }
        template = {
            "ContainerSpec": container,
            "Resources": {"Limits": {"MemoryBytes": MEMORY_BYTES, "Pids": 256}},
            "RestartPolicy": {"Condition": "none"},
            "Networks": [{"Target": plan.project, "Aliases": [plan.names[role]]}],
        }
        port = {"Protocol": "tcp", "TargetPort": PORT, "PublishedPort": plan.ports[role], "PublishMode": "host"}
        return {
            "task_template": template,
            "name": plan.full_name(role),
            "labels": self._labels,
            "mode": "replicated",
            "endpoint_spec": {"Mode": "dnsrr", "Ports": [port]},
        }

    @property
    def _labels(self) -> dict[str, str]:
        return {LABEL: self._plan.project}
