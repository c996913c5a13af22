"""The shop as Docker containers on a bridge of their own, each with a port on loopback."""

from __future__ import annotations

from core.models import ServiceState
from drills.environments.configuration import MEMORY_BYTES
from drills.environments.runtime import LABEL, PORT, STOP_SECONDS, USER, Plan, container_state
from drills.shop.roles import LOOPBACK, Role


class Containers:
    """A `drills.environments.runtime.Runtime`; the engine restarts nothing by itself."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._engine = plan.engine
        self._host_address = ""

    def identity(self, role: Role) -> dict[str, str]:
        """Its container's name."""
        return {"container": self._plan.full_name(role)}

    async def prepare(self) -> str:
        """Make the bridge; its gateway is this host."""
        await self._engine.call("create_network", self._plan.project, driver="bridge", labels=self._labels)
        told = await self._engine.call("inspect_network", self._plan.project)
        self._host_address = str(told["IPAM"]["Config"][0]["Gateway"])
        return self._host_address

    async def start(self, role: Role, release: str) -> None:
        """Create its container and start it."""
        image = await self._plan.build(role, release)
        call = self._engine.call
        options = await call(
            "create_host_config",
            binds=self._plan.binds,
            port_bindings={PORT: (LOOPBACK, self._plan.ports[role])},
            mem_limit=MEMORY_BYTES,
            memswap_limit=MEMORY_BYTES,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            read_only=True,
            pids_limit=256,
        )
        endpoint = await call("create_endpoint_config", aliases=[self._plan.names[role]])
        name = self._plan.full_name(role)
        await call(
            "create_container",
            image,
            command=self._plan.arguments(role, self._host_address),
            name=name,
            user=USER,
            ports=[PORT],
            labels=self._labels,
            stop_timeout=STOP_SECONDS,
            host_config={**options, "NetworkMode": self._plan.project},
            networking_config=await call("create_networking_config", {self._plan.project: endpoint}),
        )
        await call("start", name)

    async def replace(self, role: Role, release: str) -> None:
        """As a simple pipeline does: remove the old container, create one of the new image with the same options."""
        await self._plan.build(role, release)
        await self._engine.call("stop", self._plan.full_name(role), timeout=STOP_SECONDS)
        await self._engine.call("remove_container", self._plan.full_name(role))
        await self.start(role, release)

    async def state(self, role: Role) -> ServiceState:
        """Its container."""
        told = await self._engine.find("inspect_container", self._plan.full_name(role))
        return container_state(self._plan.names[role], told, self._plan.clock)

    async def clear(self) -> None:
        """Remove containers, images and network."""
        call, mine = self._engine.call, {"label": f"{LABEL}={self._plan.project}"}
        for row in await call("containers", all=True, filters=mine):
            await call("remove_container", row["Id"], force=True, v=True)
        for row in await call("networks", filters=mine):
            await call("remove_network", row["Id"])
        await clear_images(self._plan)

    @property
    def _labels(self) -> dict[str, str]:
        return {LABEL: self._plan.project}


async def clear_images(plan: Plan) -> None:
    """Remove the images that were built for the drill."""
    for row in await plan.engine.call("images", filters={"reference": f"{plan.project}/*"}):
        await plan.engine.call("remove_image", row["Id"], force=True)
