"""Does the cost model give a hand-worked estate to the cent?

`cost_difference_cents` is the sum of the absolute differences of every line to the figures worked by hand below; the
peer works the same lines with binary fractions and rounds only when they are shown. Prices are those of us-east-1 but
for c7i.large, which is set so that its month ends on half a cent.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from include.discovery import tables
from include.discovery.catalogue.loading import load_catalogue
from include.discovery.catalogue.model import Catalogue, LicencePrice
from include.discovery.costs.estate import cost_estate
from include.discovery.costs.settings import CostSettings

ESTATE = "the estate as a whole"

SERVERS = (
    # server_id, os_family, os_product, vCPUs, cores, GiB, disks GiB, hypervisor, architecture
    ("web-1", "linux", "rhel 8", 4, None, 16, 100, "vmware", "x86_64"),
    ("win-1", "windows", "windows server 2019", 2, None, 8, 80, "vmware", "x86_64"),
    ("sql-1", "windows", "windows server 2019", 2, None, 8, 200, "vmware", "x86_64"),
    ("sql-2", "windows", "windows server 2022", 16, None, 128, 1000, "vmware", "x86_64"),
    ("ora-1", "linux", "rhel 8", 8, None, 64, 500, "vmware", "x86_64"),
    ("ora-2", "linux", "rhel 8", 16, None, 32, 300, "vmware", "x86_64"),
    ("aix-1", "aix", "aix 7.2", 32, 8, 64, 400, "physical", "power"),
)
SIZES = (
    # server_id, lift, right, by nameplate, volume, GiB, IOPS, MiB/s, vCPUs needed
    ("web-1", "m7i.xlarge", "c7i.large", False, "gp3", 100, 3000, 125, 1.4),
    ("win-1", "m7i.large", "m7i.large", True, "gp3", 80, 3000, 125, 2.0),
    ("sql-1", "m7i.large", "m7i.large", False, "gp3", 200, 5000, 250, 1.2),
    ("sql-2", "r7i.4xlarge", "r7i.2xlarge", False, "io2", 1000, 40000, 500, 3.2),
    ("ora-1", "r7i.2xlarge", "r7i.2xlarge", False, "gp3", 500, 3000, 125, 2.5),
    ("ora-2", "r7i.4xlarge", "m7i.xlarge", False, "gp3", 300, 3000, 125, 3.5),
    ("aix-1", None, None, True, "gp3", 400, 3000, 125, None),
)
DATABASES = (
    ("sql-1", "sqlserver", "standard"),
    ("sql-2", "sqlserver", "enterprise"),
    ("ora-1", "oracle", "enterprise"),
    ("ora-2", "oracle", "standard"),
)
SHARES = (("//filer/home", "smb", 1000), ("/export/data", "nfs", 500))
TYPES = (("c7i.large", 0.0505), ("m7i.large", 0.1008), ("m7i.xlarge", 0.2016))
TYPES += (("r7i.2xlarge", 0.5292), ("r7i.4xlarge", 1.0584))

# Everything below is worked by hand; a month has 730 hours. On premises 4 vCPUs share a core:
#   server 5 / 4 = 1.25, space 1.50 / 4 = 0.375, power 7 W x 730 h x 1.58 x 0.12 USD/kWh = 0.968856 a core, 0.242214 a
#   vCPU, virtualisation 135 / 12 / 4 = 2.8125, Windows 15.90 / 4 = 3.975; staff 130,000 / 12 / 100 = 108.333333.
HAND: dict[str, dict[tuple[str, str], str]] = {
    "on_premises": {
        ("web-1", "server"): "5.00",  # 4 x 1.25
        ("web-1", "memory"): "1.60",  # 16 x 0.10
        ("web-1", "storage"): "6.00",  # 100 x 0.06
        ("win-1", "server"): "2.50",
        ("win-1", "memory"): "0.80",
        ("win-1", "storage"): "4.80",
        ("win-1", "windows"): "7.95",  # 2 x 3.975
        ("sql-1", "server"): "2.50",
        ("sql-1", "memory"): "0.80",
        ("sql-1", "storage"): "12.00",
        ("sql-1", "windows"): "7.95",
        ("sql-1", "sql_server"): "236.32",  # 2 vCPUs, so 4 cores x 59.08
        ("sql-2", "server"): "20.00",
        ("sql-2", "memory"): "12.80",
        ("sql-2", "storage"): "60.00",
        ("sql-2", "windows"): "63.60",  # 16 x 3.975
        ("sql-2", "sql_server"): "3622.72",  # 16 x 226.42
        ("ora-1", "server"): "10.00",
        ("ora-1", "memory"): "6.40",
        ("ora-1", "storage"): "30.00",
        ("ora-1", "oracle"): "1741.67",  # 8 cores x 0.5 = 4 processors x 5,225 / 12 = 435.416667
        ("ora-2", "server"): "20.00",
        ("ora-2", "memory"): "3.20",
        ("ora-2", "storage"): "18.00",
        ("ora-2", "oracle"): "160.42",  # 1 socket x 1,925 / 12
        ("aix-1", "server"): "40.00",  # 8 cores x 5
        ("aix-1", "memory"): "6.40",
        ("aix-1", "storage"): "24.00",
        (ESTATE, "power"): "11.63",  # 48 vCPUs x 0.242214 = 11.626272
        (ESTATE, "power_physical"): "7.75",  # 8 cores x 0.968856 = 7.750848
        (ESTATE, "space"): "18.00",
        (ESTATE, "space_physical"): "12.00",
        (ESTATE, "virtualisation"): "135.00",  # 48 x 2.8125
        (ESTATE, "backup"): "51.60",  # 2,580 GiB x 0.02
        (ESTATE, "network"): "28.00",  # 7 x 4
        (ESTATE, "staff"): "758.33",  # 7 x 108.333333
        (ESTATE, "shares"): "90.00",  # 1,500 GiB x 0.06
    },
    "lift_and_shift": {
        ("web-1", "compute"): "147.17",  # 730 x 0.2016 = 147.168
        ("web-1", "storage"): "8.00",
        ("win-1", "compute"): "73.58",  # 730 x 0.1008 = 73.584
        ("win-1", "windows"): "67.16",  # 2 x 730 x 0.046
        ("win-1", "storage"): "6.40",
        ("sql-1", "compute"): "73.58",
        ("sql-1", "windows"): "67.16",
        ("sql-1", "sql_server"): "350.40",  # 4 x 730 x 0.12
        ("sql-1", "storage"): "16.00",
        ("sql-2", "compute"): "772.63",  # 730 x 1.0584 = 772.632
        ("sql-2", "windows"): "537.28",  # 16 x 730 x 0.046
        ("sql-2", "sql_server"): "4380.00",  # 16 x 730 x 0.375
        ("sql-2", "storage"): "80.00",
        ("ora-1", "compute"): "386.32",  # 730 x 0.5292 = 386.316
        ("ora-1", "oracle"): "1741.67",  # 8 vCPUs with hyper-threads: 4 processors
        ("ora-1", "storage"): "40.00",
        ("ora-2", "compute"): "772.63",
        ("ora-2", "oracle"): "0.00",  # blocked: Standard Edition 2 on 16 vCPUs
        ("ora-2", "storage"): "24.00",
        (ESTATE, "snapshots"): "65.40",  # 2,180 GiB x 0.6 x 0.05
        (ESTATE, "data_transfer"): "10.80",  # 6 x 20 x 0.09
        (ESTATE, "support"): "825.85",  # 10 % of 8,258.51 = 825.851
    },
    "right_sized": {
        ("web-1", "compute"): "36.86",  # 730 x 0.0505 = 36.865: half a cent goes to the even one
        ("web-1", "storage"): "8.00",
        ("win-1", "compute"): "73.58",
        ("win-1", "windows"): "67.16",
        ("win-1", "storage"): "6.40",
        ("sql-1", "compute"): "73.58",
        ("sql-1", "windows"): "67.16",
        ("sql-1", "sql_server"): "350.40",
        ("sql-1", "storage"): "16.00",
        ("sql-1", "storage_iops"): "10.00",  # 2,000 above 3,000 x 0.005
        ("sql-1", "storage_throughput"): "5.00",  # 125 above 125 x 0.04
        ("sql-2", "compute"): "386.32",
        ("sql-2", "windows"): "268.64",  # 8 x 730 x 0.046
        ("sql-2", "sql_server"): "2190.00",  # 8 x 730 x 0.375
        ("sql-2", "storage"): "125.00",  # io2: 1,000 x 0.125
        ("sql-2", "storage_iops"): "2080.00",  # 32,000 x 0.065
        ("sql-2", "storage_iops_tier_2"): "364.00",  # 8,000 x 0.0455
        ("ora-1", "compute"): "386.32",
        ("ora-1", "oracle"): "1741.67",
        ("ora-1", "storage"): "40.00",
        ("ora-2", "compute"): "147.17",
        ("ora-2", "oracle"): "160.42",  # 4 vCPUs = 1 socket
        ("ora-2", "storage"): "24.00",
        (ESTATE, "snapshots"): "65.40",
        (ESTATE, "data_transfer"): "10.80",
        (ESTATE, "support"): "718.18",  # 10 % of 7,181.79 = 718.179
    },
    "right_sized_optimize_cpus": {
        ("sql-2", "windows_saving"): "-134.32",  # 8 - 4 vCPUs x 730 x 0.046
        ("sql-2", "sql_server_saving"): "-1095.00",  # 4 x 730 x 0.375
        ("ora-1", "oracle_saving"): "-870.83",  # 4 - 2 processors x 435.416667 = 870.833334
    },
}
_IN_AWS = {
    ("aix-1", "server"): "40.00",  # retained: what it costs today
    ("aix-1", "memory"): "6.40",
    ("aix-1", "storage"): "24.00",
    (ESTATE, "power_physical"): "7.75",
    (ESTATE, "space_physical"): "12.00",
    (ESTATE, "backup"): "8.00",  # its 400 GiB x 0.02
    (ESTATE, "network"): "4.00",
    (ESTATE, "staff"): "108.33",
    (ESTATE, "staff_aws"): "455.00",  # 6 x 108.333333 x 0.7 = 454.999998
    (ESTATE, "shares_smb"): "230.00",  # 1,000 x 0.23
    (ESTATE, "shares_nfs"): "150.00",  # 500 x 0.30
}
HAND["lift_and_shift"] |= _IN_AWS
HAND["right_sized"] |= _IN_AWS
TOTALS = {
    "on_premises": "7239.74",
    "lift_and_shift": "11491.51",
    "right_sized": "10467.54",
    "right_sized_optimize_cpus": "-2100.15",
}

Lines = dict[str, dict[tuple[str, str], Decimal]]


def run() -> Iterator[dict[str, object]]:
    """Cost the estate both ways and yield the differences of all lines and totals."""
    exact, binary = example_lines()
    yield {
        "name": "cost_difference_cents",
        "ours": _difference(exact, exact),
        "peer": _difference({key: _shown(lines) for key, lines in binary.items()}, binary),
        "ratio": None,
        "unit": "cents",
        "note": (
            f"{sum(map(len, HAND.values()))} lines and {len(TOTALS)} totals worked by hand; "
            "peer: binary fractions, totals of unrounded lines, rounded when shown"
        ),
    }


def example_lines() -> tuple[Lines, Lines]:
    """Return the lines of the example, as the model gives them and as quantity times price in binary fractions."""
    import duckdb

    connection = duckdb.connect()
    fill_example(connection)
    cost_estate(connection, settings=CostSettings(), catalogue=example_catalogue())
    exact: Lines = {}
    binary: Lines = {}
    rows = connection.execute("SELECT scenario, server_id, item, monthly_usd, quantity * unit_usd FROM cost_lines")
    for scenario, server, item, money, fraction in rows.fetchall():
        exact.setdefault(scenario, {})[server or ESTATE, item] = money
        binary.setdefault(scenario, {})[server or ESTATE, item] = Decimal(fraction)
    connection.close()
    return exact, binary


def _shown(lines: dict[tuple[str, str], Decimal]) -> dict[tuple[str, str], Decimal]:
    return {key: Decimal(str(round(float(amount), 2))) for key, amount in lines.items()}


def _difference(shown: Lines, summed: Lines) -> float:
    """Return cents, over lines and totals; a line that one side lacks counts in full."""
    total = Decimal(0)
    for scenario, expected in TOTALS.items():
        hand, found = HAND[scenario], shown.get(scenario, {})
        for key in hand.keys() | found.keys():
            total += abs(Decimal(hand.get(key, "0")) - found.get(key, Decimal(0)))
        whole = round(float(sum(summed.get(scenario, {}).values())), 2)
        total += abs(Decimal(expected) - Decimal(str(whole)))
    return float(total * 100)


def example_catalogue() -> Catalogue:
    """Return a catalogue of five types, all prices written out, the rest as shipped."""
    shipped = load_catalogue()
    adders = {"windows": 0.046, "sql_web": 0.0169, "sql_standard": 0.12, "sql_enterprise": 0.375}
    gp3 = replace(shipped.volumes["gp3"], usd_per_gib_month=0.08, usd_per_iops_month=((3000, 0.005),))
    io2 = replace(shipped.volumes["io2"], usd_per_gib_month=0.125)
    io2 = replace(io2, usd_per_iops_month=((0, 0.065), (32000, 0.0455), (64000, 0.03185)), usd_per_mb_s_month=0.0)
    return replace(
        shipped,
        types=tuple(replace(shipped.type(name), hourly_usd=price) for name, price in TYPES),
        licences={
            name: LicencePrice(name=name, usd_per_vcpu_hour=price, source="written out", as_of="2026-07-20")
            for name, price in adders.items()
        },
        volumes={"gp3": replace(gp3, usd_per_mb_s_month=0.04), "io2": io2},
    )


def fill_example(connection: Any) -> None:
    """Create the tables that the cost step reads, with the estate in them."""
    tables.create(connection, "servers", "sizing", "sizing_options", "databases", "shares", "strategies", "raw_hosts")
    for server, family, product, vcpus, cores, memory, disks, hypervisor, architecture in SERVERS:
        connection.execute(
            "INSERT INTO servers BY NAME SELECT ? AS server_id, ? AS os_family, ? AS os_product, ? AS cpu_cores, "
            "? AS cpu_physical_cores, ? AS memory_mib, ? AS storage_gib, ? AS hypervisor, ? AS architecture, "
            "true AS in_scope, []::VARCHAR[] AS marks, [1] AS source_ids",
            [server, family, product, vcpus, cores, memory * 1024, disks, hypervisor, architecture],
        )
    for server, lift, right, is_fallback, kind, gib, iops, mb_s, needed in SIZES:
        connection.execute(
            "INSERT INTO sizing BY NAME SELECT ? AS server_id, 'p99' AS basis, ? AS lift_instance_type, "
            "? AS instance_type, ? AS is_fallback, ? AS volume_type, ? AS volume_gib, ? AS volume_iops, "
            "? AS volume_mb_s, 'as written' AS reason",
            [server, lift, right, is_fallback, kind, gib, iops, mb_s],
        )
        connection.execute(
            "INSERT INTO sizing_options BY NAME SELECT ? AS server_id, 'p99' AS basis, ? AS needed_vcpu",
            [server, needed],
        )
    for number, (server, engine, edition) in enumerate(DATABASES, start=1):
        connection.execute(
            "INSERT INTO databases BY NAME SELECT ? AS database_id, ? AS server_id, 1 AS source_id, ? AS source_row, "
            "? AS engine_family, ? AS engine_edition",
            [f"database-{number}", server, number, engine, edition],
        )
    for number, (share, protocol, used) in enumerate(SHARES, start=1):
        connection.execute(
            "INSERT INTO shares BY NAME SELECT 1 AS source_id, ? AS source_row, ? AS share, ? AS protocol, "
            "? AS used_gib, []::VARCHAR[] AS server_ids",
            [number, share, protocol, used],
        )
    connection.execute(
        "INSERT INTO strategies VALUES ('aix-1', 'retain', 1.0, 'no type in AWS runs AIX', false)",
    )
