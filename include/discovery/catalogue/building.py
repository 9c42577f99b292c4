"""Build the shipped snapshot: python -m include.discovery.catalogue.building PRICES.json OUT_FOLDER --price-date DATE.

Hardware comes from moto's table of `DescribeInstanceTypes` (Apache-2.0), prices from the table that Karpenter's AWS
provider generates (Apache-2.0): {"source": text, "usd_or_cny_per_hour_linux_ondemand": {Region: {type: price}}}.
Licences and volumes are kept by hand in `data/`. Only types that have both hardware and a price are written.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

DATA: Final = Path(__file__).parent / "data"
FORMAT: Final = "landfall-ec2/1"
HARDWARE: Final = (
    "name",
    "vcpu",
    "physical_cores",
    "memory_mib",
    "architecture",
    "generation",
    "network_gbit_baseline",
    "network_gbit_peak",
    "ebs_mb_s_baseline",
    "ebs_mb_s_max",
    "ebs_iops_baseline",
    "ebs_iops_max",
    "is_burstable",
    "is_metal",
    "is_accelerated",
    "valid_cores",
    "valid_threads",
    "cpu_baseline_share",
)
"""The columns of a row of `types`, in order."""
_GENERATION: Final = re.compile(r"[a-z]+(\d+)")
_ACCELERATORS: Final = ("GpuInfo", "FpgaInfo", "InferenceAcceleratorInfo", "NeuronInfo", "MediaAcceleratorInfo")


def build(prices: Path, out: Path, *, region: str, price_date: str) -> Path:
    """Write the snapshot of one Region and return its path; the same input gives the same bytes."""
    listed = json.loads(prices.read_text(encoding="utf-8"))
    by_name = listed["usd_or_cny_per_hour_linux_ondemand"][region]
    by_hand = json.loads((DATA / f"{region}_licences_and_volumes.json").read_text(encoding="utf-8"))
    hardware = _moto_types()
    rows = [_row(name, hardware[name], by_hand["cpu_baselines"]) for name in sorted(by_name) if name in hardware]
    rows = [row for row in rows if not row[HARDWARE.index("architecture")].endswith("_mac")]
    document = {
        "format": FORMAT,
        "region": region,
        "currency": "USD",
        "price_date": price_date,
        "licence": "Apache-2.0",
        "source": f"prices: {listed['source']}; hardware: moto {version('moto')} (Apache-2.0)",
        "columns": HARDWARE,
        "types": rows,
        "prices": {row[0]: by_name[row[0]] for row in rows},
        "licences": by_hand["licences"],
        "volumes": by_hand["volumes"],
        "cpu_baselines": {key: by_hand["cpu_baselines"][key] for key in ("source", "as_of")},
    }
    path = out / f"ec2_{region}_{price_date}.json.gz"
    path.write_bytes(gzip.compress(json.dumps(document, separators=(",", ":")).encode(), mtime=0))
    return path


def _moto_types() -> dict[str, Any]:
    found = find_spec("moto")
    if found is None or found.origin is None:
        raise SystemExit("The hardware table is read from moto: install moto[ec2].")
    table = Path(found.origin).parent / "ec2" / "resources" / "instance_types.json.gz"
    with gzip.open(table) as file:
        return dict(json.load(file))


def _row(name: str, told: dict[str, Any], baselines: dict[str, Any]) -> list[Any]:
    processor, cpu = told["ProcessorInfo"]["SupportedArchitectures"], told["VCpuInfo"]
    cards, ebs = told["NetworkInfo"]["NetworkCards"], told["EbsInfo"].get("EbsOptimizedInfo", {})
    generation = _GENERATION.match(name)
    return [
        name,
        cpu["DefaultVCpus"],
        cpu["DefaultCores"],
        told["MemoryInfo"]["SizeInMiB"],
        "x86_64" if "x86_64" in processor else processor[0],
        int(generation.group(1)) if generation else 1,  # u-6tb1 carries no generation: its hardware is the first
        round(sum(card["BaselineBandwidthInGbps"] for card in cards), 3),
        round(sum(card["PeakBandwidthInGbps"] for card in cards), 3),
        ebs.get("BaselineThroughputInMBps", 0.0),
        ebs.get("MaximumThroughputInMBps", 0.0),
        ebs.get("BaselineIops", 0),
        ebs.get("MaximumIops", 0),
        told["BurstablePerformanceSupported"],
        told["BareMetal"],
        any(part in told for part in _ACCELERATORS),
        cpu.get("ValidCores", []),
        cpu.get("ValidThreadsPerCore", []),
        _baseline_share(name, burstable=told["BurstablePerformanceSupported"], baselines=baselines),
    ]


def _baseline_share(name: str, *, burstable: bool, baselines: dict[str, Any]) -> float:
    family, _, size = name.partition(".")
    if family.endswith("-flex"):
        return float(baselines["flex"])
    if not burstable:
        return 1.0
    known = baselines["burstable_sizes"] if family in baselines["burstable_families"] else {}
    return float(known.get(size, 0.0))


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description="Build the shipped EC2 snapshot.")
    parser.add_argument("prices", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--price-date", required=True)
    given = parser.parse_args()
    build(given.prices, given.out, region=given.region, price_date=given.price_date)


if __name__ == "__main__":
    main()
