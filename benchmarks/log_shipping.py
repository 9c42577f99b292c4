"""What log shipping loses when the primary dies: chaos, counted (log_shipping_chaos).

20 runs with the tail and 20 without: a client commits without a pause, logs ship every second, the primary is killed at
a random moment. `lost_with_tail` counts acknowledged commits that are lost although the disk survived; its peer is
dbatools' order (copy, restore, recover; no tail) in the same runs. `lost_without_tail_unstated` counts rows whose fate
contradicts the loss that the approval stated; its peer states nothing, so every lost row is unstated.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.log_shipping_chaos import PRIMARY, SECONDARY, Ending, Site, chaos_run
from benchmarks.sql_stand_in import SqlStandIn
from benchmarks.stand_in import stand_in
from include.object_store import ObjectStore

RUNS = 20
BUCKET = "landfall-lake"


def run() -> Iterator[dict[str, object]]:
    """Run chaos with and without the tail, and yield a line for each."""
    with chaos_site() as site:
        with_tail = [chaos_run(site, number, with_tail=True, seed=number) for number in range(RUNS)]
        without = [chaos_run(site, RUNS + number, with_tail=False, seed=number) for number in range(RUNS)]
    yield tail_line(with_tail)
    yield no_tail_line(without)


@contextmanager
def chaos_site() -> Iterator[Site]:
    """Start two SQL Servers and a local AWS in a folder that is gone afterwards."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="landfall-chaos-")))
        client = stack.enter_context(stand_in(home)).client("s3")
        client.create_bucket(Bucket=BUCKET)
        servers = [stack.enter_context(SqlStandIn(home / name, name)) for name in (PRIMARY, SECONDARY)]
        store = ObjectStore(client, bucket=BUCKET, root="log_shipping")
        yield Site(home, store, primary=servers[0], secondary=servers[1])


def tail_line(endings: Sequence[Ending]) -> dict[str, object]:
    """Count what is lost although the primary's disk survived."""
    lost, naive = sum(len(each.ours.lost) for each in endings), sum(len(each.naive.lost) for each in endings)
    note = f"{len(endings)} kills, {_acknowledged(endings):,} acknowledged commits; {_faults(endings)}; peer: no tail"
    return _line("lost_with_tail", lost, naive, unit="commits", note=note)


def no_tail_line(endings: Sequence[Ending]) -> dict[str, object]:
    """Count rows whose fate was not as the approval said, when the primary's disk was lost."""
    unstated, lost = sum(each.misstated for each in endings), sum(len(each.ours.lost) for each in endings)
    note = (
        f"{len(endings)} lost disks, {_acknowledged(endings):,} acknowledged commits, {lost:,} lost as stated; "
        f"{_faults(endings)}; peer: states nothing"
    )
    return _line("lost_without_tail_unstated", unstated, lost, unit="commits", note=note)


def _acknowledged(endings: Sequence[Ending]) -> int:
    return sum(each.ours.acknowledged for each in endings)


def _faults(endings: Sequence[Ending]) -> str:
    torn = sum(not each.ours.is_prefix for each in endings)
    strangers = sum(each.ours.strangers for each in endings)
    return f"{torn} runs with a hole before the end, {strangers} rows nobody wrote"


def _line(name: str, ours: float, peer: float, *, unit: str, note: str) -> dict[str, object]:
    ratio = ours / peer if peer else None
    return {"name": name, "ours": ours, "peer": peer, "ratio": ratio, "unit": unit, "note": note}


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
