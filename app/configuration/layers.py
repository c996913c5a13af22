"""The layers of the configuration: what each says, what they say together, and which one decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from core.errors import ConfigError

ENVIRONMENT_PREFIX = "QUELL_"
KeyPath = tuple[str | int, ...]


class Origin(StrEnum):
    """Which layer a value comes from."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "env"
    FLAG = "flag"


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
