"""An assessed estate for the tests of delivery: its tables filled by SQL, deterministic, of any size."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from include.discovery import tables

if TYPE_CHECKING:
    import duckdb

AT = date(2026, 11, 20)
SETTINGS = {
    "name": "northwind",
    "waves": {
        "servers_per_wave": 60,
        "blackouts": [{"starts": "2026-12-18", "ends": "2027-01-04", "reason": "year-end close"}],
    },
    "delivery": {"account_id": "111122223333"},
}


@dataclass(frozen=True)
class PriceList:
    """What delivery needs of a catalogue."""

    price_date: str = "2026-07-20"
    region: str = "us-east-1"


_SYSTEMS = "['windows server 2016', 'rhel 7', 'rhel 9', 'ubuntu 22.04', 'windows server 2012 r2', 'aix 7.2']"
_TYPES = "['t3.medium', 'm7i.large', 'r7i.xlarge', 'm7i.2xlarge', 'm7i.4xlarge', 'r7i.8xlarge']"
_APPS = "['payments', 'ledger', 'web shop', 'stock', 'crm', 'reporting', 'hr portal', 'mail', 'file service', 'search']"

_STEPS = (
    """INSERT INTO sources BY NAME SELECT * FROM (VALUES
      (1, 'vmware/export.xlsx', 'vInfo', 'rvtools_vinfo', 'rvtools', 'raw_servers', 0, 0, 1000, repeat('a', 64),
      TIMESTAMP '2026-11-18'),
      (2, 'cmdb.csv', NULL, 'servicenow_servers', 'servicenow', 'raw_servers', 0, 0, 500, repeat('b', 64), TIMESTAMP
      '2026-11-10'))
      t(source_id, file, sheet, format, tool, fills, rows_read, rows_quarantined, bytes, sha256, exported_at)""",
    f"""CREATE OR REPLACE TEMP TABLE made AS SELECT i, 'vm-' || lpad(i::VARCHAR, 6, '0') AS server_id, i // 12 AS app,
      {_APPS}[1 + (i // 12) % 10] || CASE WHEN i // 120 = 0 THEN '' ELSE ' ' || (i // 120) END AS name,
      1 + i % 6 AS system, 1 + (i * 7 + i // 5) % 6 AS size, ['web', 'app', 'data'][1 + i % 3] AS role
      FROM range($servers) r(i)""",
    f"""INSERT INTO servers BY NAME SELECT server_id, role || '-' || lpad(i::VARCHAR, 5, '0') AS hostname,
      role || '-' || lpad(i::VARCHAR, 5, '0') || '.corp.northwind.example' AS fqdn, upper(role) || i AS vm_name,
      ['10.' || (20 + i // 60000) || '.' || (i // 250 % 240) || '.' || (i % 250 + 1)] AS ip_addresses,
      ['00:50:56:' || printf('%02x:%02x:%02x', i // 65536, i // 256 % 256, i % 256)] AS mac_addresses,
      {_SYSTEMS}[system] AS os_name, {_SYSTEMS}[system] AS os_product,
      CASE WHEN system IN (1, 5) THEN 'windows' WHEN system = 6 THEN 'aix' ELSE 'linux' END AS os_family,
      CASE WHEN system = 6 THEN 'power' ELSE 'x86_64' END AS architecture, pow(2, size)::INTEGER AS cpu_cores,
      (pow(2, size) * 4096)::BIGINT AS memory_mib, 40.5 + i % 700 AS storage_gib, 20.25 + i % 300 AS storage_used_gib,
      CASE WHEN i % 29 = 0 THEN 'off' ELSE 'on' END AS power_state, i % 97 = 0 AS is_template, 'vmware' AS hypervisor,
      ['production', 'test', 'development'][1 + i % 3] AS environment, name AS application,
      CASE WHEN i % 5 <> 0 THEN ['Dana Reyes', 'Kim Olsen', 'Team Ledger'][1 + app % 3] END AS owner,
      'retail' AS business_unit, i % 97 <> 0 AS in_scope, [1, 2] AS source_ids, 12.5 AS cpu_percent_avg, 55.0 AS
      cpu_percent_max,
      list_filter([CASE WHEN i % 29 = 0 THEN 'powered_off' END, CASE WHEN i % 97 = 0 THEN 'template' END,
        CASE WHEN i % 41 = 0 THEN 'os_disagreement' END, CASE WHEN i % 53 = 0 THEN 'unknown_host' END], lambda x: x
        IS NOT NULL) AS marks
      FROM made""",
    """INSERT INTO server_values BY NAME SELECT server_id, 'memory_mib' AS field, memory_mib::VARCHAR AS value, 1 AS
    source_id,
      row_number() OVER (ORDER BY server_id) + 1 AS source_row, true AS chosen FROM servers""",
    """INSERT INTO conflicts BY NAME SELECT server_id, 'memory_mib' AS field, memory_mib::VARCHAR AS chosen_value,
      (memory_mib // 2)::VARCHAR AS other_value, 'vmware/export.xlsx vInfo row 12' AS chosen_source, 'cmdb.csv row 9'
      AS other_source,
      'rvtools is believed before servicenow' AS rule FROM servers WHERE hash(server_id) % 17 = 0""",
    """INSERT INTO groups BY NAME SELECT server_id, name AS application_group, name || '/' || role AS tier, role AS
    tier_role,
      0.5 + (i % 50) / 100.0 AS confidence, name AS cmdb_application, i % 199 = 0 AS is_hub FROM made SEMI JOIN (FROM
      servers WHERE in_scope) USING (server_id)""",
    """INSERT INTO hubs BY NAME SELECT server_id, 'dns' AS role, 300 AS peers, 90000 AS count, '53/udp' AS ports,
      'talks with 300 servers, most on port 53' AS reason FROM groups WHERE is_hub""",
    """INSERT INTO waves BY NAME SELECT application_group, wave, DATE '2026-12-01' + (wave - 1)::INTEGER * 14 AS starts,
      DATE '2026-12-01' + (wave - 1)::INTEGER * 14 + 9 AS ends, servers, storage_gib, false AS is_oversized, false AS
      is_pinned,
      'rank ' || wave || ', fits with ' || servers || ' servers' AS reason FROM (
        SELECT application_group, count(*)::INTEGER AS servers, sum(storage_gib) AS storage_gib,
        (CASE WHEN any_value(i // 12) = 0 THEN 1 ELSE 2 + any_value(i // 12) // 5 END)::INTEGER AS wave
        FROM groups JOIN made USING (server_id) JOIN servers USING (server_id) GROUP BY application_group)""",
    """INSERT INTO edges BY NAME SELECT DISTINCT least(a.server_id, b.server_id) AS server_a, greatest(a.server_id,
    b.server_id) AS server_b,
      10 + (a.i * 31) % 4000 AS count, false AS is_hub_edge FROM made a JOIN made b
      ON b.i = (a.i * 13 + 7) % 600 AND a.i % 9 = 0 AND a.i <> b.i OR b.i = a.i + 12 AND a.i % 3 = 0 WHERE a.i < 600""",
    f"""INSERT INTO sizing BY NAME SELECT server_id, CASE WHEN i % 11 = 0 THEN 'nameplate' WHEN i % 3 = 0 THEN 'p99'
    ELSE 'p95' END AS basis,
      i % 11 = 0 AS is_fallback, CASE WHEN system <> 6 THEN {_TYPES}[greatest(size - 1, 1)] END AS instance_type,
      pow(2, greatest(size - 1, 1))::INTEGER AS vcpu,
      (pow(2, size) * 2048)::BIGINT AS memory_mib, 0.0504 * size AS hourly_usd, 'x86_64' AS architecture, 'm6i.large'
      AS runner_up,
      0.0504 * size + 0.012 AS runner_up_hourly_usd, {_TYPES}[size] AS lift_instance_type, 0.0504 * (size + 1) AS
      lift_hourly_usd,
      'gp3' AS volume_type, 40.5 AS volume_gib, 3000 AS volume_iops, 125 AS volume_mb_s, 21.0 AS days, 0.97 AS
      coverage, 0.013 AS breach_share,
      'memory' AS binding, 'binding: memory p99 ' || round(size * 3.3, 1) || ' GiB; runner-up m6i.large +$0.012/h' AS
      reason
      FROM made SEMI JOIN groups USING (server_id)""",
    """INSERT INTO sizing_options BY NAME SELECT server_id, basis, instance_type, hourly_usd * f AS hourly_usd, 0.05
    / f AS breach_share, 'cpu' AS binding
      FROM sizing z, (VALUES ('nameplate', 2.0), ('avg', 0.5), ('p95', 1.0), ('p99', 1.1), ('max', 1.3)) b(basis,
      f)""".replace(
        "z, (", "z CROSS JOIN ("
    ).replace("server_id, basis", "server_id, b.basis"),
    """INSERT INTO utilisation_summary BY NAME SELECT server_id, 'cpu_percent' AS metric, 21.0 AS days, 0.97 AS
    coverage, 2016 AS samples,
      2 + (i * 37) % 55 AS avg, least(100, 6 + (i * 37) % 55 + (i * 53) % 60) AS max, 10.0 AS p50, 20.0 AS p90, 30.0
      AS p95, 40.0 AS p99
      FROM made SEMI JOIN groups USING (server_id) WHERE i % 11 <> 0""",
    """INSERT INTO strategies BY NAME SELECT server_id, CASE WHEN system = 6 THEN 'retain' WHEN i % 37 = 0 THEN
    'retire' WHEN i % 4 = 0 THEN 'replatform'
      ELSE 'rehost' END AS strategy, 0.8 AS confidence, 'os_supported: ' || system || '; default: rehost' AS trace,
      false AS is_override
      FROM made SEMI JOIN groups USING (server_id)""",
    """INSERT INTO cost_lines BY NAME
      SELECT server_id, scenario, item, quantity, unit, unit_usd, round(quantity * unit_usd, 2) AS monthly_usd,
      round(quantity * unit_usd * 0.85, 2) AS low_usd,
        round(quantity * unit_usd * 1.25, 2) AS high_usd, item || ' of ' || scenario ||
        ', on demand in us-east-1 (prices of 2026-07-20)' AS rule
      FROM (SELECT server_id, 'lift_and_shift' AS scenario, 'compute' AS item, 730.0 AS quantity, 'hours' AS unit,
      lift_hourly_usd AS unit_usd FROM sizing
        UNION ALL SELECT server_id, 'right_sized', 'compute', 730, 'hours', hourly_usd FROM sizing
        UNION ALL SELECT server_id, 'right_sized', 'storage', volume_gib, 'GiB', 0.08 FROM sizing
        UNION ALL SELECT server_id, 'lift_and_shift', 'storage', volume_gib * 1.4, 'GiB', 0.08 FROM sizing
        UNION ALL SELECT server_id, 'right_sized', 'windows', vcpu * 730, 'vCPU hours', 0.046 FROM sizing JOIN
        servers USING (server_id) WHERE os_family = 'windows'
        UNION ALL SELECT server_id, 'lift_and_shift', 'windows', vcpu * 1460, 'vCPU hours', 0.046 FROM sizing JOIN
        servers USING (server_id) WHERE os_family = 'windows'
        UNION ALL SELECT server_id, 'right_sized', 'commitment', 730, 'hours', -0.2 * hourly_usd FROM sizing
        UNION ALL SELECT server_id, 'on_premises', 'hardware', cpu_cores, 'cores', 14.5 FROM servers WHERE in_scope
        UNION ALL SELECT server_id, 'on_premises', 'power', 1, 'servers', 31.25 FROM servers WHERE in_scope)""",
    """INSERT INTO sensitivities BY NAME SELECT assumption, low::VARCHAR AS low_value, high::VARCHAR AS high_value,
    t.usd * (1 - w) AS monthly_low_usd,
      t.usd * (1 + w * 1.2) AS monthly_high_usd FROM (VALUES ('utilisation_headroom', 1.0, 1.5, 0.14),
      ('windows_licence', 0.03, 0.06, 0.08),
      ('savings_plan_discount', 0.4, 0.0, 0.2), ('storage_growth', 0.9, 1.4, 0.03), ('data_transfer_gib', 5, 60,
      0.02)) v(assumption, low, high, w),
      (SELECT sum(monthly_usd)::DOUBLE AS usd FROM cost_lines WHERE scenario = 'right_sized') t""",
    """INSERT INTO databases BY NAME SELECT server_id || '/db' AS database_id, server_id, 1 AS source_id, i AS
    source_row, 'orders' AS name, 'Microsoft SQL Server' AS engine,
      'sqlserver' AS engine_family, '2016' AS engine_version, 'standard' AS engine_edition, 120.5 AS size_gib FROM
      made SEMI JOIN groups USING (server_id) WHERE i % 24 = 2""",
    """INSERT INTO database_targets BY NAME SELECT database_id, server_id, 'Amazon RDS for SQL Server' AS target,
    'replatform' AS path, 'native backup and restore' AS method,
      'engine: sqlserver 2016 is supported' AS trace FROM databases""",
    """INSERT INTO priorities BY NAME SELECT application_group, row_number() OVER (ORDER BY
    application_group)::INTEGER AS rank, 60.25 AS points,
      '{"size": {"points": 60.25}}' AS breakdown, 1 AS rank_low, 9 AS rank_high FROM (SELECT DISTINCT
      application_group FROM groups)""",
    """INSERT INTO connections BY NAME SELECT server_a AS source_server_id, server_b AS destination_server_id, 443 AS
    destination_port, 'tcp' AS protocol, count FROM edges""",
    """INSERT INTO unknown_addresses BY NAME SELECT '10.99.0.' || i AS address, 'private' AS scope, 1000 - i AS
    connections, 3 AS peers, '443/tcp' AS ports,
      TIMESTAMP '2026-11-01 10:00:00' AS first_seen, TIMESTAMP '2026-11-19 10:00:00' AS last_seen FROM range(25)
      r(i)""",
    """INSERT INTO quarantine BY NAME SELECT 2 AS source_id, 40 + i AS source_row, 'memory_mib' AS field, '-' || i AS
    value,
      'cmdb.csv, row ' || (40 + i) || ': memory is negative; correct the export.' AS sentence FROM range(4) r(i)""",
    """INSERT INTO refusals BY NAME SELECT 'notes.csv' AS file,
      'notes.csv is no known export; the nearest is generic_servers, which lacks hostname.' AS sentence""",
    """INSERT INTO ignored_columns VALUES (2, 'Cost centre')""",
    """INSERT INTO gate_results BY NAME SELECT * FROM (VALUES ('snapshot', 'facts_known', 'pass', 0.99, 0.95,
    '99 % of servers have cores, memory and operating system.'),
      ('snapshot', 'fresh', 'pass', 2.0, 90.0, 'The newest export is 2 days old.'), ('tco', 'utilisation', 'pass',
      0.91, 0.6, '91 % of servers are sized by what they use.'),
      ('tco', 'priced', 'quarantine', 0.83, 0.98, '83 % of servers have a type with a price; 98 % are asked for.'),
      ('wave_plan', 'owners', 'block', 0.41, 0.6, '41 % of servers have an owner; fill the owner in the review sheet.'),
      ('wave_plan', 'connections', 'pass', 0.93, 0.7, '93 % of servers have a connection.')) t(outcome, "check",
      verdict, value, "limit", sentence)""",
    """INSERT INTO fix_list BY NAME SELECT * FROM (VALUES (1, 'utilisation', 'tco', 55, 4210.5, 0.38,
    '55 servers without utilisation decide 38 % of the cost band.', 'vm-000011; vm-000022'),
      (2, 'owner', 'wave_plan', 120, 0.0, 0.12, '120 servers have no owner.', 'vm-000005; vm-000010')) t(rank, field,
      outcome, servers, effect_usd, effect_share, sentence, examples)""",
    """INSERT INTO wave_quality BY NAME SELECT * FROM (VALUES ('waves', 11.0, NULL), ('cut_share', 0.41,
    'share of traffic between groups of different waves')) t(name, value, note)""",
    """CREATE TABLE end_of_support AS SELECT server_id, NULL::VARCHAR AS database_id, os_product AS product, CASE
    os_product WHEN 'windows server 2016' THEN DATE '2027-01-12'
      WHEN 'rhel 7' THEN DATE '2024-06-30' WHEN 'rhel 9' THEN DATE '2032-05-31' WHEN 'ubuntu 22.04' THEN DATE
      '2027-04-01' ELSE DATE '2023-10-10' END AS ends,
      0 AS days, 'vendor' AS source FROM servers WHERE in_scope AND os_family <> 'aix'
      UNION ALL SELECT server_id, database_id, 'sqlserver 2016', DATE '2026-07-14', 0, 'vendor' FROM databases""",
)  # fmt: skip


def fill(connection: duckdb.DuckDBPyConnection, servers: int = 600) -> None:
    """Create and fill the tables that delivery reads."""
    connection.execute("SET TimeZone = 'UTC'").fetchall()
    tables.create(connection, *tables.TABLES)
    for step in _STEPS:
        parameters: dict[str, Any] | None = {"servers": servers} if "$servers" in step else None
        connection.execute(step, parameters).fetchall()


def permute(connection: duckdb.DuckDBPyConnection) -> None:
    """Put the rows of every table into another order."""
    for name in tables.TABLES:
        connection.execute(
            f'CREATE OR REPLACE TEMP TABLE turned AS SELECT *, hash(t::VARCHAR) AS h FROM "{name}" t ORDER BY h DESC'
        ).fetchall()
        connection.execute(f'DELETE FROM "{name}"').fetchall()
        connection.execute(f'INSERT INTO "{name}" BY NAME SELECT * EXCLUDE (h) FROM turned').fetchall()
    connection.execute("DROP TABLE turned").fetchall()
