"""The table `servers`: chosen values, united lists, marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables
from include.discovery.inventory.keys import LEVELS
from include.discovery.inventory.rows import FIELDS, label, short

if TYPE_CHECKING:
    from include.discovery.inventory.settings import InventorySettings

GONE: Final = ("retired", "absent", "stolen", "in stock")
"""Values of `status` that take a machine out of scope, unless another source sees it run."""
_GONE: Final = ", ".join(f"'{one}'" for one in GONE)

_LISTS: Final = """
CREATE OR REPLACE TEMP TABLE inv_lists AS
WITH addresses AS (
    SELECT machine, unnest(ip_addresses) AS ip, NULL AS mac FROM inv_rows WHERE len(ip_addresses) > 0
    UNION ALL SELECT machine, NULL, unnest(mac_addresses) FROM inv_rows WHERE len(mac_addresses) > 0
    UNION ALL SELECT machine, unnest(i.ip_addresses), NULL FROM interfaces i JOIN inv_servers USING (server_id)
    UNION ALL SELECT machine, NULL, i.mac_address FROM interfaces i JOIN inv_servers USING (server_id))
SELECT machine, coalesce(list_sort(list(DISTINCT ip) FILTER (ip IS NOT NULL)), []) AS ip_addresses,
    coalesce(list_sort(list(DISTINCT mac) FILTER (mac IS NOT NULL)), []) AS mac_addresses
FROM addresses GROUP BY machine
"""
_TAGS: Final = """
CREATE OR REPLACE TEMP TABLE inv_tags AS
WITH entries AS (SELECT machine, row_no, unnest(map_entries(tags)) AS entry FROM inv_rows WHERE cardinality(tags) > 0),
chosen AS (SELECT machine, entry.key AS key, arg_min(entry.value, row_no) AS value FROM entries GROUP BY ALL)
SELECT machine, map(list(key ORDER BY key), list(value ORDER BY key)) AS tags FROM chosen GROUP BY machine
"""
_SOURCES: Final = """
CREATE OR REPLACE TEMP TABLE inv_seen AS
SELECT r.machine, list_sort(list(DISTINCT source_id)) AS source_ids,
    bool_or(o.source_id IS NOT NULL) AS guest_is_told
FROM inv_rows r LEFT JOIN (SELECT DISTINCT source_id FROM inv_rows WHERE os_name_guest IS NOT NULL) o USING (source_id)
GROUP BY r.machine
"""
# A guest that tells its version is believed before what was configured once; then the configured name with its version.
_SYSTEMS: Final = """
CREATE OR REPLACE TEMP TABLE inv_systems AS
SELECT c.machine,
    coalesce(nullif(g.family, 'unknown'), n.family, 'unknown') AS os_family,
    CASE WHEN g.family <> 'unknown' AND NOT g.is_open THEN g.product
         WHEN n.family <> 'unknown' AND (g.family IS NULL OR g.family IN ('unknown', n.family)) AND NOT n.is_open THEN
             n.product
         ELSE coalesce(g.product, CASE WHEN g.family IS NULL OR g.family = n.family THEN n.product END) END AS
             os_product
FROM inv_chosen c LEFT JOIN inv_os g ON g.name = c.os_name_guest AND g.version IS NULL
LEFT JOIN inv_os n ON n.name = c.os_name AND n.version IS NOT DISTINCT FROM CASE WHEN EXISTS (
    FROM inv_os v WHERE v.name = c.os_name AND v.version = c.os_version) THEN c.os_version END
"""
# Names of sources and of the guest that say different families, or different versions where both name one.
_DISAGREEING: Final = """
CREATE OR REPLACE TEMP TABLE inv_disagreeing AS
WITH told AS (
    SELECT DISTINCT machine, family, product, is_open FROM (
        SELECT machine, os_name AS name, os_version AS version FROM inv_rows UNION ALL
        SELECT machine, os_name_guest, NULL FROM inv_rows) t
    JOIN inv_os o ON o.name = t.name WHERE o.version IS NOT DISTINCT FROM t.version AND family NOT IN ('unknown',
        'other'))
SELECT DISTINCT a.machine FROM told a JOIN told b ON a.machine = b.machine
WHERE a.family <> b.family OR (NOT a.is_open AND NOT b.is_open AND a.product <> b.product)
    OR (a.is_open AND NOT b.is_open AND a.product IS NOT NULL AND a.family = 'linux' AND NOT starts_with(b.product,
        a.product))
    OR (a.is_open AND NOT b.is_open AND a.family = 'windows' AND a.product > b.product)
"""
_HOSTS: Final = f"""
CREATE OR REPLACE TEMP TABLE inv_hosts AS SELECT DISTINCT {short("name")} AS name FROM raw_hosts
"""
_MARKS: Final = f"""
CREATE OR REPLACE TEMP TABLE inv_marks AS
WITH facts AS (
    SELECT machine, c.*  EXCLUDE (machine), guest_is_told, {short("coalesce(hostname, vm_name)")} AS name,
        coalesce(status IN ({_GONE}), FALSE) AS is_gone,
        (SELECT count(*) FROM inv_hosts) > 0 AS hosts_read FROM inv_chosen c JOIN inv_seen USING (machine)),
scoped AS (SELECT *, NOT is_gone AND NOT coalesce(is_template, FALSE) AS in_scope FROM facts),
names AS (SELECT name FROM scoped WHERE in_scope AND name IS NOT NULL GROUP BY name HAVING count(*) > 1)
SELECT f.machine, in_scope, list_filter([
    CASE WHEN power_state = 'off' THEN 'powered_off' END,
    CASE WHEN power_state = 'suspended' THEN 'suspended' END,
    CASE WHEN is_template THEN 'template' END,
    CASE WHEN is_gone THEN 'retired' END,
    CASE WHEN r.machine IS NOT NULL THEN 'retired_but_running' END,
    CASE WHEN guest_is_told AND os_name_guest IS NULL AND NOT coalesce(is_template, FALSE) THEN 'without_guest_os' END,
    CASE WHEN d.machine IS NOT NULL THEN 'os_disagreement' END,
    CASE WHEN hosts_read AND virtual_host IS NOT NULL AND h.name IS NULL THEN 'unknown_host' END,
    CASE WHEN n.name IS NOT NULL THEN 'duplicate_name' END,
    CASE WHEN hypervisor = 'physical' THEN 'physical' END
    ], lambda one: one IS NOT NULL) AS marks
FROM scoped f LEFT JOIN inv_disagreeing d USING (machine) LEFT JOIN inv_running r USING (machine)
LEFT JOIN inv_hosts h ON h.name = {short("f.virtual_host")} LEFT JOIN names n ON n.name = f.name AND in_scope
"""


def fill_servers(connection: Any) -> None:
    """Fill `servers` from `inv_chosen`; one row for each machine, ordered by server_id."""
    tables.create(connection, "servers", "raw_hosts")
    _revive(connection)
    for query in (_LISTS, _TAGS, _SOURCES, _SYSTEMS, _DISAGREEING, _HOSTS, _MARKS):
        connection.execute(query).fetchall()
    chosen = ", ".join(f"c.{name}" for name in FIELDS)
    connection.execute(
        f"""
        INSERT INTO servers BY NAME
        SELECT server_id, {chosen}, coalesce(ip_addresses, []) AS ip_addresses, coalesce(mac_addresses, []) AS
            mac_addresses,
            tags, os_family, os_product, in_scope, marks, source_ids
        FROM inv_chosen c JOIN inv_servers USING (machine) JOIN inv_seen USING (machine) JOIN inv_systems USING
            (machine)
        JOIN inv_marks USING (machine) LEFT JOIN inv_lists USING (machine) LEFT JOIN inv_tags USING (machine)
        ORDER BY machine
        """
    ).fetchall()


def _revive(connection: Any) -> None:
    """Create `inv_running`: machines that one source calls gone and another sees running; they count as live."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE inv_running AS
        WITH gone AS (SELECT r.machine, min(row_no) AS row_no, arg_min(tool, row_no) AS tool FROM inv_rows r
            JOIN inv_chosen c ON c.machine = r.machine AND c.status = r.status WHERE r.status IN ({_GONE}) GROUP BY ALL)
        SELECT r.machine, arg_min(gone.row_no, r.row_no) AS gone_no, min(r.row_no) AS live_no
        FROM inv_rows r JOIN gone ON gone.machine = r.machine AND r.tool <> gone.tool
        JOIN inv_chosen c ON c.machine = r.machine AND c.power_state = 'on'
        WHERE r.power_state = 'on' GROUP BY ALL
        """
    ).fetchall()
    sources = (
        "FROM inv_running n JOIN inv_rows g ON g.row_no = gone_no JOIN inv_rows l ON l.row_no = live_no "
        "JOIN inv_servers v ON v.machine = n.machine JOIN inv_sources gs ON gs.source_id = g.source_id "
        "JOIN inv_sources ls ON ls.source_id = l.source_id"
    )
    for query in (
        (
            f"INSERT INTO conflicts BY NAME SELECT server_id, 'status' AS field, 'live' AS chosen_value, g.status AS "
            f"other_value, "
            f"{label('ls', 'l.source_row')} AS chosen_source, {label('gs', 'g.source_row')} AS other_source, "
            f"'a machine that runs is not ' || g.status AS rule {sources} ORDER BY server_id"
        ),
        (
            "UPDATE server_values SET chosen = FALSE FROM inv_running n JOIN inv_servers v USING (machine) "
            "WHERE v.server_id = server_values.server_id AND field = 'status'"
        ),
        (
            "INSERT INTO server_values BY NAME SELECT server_id, 'status' AS field, 'live' AS value, l.source_id, "
            "l.source_row, "
            f"TRUE AS chosen {sources} ORDER BY server_id"
        ),
        "UPDATE inv_chosen SET status = 'live' FROM inv_running n WHERE n.machine = inv_chosen.machine",
    ):
        connection.execute(query).fetchall()


def tell_shared(connection: Any, *, settings: InventorySettings) -> None:
    """Put unused keys, ids that needed a suffix, and addresses of several machines into `conflicts`."""
    quiet = ", ".join(f"'{one}'" for one in settings.nameless)
    for query in (_UNUSED.format(quiet=quiet), _SUFFIXED, _ADDRESSES):
        connection.execute(query).fetchall()


_PLACES: Final = f"{label('ms', 'm.source_row')} AS chosen_source, {label('fs', 'f.source_row')} AS other_source"
_JOINED: Final = (
    "JOIN inv_rows m ON m.row_no = p.row_no JOIN inv_rows f ON f.row_no = p.first_no "
    "JOIN inv_sources ms ON ms.source_id = m.source_id JOIN inv_sources fs ON fs.source_id = f.source_id"
)
# Each machine but the first of those that share something, told against the first.
_UNUSED: Final = f"""
INSERT INTO conflicts BY NAME
WITH held AS (
    SELECT level, key, machine, min(row_no) AS row_no FROM inv_keys SEMI JOIN inv_unused USING (level, key)
    JOIN inv_rows USING (row_no) WHERE level < 6 OR key NOT IN ({{quiet}}) GROUP BY ALL),
told AS (
    SELECT *, count(*) OVER same AS machines, first_value(machine) OVER (same ORDER BY machine) AS first_machine,
        first_value(row_no) OVER (same ORDER BY machine) AS first_no
    FROM held WINDOW same AS (PARTITION BY level, key)),
pairs AS (
    FROM told SELECT *, list_extract({list(LEVELS)},
        level + 1) AS field WHERE machine <> first_machine AND level < 8
    QUALIFY row_number() OVER (PARTITION BY machine, first_machine ORDER BY level, key) = 1)
SELECT v.server_id, p.field, CASE p.field WHEN 'smbios_id' THEN m.smbios_id ELSE p.key END AS chosen_value,
    CASE p.field WHEN 'smbios_id' THEN f.smbios_id ELSE p.key END AS other_value, {_PLACES},
    'not used to merge: ' || p.machines || ' machines have it, the first is ' || w.server_id AS rule
FROM pairs p {_JOINED} JOIN inv_servers v ON v.machine = p.machine JOIN inv_servers w ON w.machine = p.first_machine
ORDER BY v.machine, p.field, p.key
"""
_SUFFIXED: Final = f"""
INSERT INTO conflicts BY NAME
WITH firsts AS (SELECT machine, min(row_no) AS row_no FROM inv_rows GROUP BY machine),
p AS (
    SELECT v.machine, v.server_id, v.plain, w.server_id AS other, a.row_no, b.row_no AS first_no
    FROM inv_servers v JOIN inv_servers w ON lower(w.plain) = lower(v.plain) AND w.server_id = w.plain
    JOIN firsts a ON a.machine = v.machine JOIN firsts b ON b.machine = w.machine WHERE v.server_id <> v.plain)
SELECT p.server_id, 'server_id' AS field, p.server_id AS chosen_value, p.plain AS other_value, {_PLACES},
    'another machine keeps ' || p.other || ': nothing says that the two are one' AS rule
FROM p {_JOINED} ORDER BY p.machine
"""
_ADDRESSES: Final = f"""
INSERT INTO conflicts BY NAME
WITH held AS (SELECT unnest(ip_addresses) AS ip, server_id FROM servers WHERE in_scope AND len(ip_addresses) > 0
        AND coalesce(power_state, 'on') = 'on'),
shared AS (SELECT ip, count(DISTINCT server_id) AS machines, min(server_id) AS first FROM held GROUP BY ip HAVING
    machines > 1),
told AS (SELECT DISTINCT server_id, ip, machines, first FROM held JOIN shared USING (ip) WHERE server_id <> first),
rows AS (SELECT machine, min(row_no) AS row_no FROM inv_rows GROUP BY machine),
p AS (
    SELECT t.*, a.row_no, b.row_no AS first_no FROM told t JOIN inv_servers v USING (server_id)
    JOIN inv_servers w ON w.server_id = t.first JOIN rows a ON a.machine = v.machine JOIN rows b ON b.machine =
        w.machine)
SELECT p.server_id, 'ip_addresses' AS field, ip AS chosen_value, ip AS other_value, {_PLACES},
    machines || ' live machines have this address, the first is ' || p.first || '; its connections count for none' AS
        rule
FROM p {_JOINED} ORDER BY p.server_id, ip
"""
