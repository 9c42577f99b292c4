"""What a run costs: measured bytes, reads and writes at dated list prices."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

MEBIBYTE = 1024**2
TEBIBYTE = 1024**4
LEAST_QUERY_BYTES = 10 * MEBIBYTE
"""Athena bills at least 10 MB a query and rounds up to whole MB (Amazon Athena pricing)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars in one Region as of a day; DynamoDB is on demand."""

    region: str
    as_of: str
    source: str
    athena_per_tebibyte: Decimal
    dynamodb_per_million_writes: Decimal
    dynamodb_per_million_reads: Decimal


US_EAST_1 = Prices(
    region="us-east-1",
    as_of="2026-11",
    source="aws.amazon.com/athena/pricing, aws.amazon.com/dynamodb/pricing/on-demand; list prices, not a bill",
    athena_per_tebibyte=Decimal("5"),
    dynamodb_per_million_writes=Decimal("0.625"),
    dynamodb_per_million_reads=Decimal("0.125"),
)
"""Prices differ by Region and change: look at them on the day of a release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCost:
    """Bytes, request units and dollars of one run. S3 requests, Firehose and the look-ups of mails are not in it."""

    queries: int
    scanned_bytes: int
    billed_bytes: int
    read_units: Decimal
    write_units: Decimal
    athena_dollars: Decimal
    dynamodb_dollars: Decimal
    prices: Prices = US_EAST_1

    @property
    def dollars(self) -> Decimal:
        """All of it."""
        return self.athena_dollars + self.dynamodb_dollars

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document; dollars are text, so that no digit is lost."""
        return {
            "queries": self.queries,
            "scanned_bytes": self.scanned_bytes,
            "billed_bytes": self.billed_bytes,
            "read_units": float(self.read_units),
            "write_units": float(self.write_units),
            "athena_dollars": f"{self.athena_dollars:f}",
            "dynamodb_dollars": f"{self.dynamodb_dollars:f}",
            "dollars": f"{self.dollars:f}",
            "prices": {"region": self.prices.region, "as_of": self.prices.as_of, "source": self.prices.source},
        }


def run_cost(
    scanned_bytes: Iterable[int], *, read_units: float = 0.0, write_units: float = 0.0, prices: Prices = US_EAST_1
) -> RunCost:
    """Price a run: bytes scanned of each query that Athena bills (succeeded or cancelled), DynamoDB request units.

    Leave failed queries and DDL out: Athena does not bill them.
    """
    scanned = list(scanned_bytes)
    billed = sum(billed_bytes(each) for each in scanned)
    reads, writes = Decimal(str(read_units)), Decimal(str(write_units))
    return RunCost(
        queries=len(scanned),
        scanned_bytes=sum(scanned),
        billed_bytes=billed,
        read_units=reads,
        write_units=writes,
        athena_dollars=_micro(prices.athena_per_tebibyte * billed / TEBIBYTE),
        dynamodb_dollars=_micro(
            (prices.dynamodb_per_million_writes * writes + prices.dynamodb_per_million_reads * reads) / 1_000_000
        ),
        prices=prices,
    )


def billed_bytes(scanned: int) -> int:
    """Return what Athena bills for a query: whole MB, at least ten."""
    return max(LEAST_QUERY_BYTES, math.ceil(scanned / MEBIBYTE) * MEBIBYTE)


def _micro(dollars: Decimal) -> Decimal:
    return dollars.quantize(Decimal("0.00000001"))
