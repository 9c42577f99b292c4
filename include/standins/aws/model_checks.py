"""Requests and answers of an engine, held against botocore's description of the service.

Source of the rules: the service models that botocore carries (types, required members, enums, lengths, ranges,
patterns). What only the service's documentation says is the engine's own business.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session

from include.standins.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Java's character classes as near as `re` has them; letters, marks and numbers count as word characters.
_JAVA = {r"\p{L}": r"\w", r"\p{M}": r"\w", r"\p{N}": r"\w", r"\p{Z}": r"\s", r"\p{Zs}": r"\s", r"\z": r"\Z"}
_JAVA |= {rf"\p{{{name}}}": r"\W" for name in "SPC"}
_NUMBERS = {"integer", "long", "float", "double", "timestamp"}
_KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "blob": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, datetime),
}


class WrongAnswerError(Exception):
    """An engine was about to give an answer that the service cannot give: a fault of the local AWS."""


def check_request(
    service: str, operation: str, parameters: Mapping[str, Any], *, code: str = "ValidationException"
) -> None:
    """Refuse parameters, as JSON carries them, that the service's model does not allow.

    :param service: boto3's name.
    :param code: the error that the service answers; raised as AwsError with every problem in its message.
    """
    problems = list(_problems(_operation(service, operation).input_shape, parameters, ""))
    if problems:
        plural = "error" if len(problems) == 1 else "errors"
        raise AwsError(code, f"{len(problems)} validation {plural} detected: {'; '.join(problems)}")


def check_answer(service: str, operation: str, answer: Mapping[str, Any]) -> None:
    """Raise WrongAnswerError for an answer, as JSON will carry it, that the service's model does not allow."""
    problems = list(_problems(_operation(service, operation).output_shape, answer, ""))
    if problems:
        raise WrongAnswerError(f"The answer to {operation} of {service} breaks its model: {'; '.join(problems)}.")


@cache
def _operation(service: str, operation: str) -> Any:
    return botocore.session.get_session().get_service_model(service).operation_model(operation)


def _problems(shape: Any, value: Any, where: str) -> Iterator[str]:
    if shape is None:  # the operation has no members at all
        if value:
            yield f"{sorted(value)} are not members of an empty structure"
    elif shape.type_name == "structure":
        yield from _of_structure(shape, value, where)
    elif shape.type_name == "list":
        yield from _of_list(shape, value, where)
    elif shape.type_name == "map":
        yield from _of_map(shape, value, where)
    else:
        yield from _of_scalar(shape, value, where)


def _of_structure(shape: Any, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _sentence(value, where, "Member must be a structure")
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield _sentence(None, _join(where, name), "Member must not be null")
    for name, member in value.items():
        if name not in shape.members:
            yield f"'{_join(where, name)}' is not a member of {shape.name}"
        elif member is not None:
            yield from _problems(shape.members[name], member, _join(where, name))
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield _sentence(sorted(value), where, "Exactly one member must be set")


def _of_list(shape: Any, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield _sentence(value, where, "Member must be a list")
        return
    yield from _length(shape, value, where)
    for number, member in enumerate(value, start=1):
        yield from _problems(shape.member, member, f"{where}.{number}.member")


def _of_map(shape: Any, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _sentence(value, where, "Member must be a map")
        return
    yield from _length(shape, value, where)
    for name, member in value.items():
        yield from _problems(shape.key, name, f"{where}.key")
        yield from _problems(shape.value, member, f"{where}.{name}.member")


def _of_scalar(shape: Any, value: Any, where: str) -> Iterator[str]:
    kind: str = shape.type_name
    if not _has_kind(value, kind):
        yield _sentence(value, where, f"Member must be a {kind}")
        return
    if kind in ("integer", "long", "float", "double"):
        yield from _range(shape, value, where)
    if kind == "string":
        yield from _length(shape, value, where)
        yield from _text(shape, value, where)


def _has_kind(value: Any, kind: str) -> bool:
    return isinstance(value, _KINDS[kind]) and not (isinstance(value, bool) and kind in _NUMBERS)


def _range(shape: Any, value: float, where: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield _sentence(value, where, f"Member must have value greater than or equal to {low}")
    if high is not None and value > high:
        yield _sentence(value, where, f"Member must have value less than or equal to {high}")


def _length(shape: Any, value: Any, where: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and len(value) < low:
        yield _sentence(value, where, f"Member must have length greater than or equal to {low}")
    if high is not None and len(value) > high:
        yield _sentence(value, where, f"Member must have length less than or equal to {high}")


def _text(shape: Any, value: str, where: str) -> Iterator[str]:
    enum = getattr(shape, "enum", None)
    if enum and value not in enum:
        yield _sentence(value, where, f"Member must satisfy enum value set: [{', '.join(enum)}]")
    pattern = shape.metadata.get("pattern")
    compiled = _pattern(pattern) if pattern else None
    if compiled is not None and not compiled.search(value):
        yield _sentence(value, where, f"Member must satisfy regular expression pattern: {pattern}")


@cache
def _pattern(pattern: str) -> re.Pattern[str] | None:
    """Compile a pattern of Java's; None when Python has no such thing (then it is not checked)."""
    for java, python in _JAVA.items():
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _sentence(value: Any, where: str, constraint: str) -> str:
    """Word a problem as AWS's JSON services do."""
    shown = "null" if value is None else f"'{str(value)[:200]}'"
    return f"Value {shown} at '{where}' failed to satisfy constraint: {constraint}"
