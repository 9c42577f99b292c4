"""What is known of an application group, and its score from 0 to 99 for each criterion."""

from __future__ import annotations

from typing import Any, Final

_STRATEGY_SCORES: Final = {
    "retire": 99, "relocate": 80, "rehost": 80, "repurchase": 50, "replatform": 50, "refactor": 20, "retain": 0,
}  # fmt: skip

_GROUPS: Final = """
CREATE OR REPLACE TEMP TABLE group_facts AS
WITH member AS (
    SELECT g.application_group, g.confidence, s.*, y.strategy AS chosen, y.confidence AS sure
    FROM groups g JOIN servers s USING (server_id) LEFT JOIN strategies y USING (server_id)),
numbered AS (  -- whole numbers instead of names: pairs of a million edges are made distinct
    SELECT server_id, application_group, dense_rank() OVER (ORDER BY application_group)::INTEGER AS number FROM groups),
links AS (
    SELECT DISTINCT least(a.number, b.number) AS one, greatest(a.number, b.number) AS other
    FROM edges JOIN numbered a ON a.server_id = server_a JOIN numbered b ON b.server_id = server_b
    WHERE a.number <> b.number AND NOT is_hub_edge),
counted AS (
    SELECT number, count(*)::INTEGER AS neighbours
    FROM (SELECT one AS number FROM links UNION ALL SELECT other FROM links) GROUP BY ALL),
neighbours AS (
    SELECT DISTINCT application_group, neighbours FROM counted JOIN numbered USING (number)),
stores AS (SELECT application_group, count(*)::INTEGER AS databases
    FROM databases JOIN groups USING (server_id) GROUP BY ALL),
ends AS (SELECT application_group, min(days) AS support_days
    FROM end_of_support JOIN groups USING (server_id) GROUP BY ALL),
licences AS (
    SELECT application_group, round(coalesce(sum(monthly_usd) FILTER (scenario = 'lift_and_shift'), 0)
        - coalesce(sum(monthly_usd) FILTER (scenario = 'right_sized'), 0), 2)::DOUBLE AS licence_saving_usd
    FROM cost_lines JOIN groups USING (server_id) WHERE item IN ('windows', 'sql_server', 'oracle') GROUP BY ALL)
SELECT application_group, count(*)::INTEGER AS servers,
    count(*) FILTER (environment = 'production' OR environment IS NULL)::INTEGER AS production,
    max(CASE WHEN criticality ILIKE 'mission%' OR criticality ILIKE '%critical' THEN 3 WHEN criticality ILIKE 'high%'
        THEN 2 WHEN criticality ILIKE 'low%' THEN 0 ELSE 1 END)::INTEGER AS criticality,
    any_value(neighbours) AS neighbours, any_value(databases) AS databases,
    round(avg(coalesce(list_extract($scores::INTEGER[], list_position($words::VARCHAR[], chosen)), 50)), 1)
        AS strategy_ease,
    count(*) FILTER (trim(compliance) <> '')::INTEGER AS marked, any_value(support_days) AS support_days,
    any_value(licence_saving_usd) AS licence_saving_usd,
    round(sum(CAST(round(500 * coalesce(sure, 0.5) + 500 * coalesce(confidence, 0.5)) AS BIGINT)) / count(*) / 1000, 3)
        AS confidence  -- whole numbers: their sum does not depend on the order of rows
FROM member LEFT JOIN neighbours USING (application_group) LEFT JOIN stores USING (application_group)
LEFT JOIN ends USING (application_group) LEFT JOIN licences USING (application_group)
GROUP BY application_group
"""

# Criterion: the value shown, and its score from 0 (late) to 99 (early).
CRITERIA: Final = {
    "environment": ("round(1 - production / servers, 3)", "99 * (1 - production / servers)"),
    "criticality": (
        "CASE criticality WHEN 0 THEN 'low' WHEN 1 THEN 'medium' WHEN 2 THEN 'high' ELSE 'mission_critical' END",
        "CASE criticality WHEN 0 THEN 99 WHEN 1 THEN 60 WHEN 2 THEN 30 ELSE 0 END",
    ),
    "size": (
        "servers",
        "CASE WHEN servers <= 3 THEN 99 WHEN servers <= 10 THEN 60 WHEN servers <= 30 THEN 30 ELSE 0 END",
    ),
    "dependencies": ("coalesce(neighbours, 0)", "99 / (1 + coalesce(neighbours, 0) / 3.0)"),
    "databases": ("coalesce(databases, 0)", "99 / (1 + coalesce(databases, 0) / 2.0)"),
    "strategy": ("strategy_ease", "strategy_ease"),
    "compliance": ("marked", "99 * (1 - marked / servers)"),
    "end_of_support": (
        "support_days",
        "CASE WHEN support_days IS NULL THEN 0 WHEN support_days < 0 THEN 99 ELSE 99 / (1 + support_days / 365.0) END",
    ),
    "licences": (
        "coalesce(licence_saving_usd, 0)",
        "99 * greatest(coalesce(licence_saving_usd, 0), 0) / (greatest(coalesce(licence_saving_usd, 0), 0) + 1000)",
    ),
    "confidence": ("confidence", "99 * confidence"),
}


def gather_group_facts(connection: Any) -> list[tuple[Any, ...]]:
    """Return for each application group its name, the shown values and then the scores (whole, 0 to 99), by name."""
    connection.execute(_GROUPS, {"words": list(_STRATEGY_SCORES), "scores": list(_STRATEGY_SCORES.values())}).fetchall()
    shown = ", ".join(value for value, _ in CRITERIA.values())
    scores = ", ".join(f"CAST(round(least(greatest({score}, 0), 99)) AS INTEGER)" for _, score in CRITERIA.values())
    rows: list[tuple[Any, ...]] = connection.execute(
        f"SELECT application_group, {shown}, {scores} FROM group_facts ORDER BY application_group"  # own text
    ).fetchall()
    return rows
