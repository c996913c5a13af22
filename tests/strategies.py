"""Hypothesis strategies for Quell's nouns, derived from their fields."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import annotated_types as limits
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from core.models import Model, Window

ModelT = TypeVar("ModelT", bound=Model)

TIMES = st.timedeltas(timedelta(0), timedelta(days=7300)).map(lambda age: datetime(2020, 1, 1, tzinfo=UTC) + age)
TEXTS = st.text(max_size=8)
_SCALARS: dict[type, st.SearchStrategy[Any]] = {
    str: TEXTS,
    bool: st.booleans(),
    int: st.integers(0, 2**31 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: TIMES,
    bytes: st.binary(max_size=16),
    NoneType: st.none(),
}


@cache
def nouns(model: type[ModelT]) -> st.SearchStrategy[ModelT]:
    """Any valid instance of the model, optional fields included."""
    if model is Window:
        pairs = st.tuples(TIMES, TIMES).map(sorted)
        return pairs.map(lambda pair: model(start=pair[0], end=pair[1]))
    fields = {name: _field(field) for name, field in model.model_fields.items()}
    return st.fixed_dictionaries(fields).map(lambda values: model(**values))


def _field(field: FieldInfo) -> st.SearchStrategy[Any]:
    bounds = {type(limit): limit for limit in field.metadata}
    if limits.MinLen in bounds:
        return st.text(min_size=1, max_size=8)
    if limits.Le in bounds:
        least, most = bounds[limits.Ge].ge, bounds[limits.Le].le
        return st.integers(least, most) if field.annotation is int else st.floats(least, most)
    return _values(field.annotation)


def _values(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type: scalars, enums, models, unions, `tuple[T, ...]` and `dict[K, V]`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _values(arguments[0])
    if origin in (Union, UnionType):
        return st.one_of([_values(each) for each in arguments])
    if origin is tuple:
        return st.lists(_values(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(_values(arguments[0]), _values(arguments[1]), max_size=2)
    if issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    if issubclass(annotation, Model):
        return st.deferred(lambda: nouns(annotation))
    return _SCALARS[annotation]
