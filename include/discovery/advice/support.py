"""End of support of operating systems and database engines: dated data, joined to servers and databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery.advice.rulebook import keep_rows, load
from include.discovery.tables import Table

if TYPE_CHECKING:
    from datetime import date

END_OF_SUPPORT: Final = Table(
    "end_of_support",
    {
        "server_id": ("VARCHAR", ""),
        "database_id": ("VARCHAR", "NULL: it is the server's operating system"),
        "product": ("VARCHAR", "always: as windows server 2012 r2, sqlserver 2014"),
        "ends": ("DATE", "always: the vendor's last day of security updates without an extra contract"),
        "days": ("INTEGER", "always: from the day of the assessment; negative: it has ended"),
        "source": ("VARCHAR", "always"),
    },
)


def list_end_of_support(connection: Any, *, at: date) -> None:
    """Create `end_of_support`: one row for each server in scope and each database whose product has a known end."""
    rows = [(str(one["product"]), one["ends"], str(one["source"])) for one in load("end_of_support.yaml")["products"]]
    keep_rows(connection, "product_ends", {"product": "VARCHAR", "ends": "DATE", "source": "VARCHAR"}, rows)
    connection.execute('DROP TABLE IF EXISTS "end_of_support"').fetchall()
    connection.execute(END_OF_SUPPORT.ddl).fetchall()
    connection.execute(
        """
        INSERT INTO end_of_support BY NAME
        SELECT server_id, NULL AS database_id, product, ends, (ends - $at::DATE)::INTEGER AS days, source
        FROM servers JOIN product_ends ON product = os_product WHERE in_scope
        UNION ALL
        SELECT d.server_id, database_id, product, ends, (ends - $at::DATE)::INTEGER, p.source
        FROM databases d JOIN product_ends p ON product = engine_family || ' ' || engine_version
        LEFT JOIN servers s ON s.server_id = d.server_id WHERE coalesce(s.in_scope, TRUE)
        ORDER BY ALL
        """,
        {"at": at},
    ).fetchall()
