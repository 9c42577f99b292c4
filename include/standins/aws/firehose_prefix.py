"""Prefix expressions of Firehose: where an object goes, by when its records came.

Source: Firehose developer guide, "Custom prefixes for Amazon S3 objects": !{timestamp:...} takes a Java date pattern
and the approximate arrival time of the buffer's oldest record; !{firehose:random-string};
!{firehose:error-output-type} in the error prefix only. Without any expression YYYY/MM/dd/HH/ is appended.
"""

from __future__ import annotations

import random
import re
import string
from datetime import datetime

from include.standins.aws.athena_projection import python_date_format
from include.standins.aws.errors import AwsError

_EXPRESSION = re.compile(r"!\{([^}]*)\}")
RANDOM_LENGTH = 11
CONVERSION_FAILED = "format-conversion-failed"


def place(prefix: str, *, arrived: datetime, failure: str | None = None) -> str:
    """Give the key prefix for records that arrived at `arrived` (UTC); `failure` is the error output type."""
    if not _EXPRESSION.search(prefix):
        middle = f"{failure}/" if failure else ""
        return f"{prefix}{middle}{arrived:%Y/%m/%d/%H}/"
    return _EXPRESSION.sub(lambda match: _value(match[1], arrived=arrived, failure=failure), prefix)


def _value(expression: str, *, arrived: datetime, failure: str | None) -> str:
    namespace, _, argument = expression.partition(":")
    if namespace == "timestamp":
        return arrived.strftime(python_date_format(argument))
    if expression == "firehose:random-string":
        return "".join(random.choices(string.ascii_letters + string.digits, k=RANDOM_LENGTH))  # noqa: S311 - a name
    if expression == "firehose:error-output-type" and failure:
        return failure
    raise ValueError(f"!{{{expression}}} is no prefix expression that the local Firehose models")


def check_prefixes(prefix: str, error_prefix: str) -> None:
    """Refuse prefixes as CreateDeliveryStream does; raises AwsError InvalidArgumentException."""
    if _EXPRESSION.search(prefix) and not error_prefix:
        raise AwsError(
            "InvalidArgumentException", "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions"
        )
    if _EXPRESSION.search(error_prefix) and "!{firehose:error-output-type}" not in error_prefix:
        raise AwsError(
            "InvalidArgumentException", "ErrorOutputPrefix must contain at least one !{firehose:error-output-type}"
        )
    try:
        moment = datetime(2000, 1, 1)  # noqa: DTZ001 - any moment will do to try the pattern
        place(prefix, arrived=moment)
        place(error_prefix, arrived=moment, failure=CONVERSION_FAILED)
    except ValueError as error:
        raise AwsError("InvalidArgumentException", str(error)) from error
