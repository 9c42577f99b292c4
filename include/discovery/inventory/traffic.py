"""Connections between machines, and the addresses that no inventory has."""

from __future__ import annotations

from typing import Any, Final

from include.discovery import tables

LOCAL: Final = ("loopback", "link_local", "multicast")
"""Scopes whose connections say nothing about two machines; they are left out of `connections`."""

# Scopes by the special-purpose registries (RFC 6890, RFC 5771, RFC 6598, RFC 4193, RFC 4291), on canonical text.
_SCOPE: Final = """CASE
    WHEN is_name THEN 'private'
    WHEN starts_with(address, '127.') OR address = '::1' THEN 'loopback'
    WHEN starts_with(address, '169.254.') OR regexp_matches(address, '^fe[89ab][0-9a-f]:') THEN 'link_local'
    WHEN regexp_matches(address, '^(22[4-9]|23[0-9])\\.|^ff[0-9a-f]{2}:') OR address IN ('255.255.255.255', '0.0.0.0',
        '::')
        THEN 'multicast'
    WHEN regexp_matches(address,
        '^(10|192\\.168|172\\.(1[6-9]|2[0-9]|3[01])|100\\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7]))\\.')
        OR regexp_matches(address, '^f[cd][0-9a-f]{2}:') THEN 'private'
    ELSE 'public' END"""

# An address means the one machine that has it; of several those that run count before those that are off or gone.
_ADDRESSES: Final = f"""
CREATE OR REPLACE TEMP TABLE inv_addresses AS
WITH held AS (
    SELECT DISTINCT unnest(ip_addresses) AS ip, machine,
        CASE WHEN NOT in_scope THEN 2 WHEN coalesce(power_state, 'on') = 'on' THEN 0 ELSE 1 END AS standing
    FROM servers JOIN inv_servers USING (server_id) WHERE len(ip_addresses) > 0),
best AS (SELECT ip, min(standing) AS standing FROM held GROUP BY ip),
owned AS (SELECT ip, min(machine) AS machine FROM held JOIN best USING (ip, standing) GROUP BY ip HAVING count(*) = 1),
named AS (
    SELECT DISTINCT source_ip AS address, FALSE AS is_name FROM raw_connections WHERE source_ip IS NOT NULL
    UNION SELECT DISTINCT destination_ip, FALSE FROM raw_connections WHERE destination_ip IS NOT NULL
    UNION SELECT DISTINCT lower(source_ref), TRUE FROM raw_connections WHERE source_ref IS NOT NULL AND source_ip IS
        NULL
    UNION SELECT DISTINCT lower(destination_ref), TRUE FROM raw_connections
        WHERE destination_ref IS NOT NULL AND destination_ip IS NULL)
SELECT (row_number() OVER (ORDER BY address, is_name))::INTEGER AS code, address, is_name, {_SCOPE} AS scope,
    CASE WHEN NOT is_name THEN machine END AS machine, CASE WHEN NOT is_name THEN server_id END AS server_id
FROM named LEFT JOIN owned ON ip = address LEFT JOIN inv_servers USING (machine) ORDER BY code
"""


def fill_connections(connection: Any) -> None:
    """Fill `connections` (one row for each client, server, port, protocol) and `unknown_addresses`.

    An end is the machine that the source names, else the one that has the address. Connections of a machine with itself
    and those with loopback, link-local and multicast addresses are left out; their addresses stand in
    `unknown_addresses` with how many there were.
    """
    tables.create(connection, "connections", "unknown_addresses", "raw_connections")
    connection.execute(_ADDRESSES).fetchall()
    named = {
        end: bool(connection.execute(f"SELECT count({end}_ref) > 0 FROM raw_connections").fetchone()[0])
        for end in ("source", "destination")
    }
    connection.execute(_flows(named)).fetchall()
    # without names in the source the address alone tells the machine, and two joins of millions of rows are saved
    joins = "".join(
        f" LEFT JOIN inv_servers {end}_v ON {end}_v.machine = {end}" for end, is_named in named.items() if is_named
    )
    ids = {end: f"{end}_v.server_id" if is_named else f"{end}_a.server_id" for end, is_named in named.items()}
    connection.execute(
        f"""
        INSERT INTO connections BY NAME
        SELECT {ids["source"]} AS source_server_id, {ids["destination"]} AS destination_server_id,
            CASE WHEN NOT source_a.is_name THEN source_a.address END AS source_ip,
            CASE WHEN NOT destination_a.is_name THEN destination_a.address END AS destination_ip,
            destination_port, protocol, count, first_seen, last_seen
        FROM inv_flows LEFT JOIN inv_addresses source_a ON source_a.code = source_code
        LEFT JOIN inv_addresses destination_a ON destination_a.code = destination_code{joins}
        WHERE source IS DISTINCT FROM destination AND coalesce(source_a.scope, '') NOT IN {LOCAL}
            AND coalesce(destination_a.scope, '') NOT IN {LOCAL}
        """
    ).fetchall()
    connection.execute(_UNKNOWN).fetchall()


def _flows(named: dict[str, bool]) -> str:
    """Return the statement that creates `inv_flows`: connections added up by ends, as numbers."""
    ends, joins = {}, []
    for end, letter in (("source", "a"), ("destination", "b")):
        if not named[end]:
            joins.append(f"LEFT JOIN inv_addresses {letter} ON {letter}.address = {end}_ip")
            ends[end] = f"{letter}.machine"
            continue
        joins.append(
            f"LEFT JOIN inv_resolved {letter}r ON {letter}r.source_id = r.source_id AND {letter}r.ref = "
            f"lower({end}_ref) "
            f"LEFT JOIN inv_addresses {letter} ON {letter}.address = coalesce({end}_ip, lower({end}_ref)) "
            f"AND {letter}.is_name = ({end}_ip IS NULL)"
        )
        local = f"CASE WHEN coalesce({letter}.scope, '') NOT IN {LOCAL} THEN {letter}r.machine END"
        ends[end] = f"coalesce({local}, {letter}.machine)"
    return f"""
        CREATE OR REPLACE TEMP TABLE inv_flows AS
        WITH told AS (
            SELECT {ends["source"]} AS source, {ends["destination"]} AS destination, a.code AS a_code, b.code AS b_code,
                destination_port, protocol, count, first_seen, last_seen
            FROM raw_connections r {" ".join(joins)})
        SELECT source, destination, min(a_code) AS source_code, min(b_code) AS destination_code, destination_port,
            protocol,
            sum(count)::BIGINT AS count, min(first_seen) AS first_seen, max(last_seen) AS last_seen
        FROM told
        GROUP BY source, destination, CASE WHEN source IS NULL THEN a_code END,
            CASE WHEN destination IS NULL THEN b_code END, destination_port, protocol
        """


_UNKNOWN: Final = """
INSERT INTO unknown_addresses BY NAME
WITH ends AS (
    SELECT source_code AS code, destination AS peer, destination_port, protocol, count, first_seen, last_seen
    FROM inv_flows WHERE source IS NULL AND source_code IS NOT NULL
    UNION ALL
    SELECT destination_code, source, destination_port, protocol, count, first_seen, last_seen
    FROM inv_flows WHERE destination IS NULL AND destination_code IS NOT NULL),
by_port AS (
    SELECT code, destination_port, protocol, sum(count) AS count FROM ends WHERE destination_port IS NOT NULL
    GROUP BY code, destination_port, protocol
    QUALIFY row_number() OVER (PARTITION BY code ORDER BY sum(count) DESC, destination_port, protocol) <= 10),
ports AS (
    SELECT code, string_agg(destination_port || coalesce('/' || protocol, ''), ', ' ORDER BY count DESC,
        destination_port, protocol)
        AS ports FROM by_port GROUP BY code),
added AS (
    SELECT code, sum(count)::BIGINT AS connections, count(DISTINCT peer)::INTEGER AS peers, min(first_seen) AS
        first_seen,
        max(last_seen) AS last_seen FROM ends GROUP BY code)
SELECT address, scope, connections, peers, ports, first_seen, last_seen
FROM added JOIN inv_addresses USING (code) LEFT JOIN ports USING (code) ORDER BY connections DESC, address
"""
