"""The format files keep to their schema, and the page about them is current."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.discovery.sources.describe import FORMATS, describe_formats
from include.discovery.sources.formats import load_formats
from include.discovery.sources.matching import best_match
from include.discovery.tables import RAW

FILES = sorted(FORMATS.glob("*.yaml"))
PAGE = Path(__file__).parents[3] / "docs" / "discovery" / "sources.md"
WORDS = {
    "power_state": {"on", "off", "suspended"},
    "status": {"live", "retired", "absent", "stolen", "on order", "pending install", "in stock"},
    "environment": {"production", "staging", "test", "development", "disaster_recovery"},
    "criticality": {"low", "medium", "high", "mission_critical"},
    "protocol": {"tcp", "udp", "nfs", "smb"},
    "hypervisor": {"vmware", "hyper-v", "kvm", "xen", "aws", "gcp", "physical"},
}


def load(file: Path) -> dict[str, Any]:
    """Return a format file as plain data."""
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def headers_of(column: dict[str, Any]) -> list[str]:
    """Return all headers that may fill a column."""
    rest = headers_of(column["else"]) if "else" in column else []
    return [*column.get("headers", ()), *column.get("add", ()), *rest]


def plain(header: str) -> str:
    """Return a header as comparisons see it."""
    return re.sub(r"[\s_]", "", header).lower()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_format_says_who_it_is_and_where_its_headers_stand(file: Path) -> None:
    one = load(file)
    assert one["format"] == file.stem
    assert one["tool"]
    assert one["label"]
    assert re.search(r"\b20\d\d\b", one["source"]), "a source has the year in which it was true"
    assert one["fills"] in RAW


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_format_names_only_columns_that_exist(file: Path) -> None:
    one = load(file)
    known = set(RAW[one["fills"]])
    serving = {*one.get("ref", ()), *one["requires"]}
    assert set(one["columns"]) - known <= serving, "a column that no table has serves the ref or the recognition"
    assert set(one["requires"]) <= set(one["columns"])
    assert set(one.get("ref", ())) <= set(one["columns"])
    assert set(one.get("marks", {})) <= known
    assert one["requires"], "a format that requires nothing takes every file"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_a_format_refuses_it_does_not_read(file: Path) -> None:
    one = load(file)
    read = {plain(header) for column in one["columns"].values() for header in headers_of(column)}
    assert not read & {plain(header) for header in one.get("refuses", ())}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_choices_lead_to_words_of_the_tables(file: Path) -> None:
    form = load(file)
    for name, column in form["columns"].items():
        words = WORDS.get(f"{form['fills']}.{name}", WORDS.get(name))
        for one in (column, column.get("else", {})):
            if one.get("as") == "choice" and words:
                assert set(one["choices"].values()) <= words, name
                assert all(isinstance(word, str) for pair in one["choices"].items() for word in pair), name


def test_the_reader_accepts_every_shipped_format() -> None:
    assert [one.name for one in load_formats()] == [file.stem for file in FILES]


@pytest.mark.parametrize(
    ("tab", "headers"),
    [
        (
            "vsnapshot",
            "VM,Powerstate,Name,Description,Date / time,Filename,Size MiB (vmsn),Size MiB (total),VM ID,VM UUID",
        ),
        (
            "vtools",
            "VM,Powerstate,Template,VM Version,Tools,Tools Version,Upgradeable,Sync time,App status,VM ID,VM UUID",
        ),
        ("vcd", "VM,Powerstate,Template,Device Node,Connected,Starts Connected,Device Type,VM ID,VM UUID"),
        ("vhealth", "Name,Message,Message type,VI SDK Server,VI SDK UUID"),
        (
            "vsource",
            "Name,OS type,API type,API version,Version,Patch level,Build,Fullname,Product name,Vendor,VI SDK UUID",
        ),
        ("vmetadata", "RVTools major version,RVTools version,xlsx creation datetime,Server"),
        ("vcluster", "Name,Config status,OverallStatus,NumHosts,numEffectiveHosts,TotalCpu,NumCpuCores,NumCpuThreads"),
        ("vnic", "Host,Datacenter,Cluster,Network Device,Driver,Speed,Duplex,MAC,Switch,Uplink port,PCI,WakeOn"),
        ("vsc_vmk", "Host,Datacenter,Cluster,Port Group,Device,Mac Address,DHCP,IP Address,IP 6 Address,Subnet mask"),
        ("vswitch", "Host,Datacenter,Cluster,Switch,# Ports,Free Ports,Promiscuous Mode,Mac Changes,Policy,MTU"),
        ("vdatastore", "Name,Config status,Address,Accessible,Type,# VMs total,# VMs,Capacity MiB,Free MiB,Free %"),
        (
            "vrp",
            "Resource Pool name,Resource Pool path,Status,# VMs total,# VMs,# vCPUs,CPU limit,Mem limit,VI SDK UUID",
        ),
    ],
)
def test_a_tab_of_rvtools_without_facts_is_taken_for_no_format(tab: str, headers: str) -> None:
    best, _ = best_match(load_formats(), [headers.split(",")], name=tab)
    assert best is None


def test_no_two_formats_have_the_same_label() -> None:
    labels = Counter(load(file)["label"] for file in FILES)
    assert [label for label, count in labels.items() if count > 1] == []


def test_the_page_about_sources_is_current() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == describe_formats(), "docs/discovery/sources.md is old: write it again with describe.write_page"
