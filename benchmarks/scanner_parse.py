"""Reading access logs: lines a second and core, and memory, of our reader and of a line-by-line one (scanner_naive).

Each measurement is a process of its own with one thread, in turn, on the same gzip file; the rate is lines by the CPU
seconds of reading (imports apart), the median of the rounds. Memory is the growth of the peak RSS on a file with
very many clients. The answers are compared; if they differ, the comparison is void.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINES = int(os.environ.get("LANDFALL_BENCH_LOG_LINES", "1000000"))
MANY_LINES = int(os.environ.get("LANDFALL_BENCH_MANY_LOG_LINES", "10000000"))
CLIENTS, MANY_CLIENTS = 5_000, 1_000_000
ROUNDS = 3
ROOT = Path(__file__).resolve().parents[1]
MEASURE = """
import gzip, io, json, sys, time
from pathlib import Path
from benchmarks.scanner_naive import parse, parse_file
from include.scanner_block.logs.counting import count_file, count_stream
from include.scanner_block.policy_model import LogFormat, Rules
import numpy, pyarrow, pyarrow.compute, pyarrow.json
pyarrow.set_cpu_count(1)
side, path, log_format = sys.argv[1], Path(sys.argv[2]), LogFormat(sys.argv[3])
with gzip.open(path) as packed:  # a little first, so that what is imported late is imported
    head = packed.read(1 << 16)
    head = io.BytesIO(head[: head.rfind(b"\\n") + 1])
if side == "ours":
    count_stream(head, log_format=log_format, rules=Rules(), place="")
else:
    parse(head, log_format, Rules())
memory = lambda name: int(Path("/proc/self/status").read_text().split(name + ":")[1].split()[0]) / 1024
before = memory("VmRSS")
started, wall = time.process_time(), time.perf_counter()
if side == "ours":
    found = count_file(path, log_format=log_format, rules=Rules())
    totals = found.lines, found.unreadable, found.clients, found.table.num_rows
else:
    found = parse_file(path, log_format, Rules())
    totals = found.lines, found.unreadable, len(found.clients), len(found.requests)
seconds, wall = time.process_time() - started, time.perf_counter() - wall
grown = memory("VmHWM") - before
if side == "ours":
    total = sum(found.table["requests"].to_pylist())
else:
    total = sum(found.requests.values())
print(json.dumps({"seconds": seconds, "wall": wall, "mb": grown, "totals": [*totals, total]}))
"""
AGENTS = (
    "Mozilla/5.0%20(Windows%20NT%2010.0;%20Win64;%20x64)%20Chrome/126.0.0.0%20Safari/537.36",
    "Mozilla/5.0%20(iPhone;%20CPU%20iPhone%20OS%2017_5%20like%20Mac%20OS%20X)",
    "curl/8.5.0",
)
PATHS = ["/", "/index.html", "/assets/app.js", "/img/logo.png", "/api/v1/items", *(f"/product/{n}" for n in range(500))]
HEX = [f"{number:04x}" for number in range(1 << 16)]


def run() -> Iterator[dict[str, object]]:
    """Measure both, in turn, and yield parse_rate and parse_memory."""
    with tempfile.TemporaryDirectory(prefix="landfall-logs-") as folder:
        rates = {}
        for log_format, line in FORMATS.items():
            file = Path(folder) / f"{log_format}.gz"
            _write(file, line, LINES, CLIENTS)
            rates[log_format] = _in_turn(file, log_format, ROUNDS)
        mine, theirs = rates["cloudfront"]
        others = "; ".join(
            f"{name} {ours:,.0f} and {peer:,.0f} ({ours / peer:.1f} x)"
            for name, (ours, peer) in rates.items()
            if name != "cloudfront"
        )
        note = f"CloudFront, {LINES:,} lines, gzip included, CPU seconds, medians of {ROUNDS} rounds in turn; "
        note += f"the same of {others}; the peer remembers addresses and times it has seen"
        yield _line("parse_rate", mine, theirs, "lines/s", note)
        file = Path(folder) / "many.gz"
        _write(file, cloudfront_line, MANY_LINES, MANY_CLIENTS)
        ours, peer = (_measured(side, file, "cloudfront") for side in ("ours", "peer"))
        _same(ours, peer)
        note = f"growth of the peak RSS on {MANY_LINES:,} CloudFront lines of {MANY_CLIENTS:,} clients, gzip"
        note += f"; {ours['wall']:.0f} s and {peer['wall']:.0f} s"
        yield _line("parse_memory", ours["mb"], peer["mb"], "MB", note)


def cloudfront_line(draw: random.Random, client: str, second: int) -> str:
    """Return a line with CloudFront's 33 fields, one in ten an error."""
    error = draw.random() < 0.1
    status, result = (draw.choice(("404", "404", "403", "400")), "Error") if error else ("200", "Hit")
    key = draw.getrandbits(256)
    word = "".join(HEX[key >> shift & 0xFFFF] for shift in range(0, 256, 16))[:52] + "=="
    clock, path, agent = _clock(second), PATHS[key % len(PATHS)], AGENTS[key % 3]
    return (
        f"2026-11-24\t{clock}\tFRA60-P3\t{key % 90000}\t{client}\tGET\td111.cloudfront.net\t{path}\t{status}\t-"
        f"\t{agent}\t-\t-\t{result}\t{word}\texample.com\thttps\t{key % 500}\t0.{key % 1000:03}\t-\tTLSv1.3"
        f"\tTLS_AES_128_GCM_SHA256\t{result}\tHTTP/2.0\t-\t-\t{key % 60000}\t0.001\t{result}\ttext/html"
        f"\t{key % 9000}\t-\t-\n"
    )


def alb_line(draw: random.Random, client: str, second: int) -> str:
    """Return a line of a load balancer, one in ten an error of its target."""
    status = draw.choice(("404", "403")) if draw.random() < 0.1 else "200"
    key = draw.getrandbits(96)
    time = f"2026-11-24T{_clock(second)}.{key % 1000000:06}Z"
    path, agent = PATHS[key % len(PATHS)], AGENTS[key % 3]
    return (
        f"https {time} app/web/0123456789abcdef {client}:{1024 + key % 60000} 192.0.2.200:80 0.001 0.0{key % 99} 0.000"
        f' {status} {status} 152 {key % 90000} "GET https://example.com:443{path} HTTP/1.1" "{agent}"'
        " TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789"
        f' "Root=1-{key:024x}" "example.com" "-" 0 {time} "forward" "-" "-"\n'
    )


def waf_line(draw: random.Random, client: str, second: int) -> str:
    """Return a line of WAF."""
    key = draw.getrandbits(96)
    return (
        f'{{"timestamp":{(1795478400 + second) * 1000 + key % 1000},"formatVersion":1,"webaclId":"arn:aws:wafv2:'
        'eu-west-1:111122223333:regional/webacl/web/0123","terminatingRuleId":"Default_Action","terminatingRuleType":"REGULAR",'
        '"action":"ALLOW","httpSourceName":"ALB","ruleGroupList":[],"rateBasedRuleList":[],"httpRequest":'
        f'{{"clientIp":"{client}","country":"DE","headers":[{{"name":"Host","value":"example.com"}},{{"name":"User-Agent",'
        f'"value":"{AGENTS[key % 3]}"}}],"uri":"{PATHS[key % len(PATHS)]}","args":"","httpVersion":"HTTP/2.0",'
        f'"httpMethod":"GET","requestId":"1-{key:024x}"}}}}\n'
    )


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


FORMATS: dict[str, Callable[[random.Random, str, int], str]] = {
    "cloudfront": cloudfront_line,
    "alb": alb_line,
    "waf": waf_line,
}


def _write(file: Path, line: Callable[[random.Random, str, int], str], lines: int, clients: int) -> None:
    """Write an hour of requests: a quarter of the clients IPv6, some clients with many more requests than others."""
    draw = random.Random(7)
    known = [_client(draw, number) for number in range(clients)]
    weights = list(accumulate(1 / (rank + 10) ** 0.5 for rank in range(clients)))
    with gzip.open(file, "wb", compresslevel=4) as log:
        for begin in range(0, lines, 100_000):
            count = min(100_000, lines - begin)
            chosen = draw.choices(known, cum_weights=weights, k=count)
            seconds = ((begin + place) * 3600 // lines for place in range(count))
            log.write("".join(map(line, [draw] * count, chosen, seconds)).encode())


def _client(draw: random.Random, number: int) -> str:
    if number % 4 == 0:
        return f"2001:db8:{draw.randrange(1 << 16):x}:{draw.randrange(1 << 16):x}::{number:x}"[:39]
    return f"{11 + number % 90}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _in_turn(file: Path, log_format: str, rounds: int) -> tuple[float, float]:
    """Return lines a second and core of ours and of the peer."""
    seconds: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in range(rounds):
        found = {side: _measured(side, file, log_format) for side in seconds}
        _same(found["ours"], found["peer"])
        for side, one in found.items():
            seconds[side].append(one["seconds"])
    return LINES / statistics.median(seconds["ours"]), LINES / statistics.median(seconds["peer"])


def _measured(side: str, file: Path, log_format: str) -> dict[str, float]:
    command = [sys.executable, "-c", MEASURE, side, str(file), log_format]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"}
    answer = subprocess.run(
        command, capture_output=True, check=True, text=True, cwd=ROOT, env={**os.environ, **threads}
    )
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def _same(ours: dict[str, float], peer: dict[str, float]) -> None:
    if ours["totals"] != peer["totals"]:
        raise AssertionError(f"the two counts differ ({ours['totals']}, {peer['totals']}): the comparison is void")


def _line(name: str, ours: float, peer: float, unit: str, note: str) -> dict[str, object]:
    return {"name": name, "ours": ours, "peer": peer, "ratio": ours / peer, "unit": unit, "note": note}


if __name__ == "__main__":
    for result in run():
        print(json.dumps(result))
