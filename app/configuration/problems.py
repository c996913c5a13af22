"""Mistakes in the configuration, told in the words of the file: where, what, and how to fix it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from app.configuration.layers import ENVIRONMENT_PREFIX, KeyPath, Layer, Origin, dotted, merge, origin_of
from core.errors import ConfigError
from core.models import Model

SettingsType = TypeVar("SettingsType", bound=BaseModel)


class Problem(Model):
    """One thing that is wrong with the configuration."""

    source: str = ""
    path: str = ""
    what: str
    fix: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.path, self.what) if part)


@dataclass(frozen=True, slots=True)
class Examination(Generic[SettingsType]):
    """The outcome of reading the configuration.

    Attributes:
        settings: None when the values do not validate.
        problems: empty when all is well.
        layers: what was read, the strongest last.
    """

    settings: SettingsType | None
    problems: tuple[Problem, ...]
    layers: tuple[Layer, ...]

    def require(self) -> SettingsType:
        """The settings, when there is nothing to complain about.

        Raises:
            ConfigError: the first problem, and how many follow.
        """
        if self.settings is not None and not self.problems:
            return self.settings
        first, *more = self.problems
        rest = f"; {len(more)} more: quell config validate" if more else ""
        raise ConfigError(str(first), fix=f"{first.fix}{rest}")


def problems(error: ValidationError, model: type[BaseModel], layers: Sequence[Layer]) -> list[Problem]:
    """Each error of pydantic in the words of the file: where it stands, what is wrong, what to do."""
    schema = model.model_json_schema()
    merged = merge(layers)
    return [_problem(details, schema, merged, layers) for details in error.errors(include_url=False)]


_LIST, _KEYS = "input should be a list", "input should be keys with values below them"
_PLAIN = {
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _KEYS,
    "model_type": _KEYS,
    "model_attributes_type": _KEYS,
}
"""What YAML calls it, where pydantic names a type of Python."""


def _problem(details: Any, schema: dict[str, Any], merged: Any, layers: Sequence[Layer]) -> Problem:
    path = _real_path(details["loc"], merged, missing=details["type"] == "missing")
    layer = origin_of(layers, path if details["type"] != "missing" else path[:-1])
    node = _nodes(schema, path)
    description = next((str(n["description"]) for n in node if "description" in n), "")
    known = sorted({name for parent in _nodes(schema, path[:-1]) for name in parent.get("properties", {})})
    what = str(details["msg"]).removeprefix("Value error, ")
    what = what[:1].lower() + what[1:]
    match details["type"]:
        case "extra_forbidden":
            what, fix = "unknown key", _suggest(str(path[-1]), [name for name in known if name != path[-1]])
        case "missing":
            what, fix = "is missing", f"add it: {description}" if description else "add it"
        case _:
            what = _PLAIN.get(details["type"], what)
            secret = any(n.get("format") == "password" or n.get("writeOnly") for n in node)
            given = details.get("input")
            if not secret and isinstance(given, str | int | float | bool):
                what = f"{what}, not {given!r}"
            fix = f"expected: {description}" if description else "see `quell config schema`"
    return Problem(source=_source(layer, path), path=dotted(path), what=what, fix=fix)


def _source(layer: Layer | None, path: KeyPath) -> str:
    if layer is None:
        return ""
    if layer.origin is Origin.ENVIRONMENT:
        return ENVIRONMENT_PREFIX + "__".join(str(part) for part in path).upper()
    return layer.where


def _suggest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"remove it; known here: {', '.join(known)}" if known else "remove it"


def unknown_variables(names: Sequence[str], fields: Sequence[str]) -> list[Problem]:
    """Environment variables with Quell's prefix that set nothing: most likely spelt wrongly."""
    found = []
    for name in names:
        key = name.removeprefix(ENVIRONMENT_PREFIX).split("__")[0].lower()
        if key not in fields:
            close = difflib.get_close_matches(key, fields, n=1, cutoff=0.6)
            fix = (
                f"did you mean {ENVIRONMENT_PREFIX}{close[0].upper()}?"
                if close
                else "unset it: it means nothing to Quell"
            )
            found.append(Problem(source="environment", path=name, what="unknown variable", fix=fix))
    return found


def _real_path(location: tuple[Any, ...], merged: Any, *, missing: bool) -> KeyPath:
    """pydantic's location without the union tags it puts in, told apart by not being in the data."""
    path: list[str | int] = []
    values = merged
    last = len(location) - 1
    for index, part in enumerate(location):
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            if not (missing and index == last):
                continue
        path.append(part)
    return tuple(path)


def _nodes(schema: dict[str, Any], path: KeyPath) -> list[dict[str, Any]]:
    """The parts of a JSON Schema that describe a path, through references, unions and lists."""
    nodes = _expand(schema, schema)
    for part in path:
        step = []
        for node in nodes:
            if isinstance(part, int):
                inner = node.get("items")
            else:
                extra = node.get("additionalProperties")
                inner = node.get("properties", {}).get(part) or (extra if isinstance(extra, dict) else None)
            if inner:
                step.extend(_expand(inner, schema))
        nodes = step
    return nodes


def _expand(node: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """A node, what it refers to, and every branch of its unions; its own description comes first."""
    found = [node]
    if "$ref" in node:
        found += _expand(schema["$defs"][node["$ref"].rsplit("/", 1)[1]], schema)
    for word in ("anyOf", "oneOf", "allOf"):
        for branch in node.get(word, ()):
            found += _expand(branch, schema)
    return found
