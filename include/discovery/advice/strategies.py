"""The strategy of each server: decided by people, else by the first rule that holds."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables
from include.discovery.advice.conditions import Facts
from include.discovery.advice.rulebook import keep_rows, load, read_rules, speak
from include.discovery.advice.server_facts import COLUMNS, gather_server_facts

if TYPE_CHECKING:
    from include.discovery.advice.settings import AdviceSettings

STRATEGIES: Final = ("retire", "retain", "rehost", "relocate", "replatform", "repurchase", "refactor")

_ANSWER: Final = """
INSERT INTO strategies BY NAME
SELECT f.server_id,
    CASE WHEN p.word IS NOT NULL THEN p.word ELSE o.strategy END AS strategy,
    CASE WHEN p.word IS NOT NULL THEN 1.0
         ELSE round(o.confidence * pow(0.85, len(d.said)), 2) END AS confidence,
    array_to_string(list_concat(
        CASE WHEN p.word IS NOT NULL THEN [concat(p.word, ' by decision: ', p.place, ' says ', p.written)]
             WHEN p.written IS NOT NULL THEN [concat('note unknown_decision: ', p.place, ' says ', p.written,
                 ', which is none of the seven strategies, and the rules decide')]
             ELSE [] END,
        s.said, d.said), '; ') AS trace,
    p.word IS NOT NULL AS is_override
FROM server_facts f JOIN strategy_said s USING (server_id) JOIN strategy_doubts d USING (server_id)
JOIN outcomes o ON o.winner = s.winner LEFT JOIN decisions p USING (server_id) ORDER BY f.server_id
"""

_DECISIONS: Final = """
CREATE OR REPLACE TEMP TABLE decisions AS
WITH told AS (
    SELECT server_id, strategy AS written, 0 AS rank, 'the source' AS place FROM servers
    WHERE trim(strategy) <> '' AND in_scope
    UNION ALL
    SELECT unnest(server_ids), strategy, 1, 'the application ' || application FROM applications
    WHERE trim(strategy) <> ''),
best AS (SELECT server_id, arg_min(written, (rank, place)) AS written, arg_min(place, (rank, place)) AS place
    FROM told GROUP BY ALL),
placed AS (
    SELECT server_id, arg_min(concat(file, CASE WHEN sheet IS NULL THEN '' ELSE ' ' || sheet END, ' row ', source_row),
        (source_id, source_row)) AS place
    FROM server_values JOIN sources USING (source_id) WHERE field = 'strategy' AND chosen GROUP BY ALL)
SELECT server_id, written, w.word,
    CASE WHEN best.place = 'the source' THEN coalesce(placed.place, best.place) ELSE best.place END AS place
FROM best LEFT JOIN placed USING (server_id)
LEFT JOIN strategy_words w ON w.spelling = regexp_replace(lower(trim(written)), '[^a-z]', '', 'g')
"""


def advise_servers(connection: Any, *, settings: AdviceSettings) -> None:
    """Create `strategies`: one row for each server in scope, with the sentences of every rule that holds.

    Needs `database_targets` and `end_of_support`. The confidence is the rule's, times 0.85 for each doubt that holds
    (data the rule would have needed); people's decisions have 1.
    """
    gather_server_facts(connection, settings=settings)
    facts = Facts("server_facts", "server_id", COLUMNS, settings_values(settings))
    rules = read_rules("strategies.yaml", "rules", disabled=settings.disabled_rules)
    doubts = read_rules("strategies.yaml", "doubts", disabled=settings.disabled_rules)
    speak(connection, rules=rules, facts=facts, into="strategy_said")
    speak(connection, rules=doubts, facts=facts, into="strategy_doubts")
    outcomes = [(i, rule.then, rule.confidence) for i, rule in enumerate(rules)]
    keep_rows(connection, "outcomes", {"winner": "INTEGER", "strategy": "VARCHAR", "confidence": "DOUBLE"}, outcomes)
    _read_decisions(connection)
    connection.execute('DROP TABLE IF EXISTS "strategies"').fetchall()
    tables.create(connection, "strategies")
    connection.execute(_ANSWER).fetchall()


def settings_values(settings: AdviceSettings) -> dict[str, Any]:
    """Return settings by name, as rules ask for them."""
    return {one.name: getattr(settings, one.name) for one in fields(settings)}


def _read_decisions(connection: Any) -> None:
    """Create `decisions`: what people wrote, the server's own before its application's, and where."""
    words = {word: word for word in STRATEGIES} | dict(load("strategies.yaml")["spellings"])
    keep_rows(connection, "strategy_words", {"spelling": "VARCHAR", "word": "VARCHAR"}, sorted(words.items()))
    connection.execute(_DECISIONS).fetchall()
