"""JSON Schemas of parameters as models are shown them: no references, which small models do not follow, no titles."""

from __future__ import annotations

from typing import Any

from core.models import Model

_NOISE = frozenset({"title", "$defs", "default"})


def tool_parameters(model: type[Model]) -> dict[str, Any]:
    """The JSON Schema of a parameter model, in one piece. Models that contain themselves are no parameters."""
    schema = model.model_json_schema()
    definitions: dict[str, Any] = schema.get("$defs", {})
    shown: dict[str, Any] = _plain({**schema, "description": ""}, definitions)
    return {"properties": {}, **shown}


def _plain(node: Any, definitions: dict[str, Any]) -> Any:
    """The node with references replaced by what they mean."""
    if isinstance(node, list):
        return [_plain(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        meant = definitions[node["$ref"].rsplit("/", 1)[1]]
        own = {key: value for key, value in node.items() if key != "$ref"}
        return _plain({**meant, "description": "", **own}, definitions)
    kept = {key: value for key, value in node.items() if key not in _NOISE and value != ""}
    return {
        key: {name: _plain(each, definitions) for name, each in value.items()}
        if key == "properties"
        else _plain(value, definitions)
        for key, value in kept.items()
    }
