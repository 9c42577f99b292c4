"""The report, the comparison of two assessments and the anonymised copy."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import re
import shutil
import stat
from datetime import date
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from delivered_estate import AT, SETTINGS, PriceList, fill
from hypothesis import given, settings
from hypothesis import strategies as st

from include.discovery.delivery.anonymising import anonymise
from include.discovery.delivery.confidence import confidence_of
from include.discovery.delivery.diffs import compare_assessments, describe_comparison, is_comparable
from include.discovery.delivery.placing import FolderRefusedError
from include.discovery.delivery.pseudonyms import Names
from include.discovery.delivery.report.charts_cost import steps
from include.discovery.delivery.write import write_assessment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SALT = b"a salt of more than sixteen bytes"
EVIL = '</script><script>alert("1")</script><img src=http://evil.example/x>'


def deliver(
    out: Path, *changes: str, at: date = AT, servers: int = 120, previous: Path | None = None, **more: Any
) -> Path:
    connection = duckdb.connect()
    fill(connection, servers=servers)
    for change in changes:
        connection.execute(change).fetchall()
    write_assessment(connection, out, settings={**SETTINGS, **more}, at=at, catalogue=PriceList(), previous=previous)
    connection.close()
    return out


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deliver(tmp_path_factory.mktemp("before") / "out")


@pytest.fixture(scope="module")
def after(before: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month later: two servers new, one gone, one renamed, one with another id, one larger, a group moved."""
    return deliver(
        tmp_path_factory.mktemp("after") / "out",
        "DELETE FROM servers WHERE server_id = 'vm-000001'",
        "DELETE FROM groups WHERE server_id = 'vm-000001'",
        "UPDATE servers SET hostname = 'renamed' WHERE server_id = 'vm-000002'",
        *(
            f"UPDATE {name} SET server_id = 'vm-x' WHERE server_id = 'vm-000003'"
            for name in ("servers", "groups", "sizing")
        ),
        "UPDATE sizing SET instance_type = 'r7i.24xlarge' WHERE server_id = 'vm-000004'",
        "UPDATE waves SET wave = 9 WHERE application_group = 'ledger'",
        "UPDATE cost_lines SET monthly_usd = monthly_usd + 100, high_usd = high_usd + 100 "
        "WHERE item = 'storage' AND scenario = 'right_sized' AND server_id = 'vm-000004'",
        at=date(2026, 12, 20),
        servers=122,
        previous=before,
        sizing={"headroom": 1.3},
    )


class Page(HTMLParser):
    """Gathers what a page loads, its ids, its words and the tags that were not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.open: list[str] = []
        self.inner: dict[str, list[str]] = {}
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "action", "srcset", "data")]
        if tag not in ("meta", "link", "input", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.inner.setdefault(self.open[-1], []).append(data)


@pytest.fixture(scope="module")
def page(after: Path) -> Page:
    return Page((after / "report.html").read_text(encoding="utf-8"))


def test_the_report_has_every_section(page: Page) -> None:
    wanted = "totals blockers confidence waterfall tornado load sizes waves dependencies life trend fixes why"
    assert set(wanted.split()) <= set(page.ids)
    assert page.open == []
    assert len(page.inner["h2"]) == 12


def test_the_report_refers_to_nothing_outside_of_itself(after: Path, page: Page) -> None:
    assert all(target.startswith("#") for target in page.loads)
    assert {target[1:] for target in page.loads} <= set(page.ids)
    text = (after / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|//[a-z]+\.|@import|url\(", text)


def test_the_policy_allows_only_the_pages_own_style_and_script(page: Page) -> None:
    policy = next(
        value for tag, name, value in page.attributes if tag == "meta" and name == "content" and "default" in value
    )
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        content = page.inner[tag][-1]
        made = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{made}'" in policy
    assert not [name for _, name, _ in page.attributes if name == "style" or name.startswith("on")]


def test_names_of_the_estate_cannot_become_markup(tmp_path: Path) -> None:
    value = EVIL.replace("'", "''")
    out = deliver(
        tmp_path / "out",
        f"UPDATE servers SET hostname = '{value}'",
        f"UPDATE groups SET application_group = application_group || '{value}'",
        f"UPDATE waves SET application_group = application_group || '{value}'",
        f"UPDATE sizing SET reason = '{value}'",
        f"UPDATE gate_results SET sentence = '{value}'",
        name=EVIL,
    )
    found = Page((out / "report.html").read_text(encoding="utf-8"))
    assert [tag for tag, _, _ in found.attributes if tag == "img"] == []
    assert len(found.inner["script"]) == 2


def test_the_page_says_how_many_servers_it_leaves_out(tmp_path: Path) -> None:
    out = deliver(tmp_path / "out", delivery={"page_servers": 10})
    found = Page((out / "report.html").read_text(encoding="utf-8"))
    assert len(json.loads(found.inner["script"][0])["rows"]) == 10
    assert any("The 10 dearest of 120 servers are in this page" in text for text in found.inner["p"])


def test_a_server_is_told_why(after: Path, page: Page) -> None:
    data = json.loads(page.inner["script"][0])
    row = next(row for row in data["rows"] if row[0] == "vm-000004")
    why = row[-1]
    assert data["texts"][why["s"]].startswith("binding: memory p99")
    assert {line[0] for line in why["c"]} >= {"compute", "storage", "commitment"}
    assert row[data["columns"].index("monthly_usd")] == pytest.approx(sum(line[2] for line in why["c"]))
    assert why["v"] == ["memory_mib 131072 from vmware/export.xlsx vInfo row 6"]


def test_the_waterfalls_changes_add_up_to_its_totals() -> None:
    costs = {
        "on_premises": {"monthly_usd": 100.0, "low_usd": 90.0, "high_usd": 120.0, "items": {"hardware": 100.0}},
        "lift_and_shift": {
            "monthly_usd": 140.0, "low_usd": 1.0, "high_usd": 2.0, "items": {"compute": 90.0, "windows": 50.0},
        },
        "right_sized": {
            "monthly_usd": 61.0, "low_usd": 1.0, "high_usd": 2.0,
            "items": {"compute": 60.0, "sql_server": 11.0, "savings_plan": -10.0},
        },
    }  # fmt: skip
    found = steps(costs)
    assert [(step.label, step.change) for step in found] == [
        ("As is", 100.0), ("Move as it is", 40.0), ("Lift and shift", 140.0), ("Right-size", -30.0),
        ("Licences", -39.0),         ("Commitment", -10.0), ("Right-sized", 61.0),
    ]  # fmt: skip
    assert found[-2].end == found[-1].end


def test_confidence_is_the_mean_of_how_near_checks_are_to_their_limits() -> None:
    gates = [
        {"outcome": "tco", "verdict": "pass", "value": 0.7, "limit": 0.6},
        {"outcome": "tco", "verdict": "block", "value": 0.3, "limit": 0.6},
        {"outcome": "tco", "verdict": "quarantine", "value": 0.2, "limit": 0.05},
    ]
    assert confidence_of(gates)["tco"] == {
        "confidence": round((1 + 0.5 + 0.25) / 3, 4),
        "verdict": "block",
        "checks": 3,
        "passed": 1,
    }
    assert confidence_of([])["snapshot"] == {"confidence": None, "verdict": "block", "checks": 0, "passed": 0}


def test_a_comparison_finds_every_change_and_no_other(before: Path, after: Path) -> None:
    found = compare_assessments(before, after)
    assert found["servers"]["gone"] == ["vm-000001", "vm-000003"]
    assert found["servers"]["new"] == ["vm-000120", "vm-000121", "vm-x"]
    assert found["servers"]["renamed"] == [{"server_id": "vm-000002", "before": "data-00002", "after": "renamed"}]
    assert [(row["before"], row["after"]) for row in found["servers"]["rekeyed"]] == [("vm-000003", "vm-x")]
    assert [(row["server_id"], row["after"]) for row in found["sizes"]] == [("vm-000004", "r7i.24xlarge")]
    assert [(row["application_group"], row["before"], row["after"]) for row in found["moved"]] == [("ledger", [2], [9])]
    assert {row["setting"]: row["after"] for row in found["settings"]} == {"sizing.headroom": 1.3}
    item = next(row for row in found["costs"] if row["item"] == "right_sized, storage")
    assert item["delta"] == round(item["after"] - item["before"], 2)
    assert item["delta"] > 100
    assert (found["before"], found["after"]) == ("2026-11-20", "2026-12-20")


def test_an_assessment_does_not_differ_from_itself(before: Path) -> None:
    found = compare_assessments(before, before)
    assert not any(
        found[name] for name in ("sizes", "moved", "regrouped", "strategies", "costs", "totals", "counts", "settings")
    )
    assert describe_comparison(found).splitlines() == [
        "2026-11-20 to 2026-11-20: 120 to 120 servers, 0 new, 0 gone, 0 renamed."
    ]


def test_a_comparison_reads_as_text(before: Path, after: Path) -> None:
    text = describe_comparison(compare_assessments(before, after))
    assert "ledger: wave 2 to wave 9" in text
    assert "vm-000004: m7i.4xlarge to r7i.24xlarge" in text or "to r7i.24xlarge" in text
    assert re.search(r"right_sized: \$[\d,]+\.\d\d to \$[\d,]+\.\d\d a month\.", text)


def test_a_folder_without_an_assessment_cannot_be_compared(before: Path, tmp_path: Path) -> None:
    with pytest.raises(FolderRefusedError, match=r"summary\.json, servers\.parquet, .* is missing"):
        compare_assessments(tmp_path, before)


def test_an_assessment_of_another_version_is_told_and_not_compared(before: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(before, other)
    summary = json.loads((other / "summary.json").read_text())
    del summary["servers"]
    (other / "summary.json").write_text(json.dumps(summary))
    assert (is_comparable(before), is_comparable(other), is_comparable(tmp_path)) == (True, False, False)
    with pytest.raises(FolderRefusedError, match="has no servers: another version of Landfall wrote it"):
        compare_assessments(other, before)


def test_the_anonymised_folder_has_no_original_name(before: Path, tmp_path: Path) -> None:
    anonymise(before, tmp_path / "anonymous", salt=SALT)
    names = json.loads((tmp_path / "anonymous.map.json").read_text())
    connection = duckdb.connect()
    table = connection.execute(
        "SELECT * EXCLUDE (tags) FROM read_parquet(?)", [str(tmp_path / "anonymous" / "servers.parquet")]
    )
    texts = [
        str(table.fetchall()),
        *(path.read_text() for path in (tmp_path / "anonymous").glob("*.*") if path.suffix != ".parquet"),
    ]
    originals = {
        name
        for kind, known in names.items()
        for name in known
        if kind not in ("tier", "address", "mac") and len(name) > 3
    }
    assert {
        "vm-000001",
        "dana reyes",
        "payments",
        "web-00003.corp.northwind.example",
        "111122223333",
        "northwind",
    } <= originals
    phrases = {" ".join(re.findall(r"\w+", name)) for name in originals}
    for text in texts:
        words = re.findall(r"\w+", text.lower())
        for length in range(1, 7):
            assert not phrases & {" ".join(words[place : place + length]) for place in range(len(words))}
        assert "northwind" not in text.lower()
    assert "10.20.0." not in "".join(texts)


def test_the_map_is_private_and_undoes_the_names(before: Path, tmp_path: Path) -> None:
    anonymise(before, tmp_path / "anonymous", salt=SALT)
    place = tmp_path / "anonymous.map.json"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    servers = json.loads(place.read_text())["server"]
    back = {pseudonym: name for name, pseudonym in servers.items()}
    lines = (tmp_path / "anonymous" / "groups.csv").read_text().splitlines()[1:]
    wanted = (before / "groups.csv").read_text().splitlines()[1:]
    assert [back[line.split(",")[0]] for line in lines] == [line.split(",")[0] for line in wanted]
    assert not any(path.name == place.name for path in (tmp_path / "anonymous").iterdir())


def test_the_same_salt_gives_the_same_files_and_another_gives_others(before: Path, tmp_path: Path) -> None:
    for name, salt in (("one", SALT), ("two", SALT), ("three", SALT[::-1])):
        anonymise(before, tmp_path / name, salt=salt)
    one, two, three = ((tmp_path / name / "waves.csv").read_bytes() for name in ("one", "two", "three"))
    assert one == two != three


def test_a_short_salt_is_refused(before: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="The salt has 4 bytes; give at least 16"):
        anonymise(before, tmp_path / "out", salt=b"salt")


def test_names_are_replaced_inside_of_sentences_and_short_ones_are_not() -> None:
    names = Names(SALT)
    for kind, name in (
        ("server", "db-01.corp.example"),
        ("person", "Anna de Vries"),
        ("application", "R&D"),
        ("tier", "1"),
    ):
        names.learn(kind, name)
    text = names.replace("db-01 (DB-01.CORP.EXAMPLE) of anna de  vries, R&D: 1 of 12 at 10.1.2.3, xdb-01")
    assert text is not None
    assert not re.search(r"corp|anna|vries|r&d|10\.1\.2\.3", text, re.IGNORECASE)
    assert "1 of 12" in text
    assert text.endswith("xdb-01")


@settings(max_examples=60)
@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_addresses_keep_their_subnets_and_stay_distinct(
    one: ipaddress.IPv4Address, other: ipaddress.IPv4Address
) -> None:
    names = Names(SALT)
    made, also = (ipaddress.ip_address(names.address(str(address))) for address in (one, other))
    shared = next((n for n in range(4) if one.packed[n] != other.packed[n]), 4)
    assert next((n for n in range(4) if made.packed[n] != also.packed[n]), 4) == shared
    for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"):
        assert (one in ipaddress.ip_network(block)) <= (made in ipaddress.ip_network(block))


def test_the_gantt_shows_closed_days_and_the_capacity(page: Page) -> None:
    classes = [value for _, name, value in page.attributes if name == "class"]
    assert classes.count("blackout") == 1
    assert "year-end close" in page.inner["title"]
    assert any(text.startswith("capacity 60") for text in page.inner["text"])
