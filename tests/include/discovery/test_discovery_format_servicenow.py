"""ServiceNow's CMDB: field names and labels, numbers and words of status, relations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from format_samples import complaints, formats, read, rows

if TYPE_CHECKING:
    from pathlib import Path


def test_every_file_is_recognised_and_nothing_is_set_aside() -> None:
    connection = read("servicenow")
    assert formats(connection) == {
        "cmdb_ci_server.csv": "servicenow_servers",
        "cmdb_rel_ci.csv": "servicenow_relations",
        "cmdb_ci_db_instance.csv": "servicenow_databases",
        "cmdb_ci_business_app.csv": "servicenow_applications",
    }
    assert complaints(connection) == []


@pytest.mark.parametrize("folder", ["servicenow/cmdb_ci_server.csv", "servicenow/labels/cmdb_ci_server.csv"])
def test_labels_and_field_names_are_the_same_columns(folder: str) -> None:
    sql = """SELECT ref, external_id, vm_name, fqdn, ip_addresses, mac_addresses, os_name, os_version, cpu_cores,
             memory_mib, storage_gib, status, environment, owner, business_unit, location
             FROM raw_servers ORDER BY source_row LIMIT 1"""
    assert rows(read(folder), sql) == [
        (
            "a1f0c1d2e3f4a5b6c7d8e9f001020304",
            "a1f0c1d2e3f4a5b6c7d8e9f001020304",
            "shop-web-01",
            "shop-web-01.corp.example",
            ["10.20.1.11"],
            ["00:50:56:a1:00:01"],
            "Linux Red Hat",
            "8.6",
            4,
            8192,
            120.0,
            "live",
            "production",
            "Shop team",
            "Retail",
            "dc-north",
        )
    ]


def test_a_thousands_comma_of_a_list_export_is_no_decimal_comma() -> None:
    assert rows(read("servicenow/labels"), "SELECT memory_mib FROM raw_servers ORDER BY source_row") == [
        (8192,),
        (65536,),
    ]


def test_numbers_of_status_become_its_words() -> None:
    found = rows(read("servicenow/cmdb_ci_server.csv"), "SELECT vm_name, status FROM raw_servers ORDER BY source_row")
    assert found == [
        ("shop-web-01", "live"),
        ("shop-db-01", "retired"),
        ("lab-77", "absent"),
        ("spare-01", "in stock"),
        ("gone-01", "stolen"),
    ]


def test_operational_status_counts_where_no_install_status_is_exported(tmp_path: Path) -> None:
    file = tmp_path / "cmdb_ci_server.csv"
    file.write_text("sys_id,name,os,operational_status\na1,web,Linux,1\na2,old,Linux,6\n", encoding="utf-8")
    assert rows(read(file), "SELECT status FROM raw_servers ORDER BY source_row") == [("live",), ("retired",)]


def test_sockets_are_not_taken_for_cores_where_cores_are_told_for_each_cpu(tmp_path: Path) -> None:
    file = tmp_path / "cmdb_ci_server.csv"
    file.write_text("sys_id,name,os,cpu_count,cpu_core_count\na1,metal,Linux,2,20\n", encoding="utf-8")
    assert rows(read(file), "SELECT cpu_cores, cpu_sockets FROM raw_servers") == [(None, 2)]


def test_words_that_no_map_knows_stay_in_lower_case() -> None:
    sql = "SELECT environment, criticality FROM raw_servers ORDER BY source_row LIMIT 3"
    assert rows(read("servicenow/cmdb_ci_server.csv"), sql) == [
        ("production", "mission_critical"),
        ("staging", "medium"),
        ("lab", "bespoke"),
    ]


def test_relations_prefer_ids_to_names() -> None:
    sql = "SELECT parent, child, type FROM raw_relations ORDER BY source_row"
    assert rows(read("servicenow/cmdb_rel_ci.csv"), sql) == [
        ("Web shop", "shop-web-01", "Depends on::Used by"),
        ("MSSQL@shop-db-01", "shop-db-01", "Runs on::Runs"),
    ]
    assert rows(read("servicenow/ids"), sql) == [
        ("b1f0c1d2e3f4a5b6c7d8e9f001020399", "a1f0c1d2e3f4a5b6c7d8e9f001020304", "Depends on::Used by")
    ]


def test_the_class_of_a_database_instance_is_its_engine() -> None:
    sql = (
        "SELECT database_id[-3:], ref, instance, lower(engine), version, edition FROM raw_databases ORDER BY source_row"
    )
    assert rows(read("servicenow/cmdb_ci_db_instance.csv"), sql) == [
        ("301", "shop-db-01", "ERP", "microsoft sql server", "13.0.5103", "Enterprise Edition"),
        ("302", "aix-ledger", "LEDG", "oracle", "12.2.0.1", "Enterprise"),
        ("303", "lab-77", "odd", "cmdb_ci_db_hana_instance", "2.0", None),
    ]


def test_business_applications_bring_owner_and_criticality() -> None:
    sql = (
        "SELECT name, application_id[-3:], owner, business_unit, criticality FROM raw_applications ORDER BY source_row"
    )
    assert rows(read("servicenow/cmdb_ci_business_app.csv"), sql) == [
        ("Web shop", "399", "Shop team", "Retail", "mission_critical"),
        ("Loyalty", "39a", "Shop team", "Retail", "medium"),
    ]
