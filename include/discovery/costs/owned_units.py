"""Unit prices of licences that the customer owns and brings: they are no part of the AWS bill."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from include.discovery.costs.units import Term, Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

SQL_MINIMUM: Final = "at least 4 cores a virtual machine (Microsoft Product Terms)"
_ONE: Final = Decimal(1)
_TWELFTH: Final = _ONE / 12
_EE: Final = "oracle_ee_usd_per_processor_year"


def owned_units() -> Iterator[Unit]:
    """Yield SQL Server licences by core, and Oracle licences by processor and socket, in AWS."""
    for edition in ("web", "standard", "enterprise"):
        rule = f"own SQL Server {edition.title()} core licences: vCPUs, {SQL_MINIMUM}"
        term = Term(constant=_ONE, times=(f"sql_{edition}_usd_per_core_month",))
        yield Unit(key=f"own sql:{edition}", item="sql_server", unit="core licence", rule=rule, terms=(term,))
    yield Unit(
        key="own sql:unknown",
        item="sql_server",
        unit="core licence",
        rule=f"own core licences: vCPUs, {SQL_MINIMUM}; edition unknown: Standard likely",
        terms=unknown_edition_terms(),
    )
    rule = "what-if, own licences: 2 vCPUs with hyper-threads = 1 processor, no core factor (Oracle cloud policy)"
    yield _oracle("enterprise", "processor", rule, _EE)
    unknown = f"{rule}; edition unknown: Enterprise likely"
    yield _oracle("unknown", "processor", unknown, _EE, "oracle_unknown_enterprise_share")
    rule = "what-if, own licences: 4 vCPUs = 1 socket of Standard Edition 2 (Oracle cloud policy)"
    yield _oracle("standard", "socket", rule, "oracle_se2_usd_per_socket_year")


def unknown_edition_terms() -> tuple[Term, ...]:
    """Return a core of a SQL Server of unknown edition: paid x (Standard + share x the rest to Enterprise)."""
    paid, share = "sql_unknown_paid_share", "sql_unknown_enterprise_share"
    standard, enterprise = "sql_standard_usd_per_core_month", "sql_enterprise_usd_per_core_month"
    return (
        Term(constant=_ONE, times=(standard, paid)),
        Term(constant=_ONE, times=(enterprise, paid, share)),
        Term(constant=-_ONE, times=(standard, paid, share)),
    )


def _oracle(edition: str, unit: str, rule: str, *times: str) -> Unit:
    term = Term(constant=_TWELFTH, times=times)
    return Unit(key=f"oracle:{edition}", item="oracle", unit=unit, rule=rule, terms=(term,))
