"""Make an estate whose applications are known: two CSV files as people export them, and the truth beside them.

100,000 servers in 8,333 applications of lognormal size with three tiers, 60 shared servers that take 30 % of the rows,
7 % of the rows to and from outside, and 8 % between applications that depend on one another (9,500 pairs of them). The
noisy estate has 12 % more between servers drawn at random, so 20 % in all. The CMDB's application is filled for 60 %
of the servers and wrong for 5 % of those. Equal arguments give equal bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SEED = 20261123
MEAN_SIZE, SIGMA = 12.0, 0.8
HUBS = 60
PAIRS_PER_APPLICATION = 1.14
SHARES = {"hub": 0.30, "external": 0.07, "dependency": 0.08}
FILLED, WRONG = 0.60, 0.05
TIER_SHARES = (0.4, 0.75)
"""Upper ends: 40 % web, 35 % application, 25 % database."""
HUB_PORTS = (53, 53, 88, 389, 123, 514, 161, 10050, 13724, 8530)
WEB_PORTS, APPLICATION_PORTS, DATABASE_PORTS = (443, 80, 8443), (8080, 9000, 7001), (1433, 5432, 1521, 3306)
START = 1_788_220_800  # 1 September 2026, UTC
DAYS = 14


@dataclass(frozen=True, slots=True)
class Estate:
    """The files of an estate: servers.csv, connections.csv, and truth.parquet (server_id, application, tier)."""

    servers: Path
    connections: Path
    truth: Path


def make_estate(folder: Path, *, servers: int = 100_000, rows: int = 5_000_000, noisy: bool = False) -> Estate:
    """Write an estate into a folder and return its files; what is there already is kept."""
    import numpy as np

    made = Estate(folder / "servers.csv", folder / "connections.csv", folder / "truth.parquet")
    if made.truth.is_file():
        return made
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    truth = _applications(random, servers)
    _write_servers(made.servers, truth, random)
    _write_connections(made.connections, truth, random, rows=rows, noise=0.12 if noisy else 0.0)
    _write(made.truth, {"server_id": _names(servers), "application": truth["application"], "tier": truth["tier"]})
    return made


def _applications(random: Any, servers: int) -> dict[str, Any]:
    """Return by server: application (-1: a hub) and tier 0 to 2; and by application its first server and its size."""
    import numpy as np

    count = max(1, round(servers / MEAN_SIZE))
    hubs = min(HUBS, max(2, servers // 100))
    sizes = np.maximum(2, random.lognormal(np.log(MEAN_SIZE) - SIGMA**2 / 2, SIGMA, count)).astype(np.int64)
    while (excess := int(sizes.sum()) - (servers - hubs)) != 0:
        chosen = random.choice(count, min(abs(excess), count), replace=False)
        sizes[chosen] = np.maximum(2, sizes[chosen] - np.sign(excess))
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    application = np.concatenate([np.repeat(np.arange(count), sizes), np.full(hubs, -1)])
    place = np.arange(servers - hubs) - np.repeat(first, sizes)
    share = (place + 0.5) / np.repeat(sizes, sizes)
    tier = np.concatenate([np.searchsorted(TIER_SHARES, share), np.zeros(hubs, np.int64)])
    return {"application": application, "tier": tier, "first": first, "size": sizes, "hubs": hubs}


def _names(servers: int) -> Any:
    """Return the ids by server; shuffled, so that the order of ids tells nothing about applications."""
    import numpy as np

    order = np.random.default_rng(SEED + 1).permutation(servers)
    return np.char.add("srv-", np.char.zfill(order.astype(str), 6))


def _addresses(servers: int) -> Any:
    import numpy as np

    n = np.arange(servers)
    parts = [(n >> 16) % 256, (n >> 8) % 256, n % 256]
    text = np.full(servers, "10")
    for part in parts:
        text = np.char.add(np.char.add(text, "."), part.astype(str))
    return text


def _write_servers(path: Path, truth: Mapping[str, Any], random: Any) -> None:
    import numpy as np

    n, count = len(truth["application"]), len(truth["size"])
    claimed = truth["application"].copy()
    wrong = random.random(n) < WRONG
    claimed[wrong] = random.integers(0, count, int(wrong.sum()))
    filled = (random.random(n) < FILLED) & (truth["application"] >= 0)
    cores = random.choice([2, 4, 8, 16, 32], n, p=[0.3, 0.35, 0.2, 0.1, 0.05])
    memory = cores * random.choice([2048, 4096, 8192], n)
    average = random.beta(2, 8, n) * 100
    used = random.beta(5, 5, n) * 100
    names = _names(n)
    order = np.argsort(names)
    columns = {
        "server_id": names,
        "hostname": np.char.replace(names, "srv-", "host"),
        "ip_address": _addresses(n),
        "os_name": random.choice(["Windows Server 2016", "Windows Server 2022", "Red Hat Enterprise Linux 8"], n),
        "cpu_cores": cores,
        "memory_mib": memory,
        "storage_gib": np.round(random.lognormal(4.8, 0.8, n), 1),
        "environment": random.choice(["production", "test", "development"], n, p=[0.6, 0.2, 0.2]),
        "application": np.where(filled, np.char.add("Application ", claimed.astype(str)), ""),
        "cpu_percent_avg": np.round(average, 2),
        "cpu_percent_max": np.round(np.minimum(100, average * random.uniform(1.5, 4, n)), 2),
        "memory_percent_avg": np.round(used, 2),
        "memory_percent_max": np.round(np.minimum(100, used * random.uniform(1.05, 1.5, n)), 2),
    }
    _write(path, {name: values[order] for name, values in columns.items()})


def _write_connections(path: Path, truth: Mapping[str, Any], random: Any, *, rows: int, noise: float) -> None:
    import numpy as np
    import pyarrow as pa

    n, hubs = len(truth["application"]), truth["hubs"]
    members = n - hubs
    counts = {name: round(rows * share) for name, share in SHARES.items()} | {"noise": round(rows * noise)}
    inside = rows - sum(counts.values())
    outside = 20_000
    parts = [
        _inside(truth, random, inside),
        _between(truth, random, counts["dependency"]),
        (*random.integers(0, members, (2, counts["noise"])), random.choice([443, 8080, 22], counts["noise"])),
        _to_hubs(random, counts["hub"], members, hubs),
        _external(truth, random, counts["external"], outside),
    ]
    source, destination, port = (np.concatenate([part[at] for part in parts]) for at in range(3))
    order = random.permutation(len(source))
    known = _addresses(n)
    pool = np.concatenate([known, np.char.add("203.0.", _dotted(np.arange(outside)))])
    udp = np.isin(port, (53, 123, 161, 514))
    stamps = START + random.integers(0, DAYS * 86_400, len(order))
    columns = {
        "source_ip": _taken(pool, source[order]),
        "destination_ip": _taken(pool, destination[order]),
        "destination_port": pa.array(port[order]),
        "protocol": _taken(np.array(["tcp", "udp"]), udp[order].astype(np.int32)),
        "timestamp": pa.array(stamps.astype("datetime64[s]")).cast(pa.timestamp("s")).cast(pa.string()),
        "count": pa.array(np.ceil(random.lognormal(0, 1, len(order))).astype(np.int64)),
    }
    _write(path, columns)


def _inside(truth: Mapping[str, Any], random: Any, rows: int) -> tuple[Any, Any, Any]:
    """Web servers call application servers, those call databases: each row a random pair of two neighbouring tiers."""
    import numpy as np

    app = truth["application"][random.integers(0, len(truth["application"]) - truth["hubs"], rows)]
    size, first = truth["size"][app], truth["first"][app]
    to_database = random.random(rows) < 0.5
    low = np.where(to_database, np.round(size * TIER_SHARES[0]), 0).astype(np.int64)
    middle = np.round(size * np.where(to_database, TIER_SHARES[1], TIER_SHARES[0])).astype(np.int64)
    high = np.where(to_database, size, np.round(size * TIER_SHARES[1])).astype(np.int64)
    middle, low = np.clip(middle, 1, size - 1), np.minimum(low, np.clip(middle, 1, size - 1) - 1)
    high = np.maximum(high, middle + 1)
    source = first + low + (random.random(rows) * (middle - low)).astype(np.int64)
    destination = first + middle + (random.random(rows) * (high - middle)).astype(np.int64)
    database = np.array(DATABASE_PORTS)[app % len(DATABASE_PORTS)]
    return source, destination, np.where(to_database, database, np.array(APPLICATION_PORTS)[app % 3])


def _between(truth: Mapping[str, Any], random: Any, rows: int) -> tuple[Any, Any, Any]:
    """Rows between applications that depend on one another: any server of the one to any of the other."""
    count = len(truth["size"])
    pairs = random.integers(0, count, (2, max(1, round(count * PAIRS_PER_APPLICATION))))
    chosen = random.integers(0, pairs.shape[1], rows)
    ends = [
        truth["first"][side] + (random.random(rows) * truth["size"][side]).astype("int64")
        for side in (pairs[0][chosen], pairs[1][chosen])
    ]
    return ends[0], ends[1], random.choice([443, 8443, 61616], rows)


def _to_hubs(random: Any, rows: int, members: int, hubs: int) -> tuple[Any, Any, Any]:
    import numpy as np

    hub = random.integers(0, hubs, rows)
    port = np.array(HUB_PORTS)[hub % len(HUB_PORTS)]
    server = random.integers(0, members, rows)
    polls = np.isin(port, (161, 10050))  # these call the servers instead of being called
    return np.where(polls, members + hub, server), np.where(polls, server, members + hub), port


def _external(truth: Mapping[str, Any], random: Any, rows: int, outside: int) -> tuple[Any, Any, Any]:
    import numpy as np

    n = len(truth["application"])
    app = random.integers(0, len(truth["size"]), rows)
    web = np.maximum(1, (truth["size"][app] * TIER_SHARES[0]).astype(np.int64))
    server = truth["first"][app] + (random.random(rows) * web).astype(np.int64)
    other = n + random.integers(0, outside, rows)
    comes_in = random.random(rows) < 0.6
    port = np.where(comes_in, np.array(WEB_PORTS)[app % len(WEB_PORTS)], 443)
    return np.where(comes_in, other, server), np.where(comes_in, server, other), port


def _dotted(n: Any) -> Any:
    import numpy as np

    return np.char.add(np.char.add((n // 250).astype(str), "."), (n % 250 + 1).astype(str))


def _taken(pool: Any, at: Any) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(at.astype("int32")), pa.array(pool)).cast(pa.string())


def _write(path: Path, columns: Mapping[str, Any]) -> None:
    import pyarrow as pa
    from pyarrow import csv, parquet

    table = pa.table(
        {name: pa.array(values) if not isinstance(values, pa.Array) else values for name, values in columns.items()}
    )
    if path.suffix == ".parquet":
        parquet.write_table(table, path)
        return
    csv.write_csv(table, path, csv.WriteOptions(quoting_style="none"))


if __name__ == "__main__":
    import sys

    for name in ("easy", "noisy"):
        print(make_estate(Path(sys.argv[1]) / name, noisy=name == "noisy"))
