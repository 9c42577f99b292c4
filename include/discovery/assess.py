"""The whole assessment: sources in, tables after tables, a folder out. The DAG and the command run the same steps."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from include.discovery.advice.advise import advise
from include.discovery.catalogue.loading import load_catalogue
from include.discovery.costs.estate import cost_estate
from include.discovery.delivery.reviews import apply_review, earlier_review, read_review
from include.discovery.delivery.write import write_assessment
from include.discovery.dependencies.map import map_dependencies
from include.discovery.inventory.build import build_inventory
from include.discovery.priorities.rank import rank_applications
from include.discovery.quality.judge import judge
from include.discovery.sizing.choosing import size_servers
from include.discovery.sizing.summaries import summarise_utilisation
from include.discovery.sources.read import read_sources
from include.discovery.waves.plan import plan_waves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from include.discovery.catalogue.model import Catalogue
    from include.discovery.settings import AssessmentSettings

    Announce = Callable[[int, str], None]

STEPS: Final = 12
MEMORY_LIMIT: Final = "1GB"
"""Of the query engine; what is more goes to a temporary folder. Python's own arrays come on top."""


class NothingToAssessError(ValueError):
    """No source holds a server; the message says what was found instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be assessed.

    :param review: a workbook whose review sheet was edited by people.
    :param previous: the folder of an earlier assessment, for the trend.
    """

    settings: AssessmentSettings
    catalogue: Catalogue
    review: Path | None = None
    previous: Path | None = None


@contextmanager
def working_tables(*, memory_limit: str = MEMORY_LIMIT) -> Iterator[Any]:
    """Open the connection that an assessment works in; its temporary folder goes with it."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="landfall-") as folder:
        connection = duckdb.connect(":memory:", config={"memory_limit": memory_limit, "temp_directory": folder})
        try:
            connection.execute("SET TimeZone = 'UTC'").fetchall()
            connection.execute("SET preserve_insertion_order = true").fetchall()
            connection.execute("SET enable_progress_bar = false").fetchall()  # it would go to stdout, into the JSON
            yield connection
        finally:
            connection.close()


def collect(connection: Any, sources: Sequence[Path], order: Order, announce: Announce) -> None:
    """Read the sources and make the inventory of them.

    :raises NothingToAssessError: no server was found.
    """
    announce(0, "reading the sources")
    read_sources(sources, connection, settings=order.settings.reading)
    announce(1, "merging rows into machines")
    build_inventory(connection, settings=order.settings.inventory)
    if order.review is not None:
        apply_review(connection, read_review(order.review))
    if not connection.execute("SELECT count(*) FROM servers").fetchone()[0]:
        raise NothingToAssessError(_nothing(connection))


def score(connection: Any, order: Order, announce: Announce) -> None:
    """Make every result from the inventory."""
    settings, at = order.settings, day_of(connection, order)
    steps: list[tuple[str, Callable[[], None]]] = [
        ("summarising utilisation", lambda: summarise_utilisation(connection, settings=settings.sizing)),
        ("finding applications", lambda: map_dependencies(connection, settings=settings.dependencies)),
        ("sizing", lambda: size_servers(connection, settings=settings.sizing, catalogue=order.catalogue)),
        ("choosing strategies and database targets", lambda: advise(connection, settings=settings.advice, at=at)),
        ("counting costs", lambda: cost_estate(connection, settings=settings.costs, catalogue=order.catalogue)),
        ("ranking applications", lambda: rank_applications(connection, settings=settings.priorities)),
        ("planning waves", lambda: plan_waves(connection, settings=settings.waves, at=at)),
        ("judging the data", lambda: judge(connection, settings=settings.quality, at=at)),
    ]
    for done, (text, step) in enumerate(steps, start=2):
        announce(done, text)
        step()


def deliver(connection: Any, out: Path, order: Order, announce: Announce) -> None:
    """Write the folder; it appears whole or not at all."""
    announce(10, "writing the files")
    write_assessment(
        connection,
        out,
        settings=order.settings.to_dict(),
        at=day_of(connection, order),
        catalogue=order.catalogue,
        previous=order.previous,
    )
    announce(STEPS, "done")


def assess(
    sources: Sequence[Path],
    out: Path,
    order: Order,
    *,
    announce: Announce | None = None,
    memory_limit: str = MEMORY_LIMIT,
) -> None:
    """Assess sources into a folder.

    :raises NothingToAssessError: no source holds a server.
    """
    tell = announce or (lambda _done, _text: None)
    if order.review is None:  # what people decided in an earlier run's workbook stays decided
        order = replace(order, review=earlier_review(out))
    with working_tables(memory_limit=memory_limit) as connection:
        collect(connection, sources, order, tell)
        score(connection, order, tell)
        deliver(connection, out, order, tell)


def make_order(settings: AssessmentSettings, *, prices: Path | None = None, **files: Path | None) -> Order:
    """Return the order for settings, with the price list loaded."""
    return Order(settings=settings, catalogue=load_catalogue(prices), **files)


def day_of(connection: Any, order: Order) -> date:
    """Return the day of the assessment: the settings', else the newest that the sources tell, else the prices' date."""
    from datetime import date as day

    if order.settings.as_of is not None:
        return order.settings.as_of
    newest = [
        connection.execute(f'SELECT CAST(max("{column}") AS DATE) FROM {table}').fetchall()[0][0]
        for table, column in (
            ("(FROM sources WHERE format <> 'review')", "exported_at"),
            ("raw_utilisation", "at"),
            ("raw_connections", "last_seen"),
        )
    ]
    told: list[day] = [one for one in newest if one is not None]
    return max(told, default=day.fromisoformat(order.catalogue.price_date))


def counts(connection: Any) -> dict[str, int]:
    """Return how many rows the tables have that say what was read."""
    counted = ("sources", "servers", "conflicts", "quarantine", "refusals", "unknown_addresses")
    return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in counted}


def _nothing(connection: Any) -> str:
    read = connection.execute("SELECT count(*), coalesce(sum(rows_read), 0) FROM sources").fetchone()
    refused = connection.execute("FROM refusals SELECT sentence ORDER BY ALL LIMIT 3").fetchall()
    told = " ".join(sentence for (sentence,) in refused)
    return f"No source names a server: {read[0]} tables with {read[1]:,} rows were read. {told}".strip()
