"""The body that creates a container anew with the same options on another image.

The engine mixes an image's defaults into what it tells of a container; they are taken out again, so that the defaults
of the other image take their place, as `docker run` with the same arguments would have it. Written after the API's
description of ``GET /containers/{id}/json`` and ``POST /containers/create``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_DEFAULTED = ("Cmd", "Entrypoint", "WorkingDir", "User", "Healthcheck", "StopSignal", "Shell")
_DEFAULTED_MAPS = ("Labels", "Volumes", "ExposedPorts")
_SHORT_ID = 12
_ENDPOINT_OPTIONS = ("IPAMConfig", "Links", "DriverOpts")


@dataclass(frozen=True, slots=True)
class NewContainer:
    """What to send.

    Attributes:
        body: of ``POST /containers/create``, with the first network.
        further: endpoint configuration of each other network, by its name.
    """

    body: Json
    further: dict[str, Json]


def same_options(told: Json, defaults: Json, image: str, labels: dict[str, str]) -> NewContainer:
    """The container that was told of, on another image.

    Args:
        told: answer of ``GET /containers/{id}/json``.
        defaults: the ``Config`` of the image that it runs now.
        image: reference or id of the other image.
        labels: to add.
    """
    identity = str(told["Id"])
    config = _own_options(dict(told.get("Config") or {}), defaults)
    if config.get("Hostname") == identity[:_SHORT_ID]:
        config.pop("Hostname")
    config.pop("MacAddress", None)
    config["Image"] = image
    config["Labels"] = {**(config.get("Labels") or {}), **labels}
    host = dict(told.get("HostConfig") or {})
    anonymous = _anonymous_volumes(told, host)
    added = [f"{volume}:{place}{access}" for place, (volume, access) in anonymous.items()]
    host["Binds"] = [*(bind for bind in host.get("Binds") or [] if bind not in anonymous), *added]
    config["Volumes"] = {place: value for place, value in config["Volumes"].items() if place not in anonymous}
    mode = str(host.get("NetworkMode") or "default")
    networks: Json = (told.get("NetworkSettings") or {}).get("Networks") or {}
    endpoints = {name: _endpoint(endpoint or {}, identity) for name, endpoint in networks.items()}
    if mode in ("host", "none") or mode.startswith("container:"):
        return NewContainer({**config, "HostConfig": host}, {})
    first = next((name for name in (mode, "bridge") if name in endpoints), next(iter(endpoints), ""))
    body = {**config, "HostConfig": host}
    if first:
        body["NetworkingConfig"] = {"EndpointsConfig": {first: endpoints.pop(first)}}
    return NewContainer(body, endpoints)


def _own_options(config: Json, defaults: Json) -> Json:
    """The configuration without what it has from its image."""
    for option in _DEFAULTED:
        if config.get(option) == defaults.get(option):
            config.pop(option, None)
    for option in _DEFAULTED_MAPS:
        inherited = defaults.get(option) or {}
        own = {name: value for name, value in (config.get(option) or {}).items() if inherited.get(name, ...) != value}
        config[option] = own
    inherited_environment = set(defaults.get("Env") or [])
    config["Env"] = [each for each in config.get("Env") or [] if each not in inherited_environment]
    return config


def _anonymous_volumes(told: Json, host: Json) -> dict[str, tuple[str, str]]:
    """Volumes without a name of their own hold data too: the new container gets the same ones.

    Returns the volume and its mode by where it is mounted.
    """
    named = {str(bind).split(":")[1] for bind in host.get("Binds") or [] if ":" in str(bind)}
    named |= {str(mount.get("Target")) for mount in host.get("Mounts") or []}
    return {
        str(mount["Destination"]): (str(mount["Name"]), "" if mount.get("RW", True) else ":ro")
        for mount in told.get("Mounts") or []
        if mount.get("Type") == "volume" and mount.get("Name") and mount.get("Destination") not in named
    }


def _endpoint(endpoint: Json, identity: str) -> Json:
    """What was asked of a network, without what the engine assigned."""
    kept = {option: endpoint[option] for option in _ENDPOINT_OPTIONS if endpoint.get(option)}
    aliases = [alias for alias in endpoint.get("Aliases") or [] if alias != identity[:_SHORT_ID]]
    return {**kept, "Aliases": aliases} if aliases else kept
