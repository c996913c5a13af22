"""The action policy: which action may be done to which service, with or without a human.

rules:                          # the first rule that fits decides
  - name: restart-stateless
    actions: [restart, start]   # names or globs; empty: any
    services: ["checkout-*"]    # names or globs; empty: any
    kinds: [stateless]          # empty: any
    effect: allow               # allow, ask or deny
default: ask                    # when no rule fits
max_actions_per_hour: 3         # a service
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from core.errors import PolicyFileError
from core.models import Effect, Model, Service, ServiceKind


class PolicyRule(Model):
    """One entry: it fits when action, service and kind all fit; an empty list fits anything."""

    name: str = Field(min_length=1)
    actions: tuple[str, ...] = Field(default=(), description="names or globs")
    services: tuple[str, ...] = Field(default=(), description="names or globs")
    kinds: tuple[ServiceKind, ...] = ()
    effect: Effect
    why: str = Field(default="", description="shown with the verdict")

    def fits(self, action: str, service: Service) -> bool:
        """Whether the rule is about this action on this service."""
        return (
            _any_glob(self.actions, action)
            and _any_glob(self.services, service.name)
            and (not self.kinds or service.kind in self.kinds)
        )


class ActionPolicy(Model):
    """All rules and limits."""

    rules: tuple[PolicyRule, ...] = ()
    default: Effect = Effect.ASK
    max_actions_per_hour: int = Field(default=3, ge=0, description="a service; undo is not counted")
    cooldown_seconds: float = Field(default=60.0, ge=0, le=3600, description="between two actions on a service")
    max_attempts: int = Field(default=3, ge=0, description="an incident")
    max_evidence_age_seconds: float = Field(default=300.0, gt=0, description="older evidence is read again")

    def decide(self, action: str, service: Service) -> tuple[Effect, str]:
        """The effect, and the name of the rule that decided: ``default`` when none fits."""
        for rule in self.rules:
            if rule.fits(action, service):
                return rule.effect, f"{rule.name} ({rule.why})" if rule.why else rule.name
        return self.default, "default"


def load_policy(path: Path) -> ActionPolicy:
    """Read a policy file.

    Raises:
        PolicyFileError: it cannot be read; names the file, the line or key, and what to do.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyFileError(f"{path}: {error}", fix="name a readable YAML file in policy.file") from error
    return parse_policy(text, str(path))


@cache
def default_policy() -> ActionPolicy:
    """The policy that applies when none is configured."""
    source = files("remediation").joinpath("default_policy.yaml")
    return parse_policy(source.read_text(encoding="utf-8"), str(source))


def parse_policy(text: str, name: str) -> ActionPolicy:
    """A policy from YAML; `name` is what errors call the text.

    Raises:
        PolicyFileError: as `load_policy`.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_repeated_keys(root, name)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyFileError(f"{name}, line {line}: {error.problem}", fix="correct the YAML") from error
    except yaml.YAMLError as error:
        raise PolicyFileError(f"{name}: {error}", fix="correct the YAML") from error
    try:
        return ActionPolicy.model_validate(data if data is not None else {})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        where = f"{name}, line {_line(root, first['loc'])}, {key}"
        raise PolicyFileError(f"{where}: {first['msg']}", fix=_fix(first)) from error


def _any_glob(patterns: tuple[str, ...], text: str) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


def _refuse_repeated_keys(node: yaml.Node | None, name: str) -> None:
    """PyYAML lets the last of two equal keys win without a word; in a policy that would hide a rule."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise PolicyFileError(f"{name}, line {line}: {key.value} is given twice", fix="keep one of them")
            seen.add(str(key.value))
            _refuse_repeated_keys(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(item, name)


def _line(root: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """The line, from 1, of the deepest node on the way to `location` that the file has."""
    node, line = root, 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _fix(problem: Any) -> str:
    """What to do about one pydantic problem."""
    kind = problem["type"]
    if kind == "extra_forbidden":
        return "remove the key, or correct its spelling; `quell config schema` lists the keys"
    if kind == "missing":
        return "add the key"
    return "correct the value"
