"""The instance type, volume and reason of every server, on hand-worked cases and against a naive choice."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from include.discovery import tables
from include.discovery.catalogue.loading import load_catalogue
from include.discovery.catalogue.model import Catalogue, InstanceType
from include.discovery.sizing.choosing import size_servers
from include.discovery.sizing.settings import Headroom, SizingSettings

RATES = (
    "disk_read_iops",
    "disk_write_iops",
    "disk_read_mb_s",
    "disk_write_mb_s",
    "network_in_mb_s",
    "network_out_mb_s",
)
GIB = 1024


def kind(name: str, vcpu: int, gib: float, usd: float, **changes: Any) -> InstanceType:
    family = name.partition(".")[0]
    facts = {
        "name": name,
        "vcpu": vcpu,
        "memory_mib": int(gib * GIB),
        "architecture": "x86_64",
        "family": family,
        "generation": int("".join(c for c in family.partition("-")[0] if c.isdigit())),
        "hourly_usd": usd,
        "network_gbit_baseline": vcpu * 0.5,
        "network_gbit_peak": 12.5,
        "ebs_mb_s_baseline": vcpu * 40.0,
        "ebs_mb_s_max": 1250.0,
        "ebs_iops_baseline": vcpu * 2000,
        "ebs_iops_max": 40000,
        "is_burstable": family.startswith("t"),
        "is_metal": ".metal" in name,
        "is_accelerated": False,
        "physical_cores": max(vcpu // 2, 1),
        "valid_cores": (),
        "valid_threads": (1, 2),
        "cpu_baseline_share": 0.3 if family.startswith("t") else 1.0,
    }
    return InstanceType(**{**facts, **changes})


TYPES = (
    kind("t3.large", 2, 8, 0.08),
    kind("c7i.large", 2, 4, 0.09),
    kind("m7i.large", 2, 8, 0.10),
    kind("m7g.large", 2, 8, 0.05, architecture="arm64"),
    kind("m5.large", 2, 8, 0.04),
    kind("r7i.large", 2, 16, 0.13),
    kind("c7i.xlarge", 4, 8, 0.18),
    kind("m7i.xlarge", 4, 16, 0.20),
    kind("r7i.xlarge", 4, 32, 0.26),
    kind("c7i.2xlarge", 8, 16, 0.36),
    kind("m7i.2xlarge", 8, 32, 0.40),
    kind("m7i.metal-24xl", 96, 384, 0.01),
    kind("g6.xlarge", 4, 16, 0.02, is_accelerated=True),
)


def catalogue(types: tuple[InstanceType, ...] = TYPES) -> Catalogue:
    shipped = load_catalogue()
    ordered = tuple(sorted(types, key=lambda one: (one.hourly_usd, one.name)))
    return Catalogue(
        region="us-east-1",
        price_date="2026-01-01",
        source="test",
        types=ordered,
        licences=shipped.licences,
        volumes=shipped.volumes,
    )


def estate(*servers: dict[str, Any]) -> Any:
    """Make a connection with servers; `use` gives (days, coverage, {metric: statistics}) of the samples."""
    connection = duckdb.connect()
    tables.create(connection, "servers", "disks", "databases", "utilisation_summary")
    for told in servers:
        server = {"os_family": "linux", "in_scope": True, "marks": [], "source_ids": [1], "environment": "production"}
        server |= {"server_id": "s1", "cpu_cores": 8, "memory_mib": 32 * GIB, "storage_gib": 100.0} | told
        use, databases = server.pop("use", None), server.pop("databases", [])
        insert(connection, "servers", server)
        for database in databases:
            row = {"database_id": database, "server_id": server["server_id"], "engine_family": "oracle"}
            insert(connection, "databases", {**row, "engine_version": "19c", "engine_edition": "enterprise",
                                             "source_id": 1, "source_row": 2})  # fmt: skip
        for metric, statistics in (use or (0, 0, {}))[2].items():
            row = {"server_id": server["server_id"], "metric": metric, "days": use[0], "coverage": use[1], "samples": 9}
            insert(connection, "utilisation_summary", row | statistics)
    return connection


def insert(connection: Any, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    connection.execute(
        f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values())
    ).fetchall()


def flat(**values: float) -> dict[str, float]:
    return {"avg": 1.0, "p50": 1.0, "p90": 1.0, "p95": 1.0, "p99": 1.0, "max": 1.0} | values


def use(days: float = 30.0, coverage: float = 1.0, **metrics: dict[str, float]) -> tuple[float, float, Any]:
    return days, coverage, metrics


BUSY = use(
    cpu_percent=flat(avg=10.0, p50=10.0, p90=20.0, p95=25.0, p99=30.0, max=60.0),
    memory_percent=flat(avg=30.0, p50=30.0, p90=31.0, p95=32.0, p99=40.0, max=45.0),
)


def sized(*servers: dict[str, Any], types: tuple[InstanceType, ...] = TYPES, **changes: Any) -> dict[str, Any]:
    connection = estate(*servers)
    size_servers(connection, settings=SizingSettings(**changes), catalogue=catalogue(types))
    rows = connection.execute("SELECT * FROM sizing").fetchall()
    return {row[0]: dict(zip(tables.columns("sizing"), row, strict=True)) for row in rows}


def options(*servers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    connection = estate(*servers)
    size_servers(connection, settings=SizingSettings(**changes), catalogue=catalogue())
    rows = connection.execute("SELECT * FROM sizing_options").fetchall()
    return {row[1]: dict(zip(tables.columns("sizing_options"), row, strict=True)) for row in rows}


def test_production_is_sized_by_p99_and_names_what_binds_and_the_runner_up() -> None:
    # 30 % x 8 x 1.3 = 3.12 vCPU; max(40 % x 1.3, 40 %) x 32 GiB = 16.64 GiB: m7i.xlarge is 0.64 GiB short
    found = sized({"use": BUSY})["s1"]
    assert (found["basis"], found["is_fallback"]) == ("p99", False)
    assert (found["instance_type"], found["binding"]) == ("r7i.xlarge", "memory")
    assert (found["runner_up"], found["runner_up_hourly_usd"]) == ("m7i.2xlarge", 0.40)
    assert found["reason"] == (
        "p99 x 1.3 over 30.0 days, coverage 100 % (production): needs 3.12 vCPU and 16.6 GiB, so r7i.xlarge "
        "(4 vCPU, 32 GiB, $0.2600/h); binding: memory 16.6 GiB; runner-up m7i.2xlarge +$0.1400/h"
    )
    assert (found["lift_instance_type"], found["lift_hourly_usd"]) == ("m7i.2xlarge", 0.40)


def test_non_production_is_sized_by_p95_with_memory_never_below_p99() -> None:
    # 25 % x 8 x 1.2 = 2.4 vCPU; max(32 % x 1.2, 40 %) = 40 % of 32 GiB = 12.8 GiB
    found = sized({"use": BUSY, "environment": "test"})["s1"]
    assert (found["basis"], found["instance_type"]) == ("p95", "m7i.xlarge")
    assert "needs 2.40 vCPU and 12.8 GiB" in found["reason"]


def test_a_database_host_is_sized_as_production_in_any_environment() -> None:
    found = sized({"use": BUSY, "environment": "test", "databases": ["d1"]})["s1"]
    assert (found["basis"], "(database host)" in found["reason"]) == ("p99", True)


def test_an_unknown_environment_is_sized_as_production_and_says_so() -> None:
    server = {"use": BUSY, "environment": None}
    assert "environment unknown, sized as production" in sized(server)["s1"]["reason"]
    assert sized(server, unknown_environment_is_production=False)["s1"]["basis"] == "p95"


def test_all_bases_stand_side_by_side_with_their_risk() -> None:
    found = options({"use": BUSY})
    assert list(found) == ["nameplate", "avg", "p95", "p99", "max"]
    assert {name: row["instance_type"] for name, row in found.items()} == {
        "nameplate": "m7i.2xlarge", "avg": "r7i.large", "p95": "m7i.xlarge", "p99": "r7i.xlarge", "max": "m7i.2xlarge"
    }  # fmt: skip
    assert found["avg"]["breach_share"] == pytest.approx(0.05)  # 2 vCPU are 25 % of 8, the 95th percentile
    assert found["max"]["breach_share"] == 0.0


@pytest.mark.parametrize(
    ("days", "coverage", "basis"),
    [(14.0, 0.6, "p99"), (13.99, 1.0, "nameplate"), (30.0, 0.599, "nameplate"), (14.0, 1.0, "p99")],
)
def test_the_nameplate_is_taken_below_14_days_or_60_percent_only(days: float, coverage: float, basis: str) -> None:
    found = sized({"use": (days, coverage, BUSY[2])})["s1"]
    assert (found["basis"], found["is_fallback"]) == (basis, basis == "nameplate")
    assert found["reason"].startswith("nameplate, because samples" if basis == "nameplate" else "p99 x 1.3")


def test_without_samples_the_nameplate_is_taken_and_said_so() -> None:
    found = sized({})["s1"]
    assert (found["basis"], found["is_fallback"], found["instance_type"]) == ("nameplate", True, "m7i.2xlarge")
    assert found["reason"].startswith("nameplate, because no CPU samples are known: needs 8.00 vCPU and 32.0 GiB")
    assert found["days"] is None


def test_stated_figures_are_a_basis_beside_and_chosen_only_when_asked() -> None:
    server = {"cpu_percent_avg": 10.0, "cpu_percent_max": 20.0, "memory_percent_max": 30.0}
    assert set(options(server)) == {"nameplate", "avg", "max"}
    assert sized(server)["s1"]["basis"] == "nameplate"
    found = sized(server, use_stated_figures=True)["s1"]
    assert (found["basis"], found["instance_type"]) == ("max", "m7i.xlarge")  # 2.08 vCPU, 12.5 GiB
    assert "as the source states it, period unknown" in found["reason"]


def test_memory_that_was_not_sampled_stays_as_configured() -> None:
    found = sized({"use": (30.0, 1.0, {"cpu_percent": BUSY[2]["cpu_percent"]})})["s1"]
    assert found["instance_type"] == "r7i.xlarge"
    assert found["reason"].endswith("; memory as configured, not sampled enough")


def test_no_server_needs_more_than_it_has_unless_the_cap_is_lifted() -> None:
    full = use(cpu_percent=flat(p99=100.0), memory_percent=flat(p99=90.0))
    server = {"cpu_cores": 2, "memory_mib": 8 * GIB, "use": full}
    assert sized(server)["s1"]["instance_type"] == "m7i.large"
    assert sized(server, cap_at_nameplate=False)["s1"]["instance_type"] == "m7i.xlarge"


def test_a_slower_source_processor_lowers_the_need() -> None:
    assert sized({"cpu_cores": 8, "memory_mib": GIB}, cpu_speed_factor=0.5)["s1"]["instance_type"] == "c7i.xlarge"


@pytest.mark.parametrize(
    ("metric", "value", "binding", "text"),
    [
        ("network_out_mb_s", 150.0, "network", "network 1.56 Gbit/s"),  # 150 x 1.3 x 8 / 1000; 2 vCPU offer 1 Gbit/s
        ("disk_write_mb_s", 100.0, "disk", "disk 130 MB/s"),  # 2 vCPU offer 80 MB/s
        ("disk_read_iops", 5000.0, "disk", "disk 6500 IOPS"),  # 2 vCPU offer 4000
    ],
)
def test_network_and_disk_can_bind(metric: str, value: float, binding: str, text: str) -> None:
    metrics = {**dict.fromkeys(("cpu_percent", "memory_percent"), flat()), metric: flat(p99=value)}
    found = sized({"use": use(**metrics)})["s1"]
    assert (found["binding"], found["instance_type"]) == (binding, "c7i.xlarge")
    assert f"binding: {text}" in found["reason"]


def test_burstable_types_go_to_non_production_with_a_low_average_only() -> None:
    quiet = use(cpu_percent=flat(avg=5.0, p95=20.0), memory_percent=flat(p95=15.0, p99=15.0))
    test = {"environment": "test", "use": quiet}  # 0.4 vCPU on average; t3.large sustains 0.6
    assert sized(test)["s1"]["instance_type"] == "t3.large"
    assert sized(test, burstable="never")["s1"]["instance_type"] == "m7i.large"
    assert sized({"use": quiet})["s1"]["instance_type"] == "m7i.large"
    steady = use(cpu_percent=flat(avg=10.0, p95=20.0), memory_percent=flat(p95=15.0, p99=15.0))
    assert sized({"environment": "test", "use": steady})["s1"]["instance_type"] == "m7i.large"


@pytest.mark.parametrize(
    ("architecture", "family", "changes", "expected"),
    [
        ("x86_64", "linux", {}, "m7i.large"),
        ("x86_64", "linux", {"allow_arm64": True}, "m7g.large"),
        ("x86_64", "windows", {"allow_arm64": True}, "m7i.large"),
        ("arm64", "linux", {}, "m7g.large"),
        ("power", "linux", {}, None),
        (None, "aix", {}, None),
        (None, "zos", {}, None),
    ],
)
def test_the_architecture_decides_what_may_be_chosen(
    architecture: str | None, family: str, changes: dict[str, Any], expected: str | None
) -> None:
    server = {"architecture": architecture, "os_family": family, "cpu_cores": 2, "memory_mib": 8 * GIB}
    found = sized(server, **changes)["s1"]
    assert found["instance_type"] == expected
    if expected is None:
        assert found["binding"] == "architecture"
        assert "EC2 has no type of architecture" in found["reason"]


def test_windows_is_cheapest_with_its_licence_by_vcpu() -> None:
    types = (kind("c7i.xlarge", 4, 8, 0.18), kind("r7i.large", 2, 16, 0.19))
    server = {"cpu_cores": 2, "memory_mib": 8 * GIB}
    assert sized(server, types=types)["s1"]["instance_type"] == "c7i.xlarge"
    found = sized(server | {"os_family": "windows"}, types=types)["s1"]
    assert found["instance_type"] == "r7i.large"  # 0.19 + 2 x 0.046 against 0.18 + 4 x 0.046
    assert found["reason"].endswith("runner-up c7i.xlarge +$0.0820/h with Windows")


def test_a_server_that_nothing_fits_keeps_its_row_with_the_reason() -> None:
    found = sized({"memory_mib": 9000 * GIB})["s1"]
    assert (found["instance_type"], found["binding"]) == (None, "memory")
    assert "which no allowed type offers; binding: memory 9000.0 GiB" in found["reason"]


@pytest.mark.parametrize(("field", "text"), [("cpu_cores", "no CPU count"), ("memory_mib", "no memory size")])
def test_a_server_without_its_size_is_not_guessed(field: str, text: str) -> None:
    found = sized({field: None})["s1"]
    assert found["instance_type"] is None
    assert f"not sized, because the sources give {text}" in found["reason"]


def test_servers_out_of_scope_are_skipped_and_powered_off_ones_are_not() -> None:
    found = sized({"server_id": "gone", "in_scope": False}, {"server_id": "off", "power_state": "off"})
    assert list(found) == ["off"]


@pytest.mark.parametrize(
    ("storage", "iops", "mb_s", "expected"),
    [
        (100.0, 1.0, 1.0, ("gp3", 100, 3000, 125)),
        (100.2, 10_000.0, 1.0, ("gp3", 101, 13_000, 125)),
        (100.0, 1.0, 1000.0, ("gp3", 100, 5_200, 1_300)),  # 0.25 MB/s per IOPS
        (10.0, 10_000.0, 1.0, ("gp3", 26, 13_000, 125)),  # 500 IOPS per GiB
        (500.0, 70_000.0, 1.0, ("io2", 500, 91_000, 2)),
        (None, 1.0, 1.0, (None, None, None, None)),
    ],
)
def test_volumes_follow_size_operations_and_throughput(
    storage: float | None, iops: float, mb_s: float, expected: tuple[Any, ...]
) -> None:
    metrics = {"cpu_percent": flat(), "disk_read_iops": flat(p99=iops), "disk_read_mb_s": flat(p99=mb_s)}
    huge = (kind("m7i.48xlarge", 192, 768, 9.0, ebs_iops_baseline=240_000, ebs_mb_s_baseline=5000.0),)
    found = sized({"storage_gib": storage, "use": use(**metrics)}, types=huge)["s1"]
    assert tuple(found[f"volume_{name}"] for name in ("type", "gib", "iops", "mb_s")) == expected


def test_storage_over_64_tib_is_told_to_take_several_volumes() -> None:
    assert sized({"storage_gib": 70_000.0})["s1"]["reason"].endswith("; storage takes at least 2 volumes")


def test_the_settings_open_and_close_families() -> None:
    server = {"cpu_cores": 2, "memory_mib": 8 * GIB}
    assert sized(server, minimum_generation={"m": 5})["s1"]["instance_type"] == "m5.large"
    assert sized(server, excluded_families=("m7i",))["s1"]["instance_type"] == "r7i.large"
    assert sized(server, allow_metal=True)["s1"]["instance_type"] == "m7i.metal-24xl"
    assert sized(server, headroom=Headroom(p99=2.0))["s1"]["instance_type"] == "m7i.large"


def test_the_same_input_gives_the_same_rows_in_the_same_order() -> None:
    servers = [{"server_id": f"s{i}", "cpu_cores": i % 9 + 1, "use": BUSY} for i in range(30)]
    assert list(sized(*servers).values()) == list(sized(*reversed(servers)).values())


needs = st.fixed_dictionaries(
    {
        "cpu_cores": st.integers(1, 10),
        "memory_mib": st.integers(1, 40).map(lambda gib: gib * GIB),
        "os_family": st.sampled_from(["linux", "windows"]),
        "environment": st.sampled_from(["production", "test"]),
        "rates": st.fixed_dictionaries({name: st.sampled_from([0.0, 20.0, 70.0, 150.0, 900.0]) for name in RATES}),
        "cpu": st.integers(1, 100),
    }
)


@hypothesis_settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(needs, min_size=1, max_size=6))
def test_the_choice_satisfies_every_need_and_no_allowed_type_that_does_is_cheaper(told: list[dict[str, Any]]) -> None:
    servers = []
    for place, one in enumerate(told):
        metrics = {name: flat(avg=0.0, p95=value, p99=value) for name, value in one["rates"].items()}
        cpu = flat(avg=one["cpu"] / 2, p95=one["cpu"], p99=one["cpu"], max=one["cpu"])
        rest = {name: value for name, value in one.items() if name not in ("rates", "cpu")}
        servers.append({**rest, "server_id": f"s{place}", "use": use(cpu_percent=cpu, **metrics)})
    found = sized(*servers)
    for place, one in enumerate(told):
        chosen, runner_up = naive_choice(one)
        row = found[f"s{place}"]
        assert (row["instance_type"], row["runner_up"]) == (chosen, runner_up)


def naive_choice(one: dict[str, Any]) -> tuple[str | None, str | None]:
    """Try every type in the order of its price: plain Python, no tables."""
    production = one["environment"] == "production"
    headroom, rates = (1.3 if production else 1.2), one["rates"]
    usd = 0.046 if one["os_family"] == "windows" else 0.0
    fitting = [
        type_
        for type_ in sorted(TYPES, key=lambda each: (each.hourly_usd + usd * each.vcpu, each.name))
        if type_.architecture == "x86_64"
        and type_.name not in ("m5.large", "m7i.metal-24xl", "g6.xlarge")
        and not (production and type_.is_burstable)
        and type_.vcpu >= min(one["cpu"] / 100 * headroom, 1) * one["cpu_cores"] - 1e-9
        and type_.vcpu * type_.cpu_baseline_share >= one["cpu"] / 200 * one["cpu_cores"] - 1e-9
        and type_.memory_mib >= one["memory_mib"]
        and type_.network_gbit_baseline
        >= max(rates["network_in_mb_s"], rates["network_out_mb_s"]) * headroom * 0.008 - 1e-9
        and type_.ebs_mb_s_baseline >= (rates["disk_read_mb_s"] + rates["disk_write_mb_s"]) * headroom - 1e-9
        and type_.ebs_iops_baseline >= (rates["disk_read_iops"] + rates["disk_write_iops"]) * headroom - 1e-9
    ]
    if not fitting:
        return None, None
    return fitting[0].name, next((each.name for each in fitting if each.family != fitting[0].family), None)
