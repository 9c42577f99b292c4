"""Targets and methods of databases: workload and engine to a service, unless a reason speaks for EC2."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables
from include.discovery.advice.conditions import Facts
from include.discovery.advice.rulebook import keep_rows, load, read_rules, speak
from include.discovery.advice.strategies import settings_values

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from include.discovery.advice.rulebook import Rule
    from include.discovery.advice.settings import AdviceSettings

_FILE: Final = "database_targets.yaml"
COLUMNS: Final = {
    "database_id": "VARCHAR", "server_id": "VARCHAR", "engine_family": "VARCHAR", "engine_version": "VARCHAR",
    "engine_edition": "VARCHAR", "workload": "VARCHAR", "features_text": "VARCHAR", "licence_model": "VARCHAR",
    "size_gib": "DOUBLE", "iops_max": "DOUBLE", "transactions_per_second_max": "DOUBLE", "code_lines": "BIGINT",
    "is_clustered": "BOOLEAN", "is_replicated": "BOOLEAN", "downtime_minutes": "DOUBLE", "copy_minutes": "DOUBLE",
    "cpu_cores": "INTEGER", "memory_mib": "BIGINT", "os_family": "VARCHAR", "environment": "VARCHAR",
    "is_refactor_wanted": "BOOLEAN", "support_ends": "DATE", "support_days": "INTEGER",
}  # fmt: skip
_PLANNED: Final = {
    **COLUMNS, "target": "VARCHAR", "target_kind": "VARCHAR", "path": "VARCHAR", "is_same_engine": "BOOLEAN",
}  # fmt: skip

_FACTS: Final = """
CREATE OR REPLACE TEMP TABLE database_facts AS
SELECT d.database_id, d.server_id, engine_family, engine_version, engine_edition, lower(workload) AS workload,
    nullif(array_to_string(list_sort(list_transform(features, lambda one: lower(one))), ', '), '') AS features_text,
    lower(licence_model) AS licence_model, size_gib, iops_max, transactions_per_second_max, code_lines, is_clustered,
    is_replicated, coalesce(downtime_minutes, $downtime) AS downtime_minutes,
    size_gib * 1073.741824 / $rate / 60 AS copy_minutes, s.cpu_cores, s.memory_mib, s.os_family, s.environment,
    $refactor AS is_refactor_wanted, e.ends AS support_ends, e.days AS support_days, nullif(trim(target), '') AS decided
FROM databases d LEFT JOIN servers s ON s.server_id = d.server_id
LEFT JOIN end_of_support e ON e.database_id = d.database_id
WHERE coalesce(s.in_scope, TRUE)
"""

_PLAN: Final = """
CREATE OR REPLACE TEMP TABLE database_plan AS
SELECT f.* EXCLUDE (decided), coalesce(w.name, f.decided, c.target) AS target,
    CASE WHEN f.decided IS NULL THEN t.kind ELSE coalesce(w.kind, 'decided') END AS target_kind,
    CASE WHEN f.decided IS NULL THEN c.path
         WHEN w.kind IN ('ec2', 'retire') THEN CASE w.kind WHEN 'ec2' THEN 'rehost' ELSE 'retire' END
         WHEN w.name IS NULL OR list_contains(w.engines, engine_family) THEN 'replatform' ELSE 'refactor' END AS path,
    CASE WHEN f.decided IS NULL THEN t.kind = 'ec2' OR list_contains(t.engines, engine_family)
         ELSE coalesce(w.kind = 'ec2' OR list_contains(w.engines, engine_family), FALSE) END AS is_same_engine,
    CASE WHEN f.decided IS NULL THEN c.instead_of END AS instead_of,
    list_concat(CASE WHEN f.decided IS NULL THEN [] ELSE
        [concat(coalesce(w.name, f.decided), ' by decision: the source says ', f.decided)] END,
        said, CASE WHEN f.decided IS NULL AND c.note <> '' THEN [c.note] ELSE [] END) AS said
FROM database_facts f JOIN database_said USING (database_id) JOIN choices c USING (winner)
JOIN targets t ON t.name = c.target
LEFT JOIN targets w ON w.spelling = regexp_replace(lower(f.decided), '^(amazon|aws) |[^a-z0-9]', '', 'g')
"""

_ANSWER: Final = """
INSERT INTO database_targets BY NAME
SELECT p.database_id, p.server_id, p.target, p.path, p.instead_of, p.method,
    nullif(array_to_string(list_transform(b.said, lambda one: substr(one, 6)), '; '), '') AS blockers,
    array_to_string(list_concat(p.said, p.method_said), '; ') AS trace
FROM database_methods p JOIN database_blockers b USING (database_id) ORDER BY p.database_id
"""

_RETIRED: Final = """path = 'retire', target = 'none', instead_of = target, method = 'none', blockers = NULL,
    trace = concat('none by server_retires: its server ', server_id, ' is advised to retire; ', trace)"""
_STAYING: Final = """blockers = concat_ws('; ',
    concat('server_stays: its server ', server_id, ' is advised to stay, so it moves only when that changes'),
    blockers)"""


def advise_databases(connection: Any, *, settings: AdviceSettings, at: date) -> None:
    """Create `database_targets`: one row for each database that is not on a server out of scope.

    Needs `end_of_support`. A target that is closed, has ended or ends within `target_notice_days` of `at` is
    replaced by what the data file names instead, and `instead_of` keeps it.
    """
    off = settings.disabled_rules
    values = settings_values(settings)
    known = {
        "downtime": settings.downtime_minutes,
        "rate": settings.copy_mb_s,
        "refactor": settings.refactor_commercial,
    }
    connection.execute(_FACTS, known).fetchall()
    rules = read_rules(_FILE, "rules", disabled=off)
    speak(connection, rules=rules, facts=Facts("database_facts", "database_id", COLUMNS, values), into="database_said")
    _keep_choices(connection, rules=rules, at=at, notice_days=settings.target_notice_days)
    connection.execute(_PLAN).fetchall()
    _choose_methods(connection, values=values, disabled=off)
    connection.execute('DROP TABLE IF EXISTS "database_targets"').fetchall()
    tables.create(connection, "database_targets")
    connection.execute(_ANSWER).fetchall()


def follow_servers(connection: Any) -> None:
    """Mark databases of servers that retire or stay, unless somebody decided their target.

    They retire with the server; of a server that stays the target is kept, with a blocker that says so.
    """
    for strategy, change in (("retire", _RETIRED), ("retain", _STAYING)):
        connection.execute(
            f"UPDATE database_targets SET {change} WHERE path <> 'retire' AND NOT contains(trace, ' by decision: ') "
            "AND server_id IN (SELECT server_id FROM strategies WHERE strategy = ?)",
            [strategy],
        ).fetchall()


def available_target(name: str, path: str, *, at: date, notice_days: int) -> tuple[str, str, str]:
    """Follow a target's replacements to one that new customers can use: (target, path, why in a sentence or '')."""
    targets = {str(one["name"]): one for one in load(_FILE)["targets"]}
    notes: list[str] = []
    for _ in targets:
        one = targets[name]
        why = _end_of(one, at=at, notice_days=notice_days)
        if not why or "instead" not in one:
            break
        name, path = str(one["instead"]["target"]), str(one["instead"]["path"])
        notes.append(f"{name} by availability: {why}")
    return name, path, "; ".join(notes)


def _end_of(target: dict[str, Any], *, at: date, notice_days: int) -> str:
    if "closed" in target and target["closed"] <= at:
        return f"{target['name']} is closed to new customers since {target['closed']}"
    if "until" in target and target["until"] < at:
        return f"{target['name']} ended on {target['until']}"
    if "until" in target and target["until"] < at + timedelta(days=notice_days):
        return f"{target['name']} ends on {target['until']}, within {notice_days} days"
    if "from" in target and target["from"] > at:
        return f"{target['name']} is available from {target['from']}"
    return ""


def _keep_choices(connection: Any, *, rules: Sequence[Rule], at: date, notice_days: int) -> None:
    """Create `choices` (what each rule gives on that day) and `targets` (by name)."""
    rows = []
    for i, rule in enumerate(rules):
        target, path, note = available_target(rule.then, str(rule.details["path"]), at=at, notice_days=notice_days)
        rows.append((i, target, path, None if target == rule.then else rule.then, note))
    words = dict.fromkeys(("target", "path", "instead_of", "note"), "VARCHAR")
    keep_rows(connection, "choices", {"winner": "INTEGER", **words}, rows)
    targets = [(str(one["name"]), str(one["kind"]), ";".join(one["engines"])) for one in load(_FILE)["targets"]]
    keep_rows(connection, "listed_targets", {"name": "VARCHAR", "kind": "VARCHAR", "engines": "VARCHAR"}, targets)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE targets AS SELECT name, kind, string_split(engines, ';') AS engines, "
        "regexp_replace(lower(name), '^(amazon|aws) |[^a-z0-9]', '', 'g') AS spelling FROM listed_targets"
    ).fetchall()


def _choose_methods(connection: Any, *, values: dict[str, Any], disabled: Sequence[str]) -> None:
    """Create `database_methods` (the plan with its method) and `database_blockers`."""
    rules = read_rules(_FILE, "methods", disabled=disabled)
    speak(connection, rules=rules, facts=Facts("database_plan", "database_id", _PLANNED, values), into="method_rules")
    words = [(i, rule.then) for i, rule in enumerate(rules)]
    keep_rows(connection, "method_words", {"winner": "INTEGER", "method": "VARCHAR"}, words)
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE database_methods AS
        SELECT p.*, w.method,
            [list_filter(r.said, lambda one: starts_with(one, concat(w.method, ' by ')))[1]] AS method_said
        FROM database_plan p JOIN method_rules r USING (database_id) JOIN method_words w ON w.winner = r.winner
        """
    ).fetchall()
    facts = Facts("database_methods", "database_id", {**_PLANNED, "method": "VARCHAR"}, values)
    blockers = read_rules(_FILE, "blockers", disabled=disabled)
    speak(connection, rules=blockers, facts=facts, into="database_blockers")
