"""Pages and filters of DataSync's List operations."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from include.standins.aws.datasync_options import REFUSED
from include.standins.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PAGE = 100


class HasArn(Protocol):
    """A record that a page can show."""

    arn: str


Row = TypeVar("Row", bound=HasArn)


def page(rows: Sequence[Row], parameters: Mapping[str, Any]) -> tuple[list[Row], dict[str, str]]:
    """Cut a page out of rows; gives it and the NextToken member, if there is more. A token names the last row seen."""
    start = 0
    token = parameters.get("NextToken")
    if token:
        last = _read(token)
        found = [number for number, row in enumerate(rows) if row.arn == last]
        if not found:
            raise AwsError(REFUSED, "Request parameters contain an invalid NextToken.")
        start = found[0] + 1
    size = parameters.get("MaxResults") or PAGE
    taken = list(rows[start : start + size])
    if start + size >= len(rows):
        return taken, {}
    return taken, {"NextToken": base64.urlsafe_b64encode(taken[-1].arn.encode()).decode()}


def _read(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise AwsError(REFUSED, "Request parameters contain an invalid NextToken.") from error


def matches(filters: Any, values: Mapping[str, Callable[[], list[str] | float]]) -> bool:
    """Tell whether a row passes a list of filters; `values` gives what it has under a filter's name."""
    return all(_passes(each, values[each["Name"]]()) for each in filters or [])


def _passes(rule: Mapping[str, Any], has: list[str] | float) -> bool:
    operator, wanted = rule["Operator"], rule["Values"]
    if isinstance(has, float):
        return _compare(operator, has, [_moment(value) for value in wanted])
    tests: dict[str, Callable[[], bool]] = {
        "Equals": lambda: any(value in wanted for value in has),
        "In": lambda: any(value in wanted for value in has),
        "NotEquals": lambda: all(value not in wanted for value in has),
        "Contains": lambda: any(text in value for text in wanted for value in has),
        "NotContains": lambda: all(text not in value for text in wanted for value in has),
        "BeginsWith": lambda: any(value.startswith(text) for text in wanted for value in has),
    }
    if operator not in tests:
        raise AwsError(REFUSED, f"The operator {operator} can't be used with {rule['Name']}.")
    return tests[operator]()


def _compare(operator: str, has: float, wanted: list[float]) -> bool:
    tests: dict[str, Callable[[float], bool]] = {
        "Equals": lambda value: has == value,
        "In": lambda value: has == value,
        "LessThan": lambda value: has < value,
        "LessThanOrEqual": lambda value: has <= value,
        "GreaterThan": lambda value: has > value,
        "GreaterThanOrEqual": lambda value: has >= value,
    }
    if operator == "NotEquals":
        return all(has != value for value in wanted)
    if operator not in tests:
        raise AwsError(REFUSED, f"The operator {operator} can't be used with CreationTime.")
    return any(tests[operator](value) for value in wanted)


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise AwsError(REFUSED, f"{text!r} is no time; write it as 2026-01-31T12:00:00Z.") from error
