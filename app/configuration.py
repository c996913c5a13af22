"""Joins the layers of the configuration and says of every value where it came from, and of every mistake how to fix it.

Pure, apart from reading the file it is given: `app.settings` has the model and reads the environment.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, SecretStr, ValidationError

from core.errors import ConfigError
from core.models import Model

SettingsType = TypeVar("SettingsType", bound=BaseModel)
ENVIRONMENT_PREFIX = "QUELL_"
FILE_REFERENCE = "file:"
KeyPath = tuple[str | int, ...]


class Origin(StrEnum):
    """Which layer a value comes from."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "env"
    FLAG = "flag"


class Problem(Model):
    """One thing that is wrong with the configuration."""

    source: str = ""
    path: str = ""
    what: str
    fix: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.path, self.what) if part)


@dataclass(frozen=True, slots=True)
class Layer:
    """Values of one origin, nested like quell.yaml.

    Attributes:
        where: what a message calls it: the file's path, ``environment`` or ``flag``.
    """

    origin: Origin
    where: str
    values: Mapping[str, Any]


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key written twice, which YAML 1.2 forbids and PyYAML lets the last one win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key.value!r} is there twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


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


def read_file(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; an empty file is an empty mapping.

    Raises:
        ConfigError: no such file, not readable, not YAML, or not a mapping.
    """
    try:
        text = path.read_text("utf-8")
        # S506: the loader is a SafeLoader
        values = yaml.load(text, Loader=_Loader)  # noqa: S506
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file", fix=f"write one: quell config init --path {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: cannot be read: {error}", fix="check the path, its encoding and its rights"
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        what = getattr(error, "problem", None) or "not YAML"
        raise ConfigError(f"{where}: {what}", fix="correct the YAML at that line and column") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ConfigError(f"{path}: must hold names and their values", fix="see `quell config init` for an example")
    return values


def merge(layers: Sequence[Layer]) -> dict[str, Any]:
    """Later layers over earlier ones; mappings are joined key by key, everything else (lists too) is replaced."""
    merged: dict[str, Any] = {}
    for layer in layers:
        _overlay(merged, layer.values)
    return merged


def _overlay(base: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, Mapping):
            inner = base.get(key)
            base[key] = dict(inner) if isinstance(inner, Mapping) else {}
            _overlay(base[key], value)
        else:
            base[key] = value


def leaves(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every value that is no mapping, with its path; empty mappings count as values."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def dotted(path: KeyPath) -> str:
    """A path as users write it: ``scrape.targets[2].url``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def find(values: Any, path: KeyPath) -> Any:
    """The value at a path.

    Raises:
        KeyError: there is none.
    """
    for part in path:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            raise KeyError(dotted(path)) from None
    return values


def origin_of(layers: Sequence[Layer], path: KeyPath) -> Layer | None:
    """The last layer that says something about a path: at, below or above it. None: it is the default."""
    for layer in reversed(layers):
        values: Any = layer.values
        for part in path:
            if not isinstance(values, Mapping):
                return layer
            if part not in values:
                break
            values = values[part]
        else:
            return layer
    return None


def problems(error: ValidationError, model: type[BaseModel], layers: Sequence[Layer]) -> list[Problem]:
    """Each error of pydantic in the words of the file: where it stands, what is wrong, what to do."""
    schema = model.model_json_schema()
    merged = merge(layers)
    return [_problem(details, schema, merged, layers) for details in error.errors(include_url=False)]


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


def resolve_references(
    settings: SettingsType, locate: Callable[[str], Path]
) -> tuple[SettingsType, tuple[Problem, ...]]:
    """Put the content of the file in the place of every secret that reads ``file:/path``.

    Args:
        locate: makes a path absolute.

    Returns:
        The settings, and one problem for each file that cannot be read.
    """
    unreadable: list[Problem] = []

    def resolved(value: Any, path: KeyPath) -> Any:
        if isinstance(value, SecretStr) and value.get_secret_value().startswith(FILE_REFERENCE):
            file = locate(value.get_secret_value().removeprefix(FILE_REFERENCE))
            try:
                return SecretStr(file.read_text("utf-8").strip())
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "not text"
                fix = "create the file or correct the path; it must be readable by this user"
                unreadable.append(Problem(path=dotted(path), what=f"secret file {file}: {reason}", fix=fix))
        elif isinstance(value, tuple):
            return tuple(resolved(inner, (*path, index)) for index, inner in enumerate(value))
        elif isinstance(value, BaseModel):
            changed = {name: resolved(inner, (*path, name)) for name, inner in value}
            return value.model_copy(update={k: v for k, v in changed.items() if v is not getattr(value, k)})
        return value

    return resolved(settings, ()), tuple(unreadable)


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
