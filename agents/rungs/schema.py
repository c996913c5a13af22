"""The JSON Schema of an answer with its closed lists, and reading an answer by it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import ValidationError

from core.errors import InvalidInput
from core.models import Model

R = TypeVar("R", bound=Model)
MAX_ANSWER_CHARACTERS = 20_000


def response_schema(response: type[Model], choices: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The schema that is sent: closed, every field required, without titles; fields in `choices` are closed lists.

    In the form that strict structured outputs want
    (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas).
    """
    schema: dict[str, Any] = _plain(_schema_of(response), choices)
    return schema


def read_response(
    text: str,
    response: type[R],
    choices: Mapping[str, tuple[str, ...]],
    restore: Callable[[str], str],
) -> R:
    """The answer in a text, which may stand within prose or a code block.

    Args:
        restore: puts back what was hidden, in each string of the answer.

    Raises:
        InvalidInput: there is none, it does not obey the schema, or it names what is not on a closed list.
    """
    found = _each(_object(text), restore)
    try:
        answer = response.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        path = ".".join(map(str, first["loc"])) or "answer"
        raise InvalidInput(str(first["msg"]), path=path) from None
    for path, name, value in _strings(answer.model_dump(mode="json"), "answer"):
        if name in choices and value not in choices[name]:
            raise InvalidInput(f"it is none of the {len(choices[name])} values that may stand here", path=path)
    return answer


@cache
def _schema_of(response: type[Model]) -> dict[str, Any]:
    """Of pydantic, which takes a millisecond; nobody changes it."""
    return response.model_json_schema()


def quotable(text: str, hide: Callable[[str], str]) -> str:
    """An answer as its author may see it again: what JSON's escapes keep from `hide` is hidden, too."""
    try:
        found = _each(_object(text), hide)
    except InvalidInput:
        return hide(text)
    return hide(json.dumps(found, ensure_ascii=False))


def _object(text: str) -> dict[str, Any]:
    start, end = text.find("{"), text.rfind("}")
    try:
        if len(text) > MAX_ANSWER_CHARACTERS or start < 0:
            raise ValueError
        found = json.loads(text[start : end + 1], parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise InvalidInput("there is no JSON object in it, or it is broken", path="answer") from None
    if not isinstance(found, dict):
        raise InvalidInput("there is no JSON object in it", path="answer")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _each(value: Any, changed: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return changed(value)
    if isinstance(value, list):
        return [_each(each, changed) for each in value]
    if isinstance(value, dict):
        return {key: _each(each, changed) for key, each in value.items()}
    return value


def _strings(value: Any, path: str, name: str = "") -> Iterator[tuple[str, str, str]]:
    """Path, field and value of each string."""
    if isinstance(value, str):
        yield path, name, value
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _strings(each, f"{path}[{index}]", name)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _strings(each, f"{path}.{key}", key)


def _plain(node: Any, choices: Mapping[str, tuple[str, ...]]) -> Any:
    if isinstance(node, list):
        return [_plain(each, choices) for each in node]
    if not isinstance(node, dict):
        return node
    found = {key: _plain(each, choices) for key, each in node.items() if key not in {"title", "default"}}
    properties = found.get("properties")
    if isinstance(properties, dict):
        for name, values in choices.items():
            if name in properties and values:
                properties[name] = _chosen(properties[name], values)
        found["required"] = list(properties)
        found["additionalProperties"] = False
    return found


def _chosen(node: dict[str, Any], values: tuple[str, ...]) -> dict[str, Any]:
    if node.get("type") == "array":
        return {**node, "items": {"type": "string", "enum": list(values)}}
    return {"type": "string", "enum": list(values)}
