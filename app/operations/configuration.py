"""The configuration as users see it: an example, its mistakes, its values and their origin."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from app.configuration.layers import Layer, Origin, dotted, leaves, origin_of
from app.configuration.problems import Problem
from app.operations.outputs import ConfigListing, ConfigReport, ConfigValue
from app.settings import Settings, config_file
from core.errors import ConfigError, UsageError
from core.redaction import redact


def example() -> str:
    """A quell.yaml with every section, explained; it validates as it is."""
    return files("app").joinpath("example.yaml").read_text("utf-8")


def write_example(path: Path, *, replace: bool) -> None:
    """Write the example, whole or not at all: a file that is replaced stays as it was when the new one has no room.

    Raises:
        UsageError: the file is there, or cannot be written.
    """
    if path.exists() and not replace:
        raise UsageError(f"{path} is there already", fix="name another --path, or replace it with --force")
    draft = path.with_name(f"{path.name}.new")
    try:
        draft.write_text(example(), "utf-8")
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise UsageError(f"{path} cannot be written: {error.strerror}", fix="name another --path") from None


def schema() -> dict[str, Any]:
    """JSON Schema of quell.yaml, for editors and other programs."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()}


def validate(file: Path | None) -> ConfigReport:
    """Every problem of the configuration; a policy file that it names is read too."""
    where = config_file(file)
    name = str(where) if where else ""
    try:
        examined = Settings.examine(file)
        found = examined.problems
        if examined.settings is not None and not found:
            examined.settings.action_policy  # noqa: B018  # read for its errors
    except UsageError as error:
        found = (Problem(source=name if isinstance(error, ConfigError) else "", what=error.message, fix=error.fix),)
    return ConfigReport(ok=not found, file=name, problems=found)


def listing(file: Path | None) -> ConfigListing:
    """Every setting that applies, secrets hidden, with the layer that it came from.

    Raises:
        ConfigError: the configuration is wrong.
    """
    where = config_file(file)
    examined = Settings.examine(file)
    values = examined.require().model_dump(mode="json")
    return ConfigListing(
        file=str(where) if where else "",
        values=tuple(
            ConfigValue(
                key=dotted(path),
                value=json.dumps(redact(value, str(path[-1])), ensure_ascii=False),
                origin=_origin(examined.layers, path),
            )
            for path, value in leaves(values)
        ),
    )


def _origin(layers: tuple[Layer, ...], path: tuple[str | int, ...]) -> str:
    layer = origin_of(layers, path)
    return layer.origin.value if layer else Origin.DEFAULT.value
