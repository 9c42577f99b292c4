"""One value of each field for each machine, and the conflicts.

Order of decision: the order of tools in the settings, what most tools say, the newest export, the order of sources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery.inventory.rows import FIELDS, LISTS, NAMES, PEOPLE, STATED, label, short, type_of

if TYPE_CHECKING:
    from include.discovery.inventory.settings import InventorySettings

_NUMBERS: Final = ("INTEGER", "BIGINT", "DOUBLE")
_BIT: Final = {name: 1 << place for place, name in enumerate(FIELDS)}

_DIFFERING: Final = """
CREATE OR REPLACE TEMP TABLE inv_differing AS
WITH found AS (
    SELECT machine, field FROM inv_values GROUP BY ALL HAVING min(value) <> max(value)),
told AS (
    SELECT v.machine, v.field, v.value, r.row_no, r.source_id, r.source_row, r.tool, r.exported_at,
        CASE WHEN v.field IN ({people}) THEN people_order ELSE tool_order END AS place,
        CASE WHEN v.field IN ({people}) THEN people_no ELSE r.row_no END AS number_in_order,
        CASE WHEN v.field IN ({numbers}) THEN TRY_CAST(v.value AS DOUBLE) END AS number,
        CASE WHEN v.field IN ({names}) THEN {short} ELSE lower(trim(v.value)) END AS key,
        CASE WHEN v.field IN ('os_name', 'os_name_guest') AND o.family <> 'unknown' THEN o.family END AS os_family,
        CASE WHEN NOT o.is_open THEN o.product END AS os_product
    FROM inv_values v SEMI JOIN found USING (machine, field) JOIN inv_rows r USING (row_no)
    LEFT JOIN inv_os o ON v.field IN ('os_name', 'os_name_guest') AND o.name = v.value
        AND o.version IS NOT DISTINCT FROM CASE WHEN v.field = 'os_name' THEN r.os_version END),
agreed AS (
    SELECT a.machine, a.field, a.row_no, count(DISTINCT b.tool) AS tools
    FROM told a JOIN told b ON a.machine = b.machine AND a.field = b.field WHERE {same} GROUP BY ALL)
SELECT t.*, tools, row_number() OVER (PARTITION BY machine, field
    ORDER BY place, tools DESC, exported_at DESC NULLS LAST, source_id, number_in_order) = 1 AS chosen
FROM told t JOIN agreed USING (machine, field, row_no)
"""
_SAME: Final = (
    "(a.key = b.key OR coalesce(abs(a.number - b.number) <= $tolerance * greatest(abs(a.number), abs(b.number)), "
    "FALSE) "
    "OR coalesce(a.os_family = b.os_family AND "
    "coalesce(a.os_product, b.os_product, '') = coalesce(b.os_product, a.os_product, ''), FALSE))"
)
_RULE: Final = """CASE
    WHEN c.place < o.place THEN c.tool || ' is believed before ' || o.tool || ' about ' || c.field
    WHEN c.tools > o.tools THEN c.tools || ' tools say this, ' || o.tools || ' the other'
    WHEN c.exported_at > o.exported_at OR (c.exported_at IS NOT NULL AND o.exported_at IS NULL) THEN 'the newer export'
    WHEN c.source_id < o.source_id THEN 'the source given first'
    ELSE 'one source says both; the value that sorts first' END"""


def choose_values(connection: Any, *, settings: InventorySettings) -> None:
    """Create `inv_chosen` (machine, each field's value), and fill `server_values` and `conflicts` from `inv_rows`."""
    _mark_fields(connection)
    wide = ", ".join(f"CASE WHEN differs & {_BIT[name]} <> 0 THEN {_text(name)} END AS {name}" for name in FIELDS)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE inv_values AS UNPIVOT (SELECT machine, row_no, {wide} FROM inv_rows "
        f"JOIN inv_marked USING (row_no) WHERE differs <> 0) ON {', '.join(FIELDS)} INTO NAME field VALUE value"
    ).fetchall()
    quoted = {
        "people": _quoted(PEOPLE), "names": _quoted(NAMES), "short": short("v.value"), "same": _SAME,
        "numbers": _quoted(name for name in FIELDS if type_of(name) in _NUMBERS),
    }  # fmt: skip
    connection.execute(_DIFFERING.format(**quoted), {"tolerance": settings.number_tolerance}).fetchall()
    _tell_conflicts(connection, settings)
    _keep_values(connection)
    _choose(connection)


def _mark_fields(connection: Any) -> None:
    """Create `inv_marked` (row_no, differs, taken, lost), a bit for each field.

    `differs`: the machine's rows say different things; of the others `taken` is told by this row first, `lost` again.
    """
    held = {True: [name for name in FIELDS if name in PEOPLE], False: [name for name in FIELDS if name not in PEOPLE]}
    people, facts = (
        " | ".join(f"CASE WHEN {name} IS NULL THEN 0 ELSE {_BIT[name]} END" for name in held[kind])
        for kind in (True, False)
    )
    differs = " | ".join(f"CASE WHEN min({name}) <> max({name}) THEN {_BIT[name]} ELSE 0 END" for name in FIELDS)
    before = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE inv_marked AS
        WITH told AS (
            SELECT row_no, people_no, machine, machine_rows, ({people})::BIGINT AS people, ({facts})::BIGINT AS facts
                FROM inv_rows),
        said AS (SELECT machine, ({differs})::BIGINT AS differs FROM inv_rows WHERE machine_rows > 1 GROUP BY machine),
        earlier AS (
            SELECT row_no, people | facts AS held,
                coalesce(bit_or(facts) OVER (PARTITION BY machine ORDER BY row_no {before}), 0)
                | coalesce(bit_or(people) OVER (PARTITION BY machine ORDER BY people_no {before}), 0) AS earlier,
                differs FROM told JOIN said USING (machine))
        SELECT row_no, differs, held & ~earlier & ~differs AS taken, held & earlier & ~differs AS lost FROM earlier
        UNION ALL SELECT row_no, 0, people | facts, 0 FROM told WHERE machine_rows = 1
        """
    ).fetchall()


def _text(name: str) -> str:
    if name == "tags":
        return "CASE WHEN cardinality(tags) > 0 THEN CAST(tags AS VARCHAR) END"
    if name in LISTS:
        return f"CASE WHEN len({name}) > 0 THEN array_to_string({name}, ', ') END"
    return f"CAST({name} AS VARCHAR)"


def _quoted(names: Any) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _tell_conflicts(connection: Any, settings: InventorySettings) -> None:
    connection.execute(
        f"""
        INSERT INTO conflicts BY NAME
        WITH lost AS (
            SELECT o.machine, o.field, min(o.number_in_order) AS number_in_order
            FROM inv_differing o JOIN inv_differing a USING (machine, field)
            WHERE a.chosen AND NOT {_SAME.replace("b.", "o.")} AND NOT list_contains($quiet::VARCHAR[], o.field)
            GROUP BY o.machine, o.field, o.key)
        SELECT server_id, c.field, c.value AS chosen_value, o.value AS other_value,
            {label("cs", "c.source_row")} AS chosen_source, {label("os", "o.source_row")} AS other_source, {_RULE} AS
                rule
        FROM lost l JOIN inv_differing o USING (machine, field, number_in_order)
        JOIN inv_differing c ON c.machine = l.machine AND c.field = l.field AND c.chosen
        JOIN inv_sources cs ON cs.source_id = c.source_id JOIN inv_sources os ON os.source_id = o.source_id
        JOIN inv_servers s ON s.machine = l.machine ORDER BY l.machine, c.field, o.number_in_order
        """,
        {"tolerance": settings.number_tolerance, "quiet": [*settings.quiet_fields, *STATED]},
    ).fetchall()


def _keep_values(connection: Any) -> None:
    """Fill `server_values`: what is the same in all rows of a machine from the rows, the rest from `inv_differing`."""
    for chosen in ("taken", "lost"):
        fields = (*FIELDS, *LISTS) if chosen == "taken" else FIELDS
        wide = ", ".join(
            f"{_text(name) if name in LISTS else f'CASE WHEN {chosen} & {_BIT[name]} <> 0 THEN {_text(name)} END'} AS "
            f"{name}"
            for name in fields
        )
        connection.execute(
            f"INSERT INTO server_values BY NAME SELECT server_id, field, value, source_id, source_row, "
            f"{chosen == 'taken'} AS chosen FROM (UNPIVOT (SELECT v.server_id, r.source_id, r.source_row, {wide} FROM "
            f"inv_rows r "
            f"JOIN inv_marked USING (row_no) JOIN inv_servers v ON v.machine = r.machine"
            f"{'' if chosen == 'taken' else ' WHERE lost <> 0'}) ON {', '.join(fields)} INTO NAME field VALUE value)"
        ).fetchall()
    connection.execute(
        "INSERT INTO server_values BY NAME SELECT server_id, field, value, source_id, source_row, chosen FROM "
        "inv_differing "
        "JOIN inv_servers USING (machine) ORDER BY machine, field, row_no"
    ).fetchall()


def _choose(connection: Any) -> None:
    simple = ", ".join(f"arg_min({name}, {'people_no' if name in PEOPLE else 'row_no'}) AS {name}" for name in FIELDS)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE inv_simple AS SELECT machine, {simple} FROM inv_rows GROUP BY ALL"
    ).fetchall()
    differing = [
        name for (name,) in connection.execute("SELECT DISTINCT field FROM inv_differing ORDER BY 1").fetchall()
    ]
    picked = "".join(f", max(value) FILTER (field = '{name}') AS {name}" for name in differing)
    columns = ", ".join(
        f"coalesce(CAST(d.{name} AS {type_of(name)}), i.{name}) AS {name}" if name in differing else f"i.{name}"
        for name in FIELDS
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE inv_chosen AS WITH d AS (SELECT machine{picked} FROM inv_differing WHERE "
        f"chosen GROUP BY "
        f"machine) SELECT machine, {columns} FROM inv_simple i LEFT JOIN d USING (machine)"
    ).fetchall()
    connection.execute("DROP TABLE inv_simple").fetchall()
    connection.execute("DROP TABLE inv_values").fetchall()
