"""The strategy of servers: each rule speaks when its condition holds and is silent when it does not."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pytest

from include.discovery import tables
from include.discovery.advice.advise import advise
from include.discovery.advice.conditions import Binding, Facts, RuleError, condition_sql
from include.discovery.advice.rulebook import read_rules
from include.discovery.advice.settings import AdviceSettings
from include.discovery.advice.strategies import STRATEGIES

AT = date(2026, 11, 23)
PLAIN: dict[str, Any] = {
    "os_family": "linux", "os_product": "rhel 9", "architecture": "x86_64", "power_state": "on", "owner": "payments",
    "environment": "production", "in_scope": True, "marks": [], "source_ids": [1],
}  # fmt: skip
OTHER = {"source_id": 1, "source_row": 2}


@pytest.fixture
def connection() -> Any:
    with duckdb.connect() as found:
        found.execute("SET TimeZone='UTC'")
        tables.create(
            found, "servers", "software", "utilisation_summary", "connections", "hubs", "disks", "applications"
        )
        tables.create(found, "server_values", "sources", "databases")
        yield found


def insert(connection: Any, table: str, **values: Any) -> None:
    names = ", ".join(values)
    marks = ", ".join(f"${name}" for name in values)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)


def add_server(connection: Any, server_id: str = "s1", **values: Any) -> None:
    insert(connection, "servers", server_id=server_id, **{**PLAIN, **values})


def add_traffic(connection: Any, one: str | None, other: str | None) -> None:
    insert(connection, "connections", source_server_id=one, destination_server_id=other, destination_port=443, count=5)


def add_cpu(connection: Any, p95: float, server_id: str = "s1", days: float = 30) -> None:
    values = {"metric": "cpu_percent", "days": days, "coverage": 1.0, "samples": 100, "p95": p95}
    insert(connection, "utilisation_summary", server_id=server_id, **values)


def answer(connection: Any, server_id: str = "s1", **settings: Any) -> dict[str, Any]:
    advise(connection, settings=AdviceSettings(**settings), at=AT)
    row = connection.execute("SELECT * FROM strategies WHERE server_id = ?", [server_id]).fetchone()
    return dict(zip([column[0] for column in connection.description], row, strict=True))


def test_a_plain_server_is_rehosted(connection: Any) -> None:
    add_server(connection)
    found = answer(connection)
    assert found["strategy"] == "rehost"
    assert not found["is_override"]
    assert "rehost by lift" in found["trace"]


DECIDES: list[tuple[str, str, dict[str, Any]]] = [
    ("mainframe_stays", "retain", {"os_family": "zos"}),
    ("mainframe_stays", "retain", {"os_family": "ibm_i"}),
    ("unix_to_linux", "replatform", {"os_family": "aix"}),
    ("unix_to_linux", "replatform", {"os_family": "solaris"}),
    ("other_processor", "replatform", {"architecture": "s390x"}),
    ("powered_off", "retire", {"power_state": "off", "owner": None}),
    ("appliance_relocated", "relocate", {"hypervisor": "vmware", "os_family": "other"}),
    ("os_support_ended", "replatform", {"os_product": "rhel 7"}),
]
SILENT: list[dict[str, Any]] = [
    {"os_family": "windows", "os_product": "windows server 2022"},
    {"power_state": "off"},
    {"power_state": "off", "owner": None, "environment": "disaster_recovery"},
    {"hypervisor": "kvm", "os_family": "other"},
    {"architecture": "arm64"},
]


def test_a_rule_on_the_server_itself_decides_and_gives_its_reason(connection: Any) -> None:
    for i, (_, _, values) in enumerate(DECIDES):
        add_server(connection, f"s{i}", **values)
    answer(connection)
    found = connection.execute("SELECT strategy, trace FROM strategies ORDER BY server_id").fetchall()
    for (rule, strategy, _), (chosen, trace) in zip(DECIDES, found, strict=True):
        assert chosen == strategy
        assert f"{strategy} by {rule}: " in trace


def test_a_rule_is_silent_when_one_part_of_its_condition_is_missing(connection: Any) -> None:
    for i, values in enumerate(SILENT):
        add_server(connection, f"s{i}", **values)
    answer(connection)
    found = connection.execute("SELECT DISTINCT strategy FROM strategies").fetchall()
    assert found == [("rehost",)]


def test_an_idle_server_without_traffic_and_owner_is_a_candidate_to_retire(connection: Any) -> None:
    add_server(connection, owner=None)
    add_server(connection, "s2")
    add_cpu(connection, 0.8)
    add_traffic(connection, "s2", None)
    found = answer(connection)
    assert found["strategy"] == "retire"
    assert "p95 of CPU is 0.8 % over 30 days (below 2 %)" in found["trace"]


def test_a_server_is_not_idle_when_one_piece_of_the_evidence_is_missing(connection: Any) -> None:
    for name in ("busy", "owned", "talking", "short", "idle"):
        add_server(connection, name, owner="payments" if name == "owned" else None)
        add_cpu(connection, 9 if name == "busy" else 0.8, name, days=3 if name == "short" else 30)
    add_traffic(connection, "talking", None)
    answer(connection, "idle")
    found = dict(connection.execute("SELECT server_id, strategy FROM strategies").fetchall())
    assert found.pop("idle") == "retire"
    assert set(found.values()) == {"rehost"}


def test_no_server_counts_as_idle_when_no_flows_were_collected_at_all(connection: Any) -> None:
    add_server(connection, owner=None)
    add_cpu(connection, 0.8)
    assert answer(connection)["strategy"] == "rehost"


def test_software_that_is_a_service_is_repurchased_but_a_client_of_it_is_not(connection: Any) -> None:
    add_server(connection)
    add_server(connection, "s2")
    insert(connection, "software", server_id="s1", name="Microsoft Exchange Server 2016")
    insert(connection, "software", server_id="s2", name="Client for Microsoft Exchange Server")
    found = answer(connection)
    assert found["strategy"] == "repurchase"
    assert "Exchange Online" in found["trace"]
    assert answer(connection, "s2")["strategy"] == "rehost"


def test_a_cluster_is_relocated_only_when_the_settings_name_it(connection: Any) -> None:
    for i in range(3):
        add_server(connection, f"s{i}", hypervisor="vmware", cluster="blue")
    assert answer(connection, relocate_servers=3)["strategy"] == "rehost"
    assert "note cluster_candidate" in answer(connection, relocate_servers=3)["trace"]
    assert "note cluster_candidate" not in answer(connection, relocate_servers=4)["trace"]
    assert answer(connection, relocate_clusters=("blue",))["strategy"] == "relocate"


def test_a_shared_directory_stays_until_the_last_wave(connection: Any) -> None:
    add_server(connection)
    insert(connection, "hubs", server_id="s1", role="directory", peers=900, count=10, reason="x")
    found = answer(connection)
    assert found["strategy"] == "retain"
    assert "used by 900 servers" in found["trace"]


@pytest.mark.parametrize(
    ("features", "strategy"), [([], "replatform"), (["filestream"], "rehost")], ids=["managed", "on EC2"]
)
def test_a_database_server_follows_its_databases(connection: Any, features: list[str], strategy: str) -> None:
    add_server(connection)
    values = {
        "engine_family": "sqlserver",
        "engine_version": "2019",
        "engine_edition": "standard",
        "features": features,
    }
    insert(connection, "databases", database_id="d1", server_id="s1", **OTHER, **values)
    assert answer(connection)["strategy"] == strategy


def test_databases_of_a_server_that_retires_retire_with_it(connection: Any) -> None:
    add_server(connection, power_state="off", owner=None)
    values = {"engine_family": "mysql", "engine_version": "8.0", "engine_edition": "community"}
    insert(connection, "databases", database_id="d1", server_id="s1", **OTHER, **values)
    assert answer(connection)["strategy"] == "retire"
    assert connection.execute("SELECT path, target FROM database_targets").fetchall() == [("retire", "none")]


def test_a_database_of_a_server_that_stays_keeps_its_target_and_says_what_blocks_it(connection: Any) -> None:
    add_server(connection, os_family="zos")
    values = {"engine_family": "db2", "engine_version": "12.1", "engine_edition": "enterprise"}
    insert(connection, "databases", database_id="d1", server_id="s1", **OTHER, **values)
    assert answer(connection)["strategy"] == "retain"
    assert (
        connection.execute(
            "SELECT target, blockers FROM database_targets WHERE contains(blockers, 'server s1 is advised to stay')"
        ).fetchone()[0]
        == "Amazon Aurora PostgreSQL"
    )


def test_a_person_wins_over_every_rule_and_the_trace_names_the_row(connection: Any) -> None:
    add_server(connection, os_family="zos", strategy="Lift and Shift")
    insert(connection, "sources", source_id=1, file="review.xlsx", sheet="review", format="review", tool="review",
           fills="raw_servers", rows_read=1, rows_quarantined=0, bytes=1, sha256="0")  # fmt: skip
    insert(connection, "server_values", server_id="s1", field="strategy", value="Lift and Shift", source_id=1,
           source_row=7, chosen=True)  # fmt: skip
    found = answer(connection)
    assert (found["strategy"], found["is_override"], found["confidence"]) == ("rehost", True, 1.0)
    assert "review.xlsx review row 7 says Lift and Shift" in found["trace"]
    assert "retain by mainframe_stays" in found["trace"]


def test_a_decision_on_an_application_holds_for_its_servers_but_the_servers_own_wins(connection: Any) -> None:
    add_server(connection)
    add_server(connection, "s2", strategy="retain")
    insert(connection, "applications", application="shop", strategy="refactor", server_ids=["s1", "s2"])
    assert answer(connection)["strategy"] == "refactor"
    assert answer(connection, "s2")["strategy"] == "retain"


def test_a_decision_that_is_no_strategy_is_told_and_the_rules_decide(connection: Any) -> None:
    add_server(connection, strategy="burn it")
    found = answer(connection)
    assert (found["strategy"], found["is_override"]) == ("rehost", False)
    assert "says burn it, which is none of the seven strategies" in found["trace"]


def test_missing_evidence_lowers_the_confidence(connection: Any) -> None:
    add_server(connection)
    add_server(connection, "s2", owner=None)
    add_cpu(connection, 40)
    assert answer(connection)["confidence"] > answer(connection, "s2")["confidence"]


def test_every_server_in_scope_gets_exactly_one_strategy_and_no_other_does(connection: Any) -> None:
    families = ["linux", "windows", "aix", "zos", "other", "unknown"]
    for i, family in enumerate(families):
        add_server(connection, f"s{i}", os_family=family, architecture=None, os_product=None)
    add_server(connection, "template", in_scope=False)
    answer(connection, "s0")
    rows = connection.execute("SELECT server_id, strategy FROM strategies").fetchall()
    assert [row[0] for row in rows] == [f"s{i}" for i in range(len(families))]
    assert {row[1] for row in rows} <= set(STRATEGIES)


def test_a_disabled_rule_is_silent(connection: Any) -> None:
    add_server(connection, os_product="rhel 7")
    found = answer(connection, disabled_rules=("os_support_ended",))
    assert found["strategy"] == "rehost"
    assert "os_support_ended" not in found["trace"]


def test_compliance_keeps_servers_only_where_the_settings_say_so(connection: Any) -> None:
    add_server(connection, compliance="HIPAA; pci")
    assert answer(connection)["strategy"] == "rehost"
    assert answer(connection, retain_compliance=("hipaa",))["strategy"] == "retain"


def test_support_that_ends_is_listed_with_the_days_that_are_left(connection: Any) -> None:
    add_server(connection, os_product="windows server 2016", os_family="windows")
    assert "in 50 days" in answer(connection)["trace"]
    assert connection.execute("SELECT server_id, product, days FROM end_of_support").fetchall() == [
        ("s1", "windows server 2016", 50)
    ]


def test_two_runs_over_the_same_tables_give_the_same_rows(connection: Any) -> None:
    for i in range(20):
        add_server(connection, f"s{i:02}", os_family=["linux", "aix"][i % 2])
    advise(connection, settings=AdviceSettings(), at=AT)
    first = connection.execute("SELECT * FROM strategies").fetchall()
    advise(connection, settings=AdviceSettings(), at=AT)
    assert connection.execute("SELECT * FROM strategies").fetchall() == first


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"column": "os_famly", "op": "eq", "value": "aix"}, "no column"),
        ({"column": "cores", "op": "matches", "value": "4"}, "does not fit"),
        ({"column": "cores", "op": "like", "value": 4}, "is no operator"),
        ({"column": "cores", "op": "lt"}, "lacks"),
        ({"column": "cores", "op": "lt", "value": "$nothing"}, "is no setting"),
        ({"column": "name", "op": "eq", "value": 4}, "does not fit"),
        ({"all": []}, "needs a list"),
        ({"column": "name", "op": "eq", "value": "a", "or": 1}, "unknown key"),
    ],
)
def test_a_rule_that_cannot_be_applied_is_refused_with_a_sentence(condition: dict[str, Any], words: str) -> None:
    facts = Facts("machines", "id", {"id": "VARCHAR", "name": "VARCHAR", "cores": "INTEGER"}, {"limit": 3})
    with pytest.raises(RuleError, match=words):
        condition_sql(condition, facts, Binding())


def test_text_of_a_rule_never_becomes_sql() -> None:
    facts, binding = Facts("machines", "id", {"id": "VARCHAR", "name": "VARCHAR"}, {}), Binding()
    sql = condition_sql({"column": "name", "op": "eq", "value": "x' OR TRUE --"}, facts, binding)
    assert "TRUE --" not in sql
    assert binding.values == {"p0": "x' OR TRUE --"}


@pytest.mark.parametrize(
    ("file", "part"),
    [("strategies.yaml", "rules"), ("strategies.yaml", "doubts")]
    + [("database_targets.yaml", part) for part in ("rules", "methods", "blockers")],
)
def test_every_rule_names_its_source_and_day(file: str, part: str) -> None:
    for rule in read_rules(file, part):
        assert rule.source
        assert date.fromisoformat(rule.as_of)
        assert "; " not in rule.sentence
