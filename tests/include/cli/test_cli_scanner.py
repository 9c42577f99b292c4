"""`landfall scanner backtest` and `threshold` from outside: exit codes, sentences, JSON, bad input."""

from __future__ import annotations

import gzip
import json
import os
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from include.cli.output import print_refusal
from include.cli.refusal import EXIT_REFUSED, RefusalError
from include.cli.scanner import app

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2026, 11, 24, 5, tzinfo=UTC)
NOW = "2026-11-24T05:10:00Z"
FIELDS = (
    "date time x-edge-location c-ip cs-uri-stem sc-status cs(User-Agent) x-forwarded-for x-edge-detailed-result-type"
)


def scanner(*arguments: str | Path) -> tuple[int, str, str]:
    """Run the command as `main` does; return its exit code, stdout and stderr."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    if isinstance(result.exception, RefusalError):
        return EXIT_REFUSED, result.stdout, result.exception.sentence + "\n".join(result.exception.details)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def row(
    client: str,
    *,
    at: datetime = START,
    path: str = "/x",
    status: int = 404,
    agent: str = "agent",
    forwarded: str = "-",
    result: str = "Error",
) -> str:
    return f"{at:%Y-%m-%d\t%H:%M:%S}\tFRA56-P4\t{client}\t{path}\t{status}\t{agent}\t{forwarded}\t{result}\n"


class Desk:
    """A folder with logs and settings, and the command that reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings("error_threshold: 10\nblock_period_minutes: 60\n")

    def settings(self, text: str) -> None:
        (self.folder / "settings.yaml").write_text(text)

    def write(self, name: str, content: str | bytes | Any) -> Path:
        file = self.folder / name
        if not isinstance(content, str | bytes):
            content = json.dumps(content)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def log(self, name: str, text: str) -> Path:
        body = f"#Version: 1.0\n#Fields: {FIELDS}\n{text}".encode()
        return self.write(name, gzip.compress(body, mtime=0) if name.endswith(".gz") else body)

    def run(self, *arguments: str | Path, kind: str = "cloudfront", now: str = NOW) -> tuple[int, str, str]:
        return scanner(
            "backtest", "--format", kind, "--settings", self.folder / "settings.yaml", "--now", now, *arguments
        )

    def found(self, *logs: Path, more: tuple[str | Path, ...] = (), kind: str = "cloudfront", now: str = NOW) -> Any:
        named = [part for log in logs for part in ("--log", log)]
        code, out, told = self.run(*named, *more, "--json", kind=kind, now=now)
        assert code == 0, told
        return json.loads(out)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_the_document_has_exactly_the_agreed_keys(desk: Desk) -> None:
    last = START + timedelta(seconds=11)
    log = desk.log("a.gz", "".join(row("192.0.2.1", at=START + timedelta(seconds=n)) for n in range(12)))
    assert desk.found(log) == {
        "ipv4": ["192.0.2.1/32"],
        "ipv6": [],
        "state": {"general": {"192.0.2.1": {"max_per_minute": 12, "updated_at": last.isoformat()}}, "uri": {}},
        "unreadable_lines": 0,
        "released": [],
        "skipped_objects": [],
    }


def test_the_same_file_twice_counts_once(desk: Desk) -> None:
    log = desk.log("a", 6 * row("192.0.2.1"))
    assert desk.found(log, log) == {**desk.found(log), "skipped_objects": [str(log)]}


@pytest.fixture
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the machine stand in another zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_elsewhere")
def test_a_time_without_a_zone_is_utc(desk: Desk) -> None:
    log = desk.log("a", 10 * row("192.0.2.1"))
    end = "2026-11-24T06:00:00"
    assert desk.found(log, now=end)["ipv4"] == []
    assert desk.found(log, now="2026-11-24T06:59:59+01:00")["ipv4"] == ["192.0.2.1/32"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--log", "a", "--format", "nginx"],
        ["--log", "a", "--now", "yesterday"],
        ["--log", "a", "--unknown"],
    ],
)
def test_wrong_usage_ends_with_2(desk: Desk, arguments: list[str]) -> None:
    assert desk.run(*arguments)[0] == 2


REFUSED = {
    "no log": ({}, ["--log", "absent"], "absent"),
    "a folder as log": ({}, ["--log", "."], "not a file"),
    "approved without brackets": ({"approved": "192.0.2.1"}, ["--approved", "approved"], "approved"),
    "approved with a word": ({"approved": '["localhost"]'}, ["--approved", "approved"], "localhost"),
    "approved empty": ({"approved": ""}, ["--approved", "approved"], "approved"),
    "approved absent": ({}, ["--approved", "approved"], "approved"),
    "settings with a slip": ({"settings.yaml": "error_treshold: 4\n"}, [], "error_treshold"),
    "settings below the bounds": ({"settings.yaml": "error_threshold: 0\n"}, [], "error_threshold"),
    "settings not UTF-8": ({"settings.yaml": b"error_threshold: 5 # \xff\n"}, [], "UTF-8"),
    "state no JSON": ({"state": "{"}, ["--state", "state"], "JSON"),
    "state not an object": ({"state": "[]"}, ["--state", "state"], "state"),
    "state with a text as number": (
        {"state": '{"general": {"192.0.2.1": {"max_per_minute": "9", "updated_at": "2026-11-24T05:00:00Z"}}}'},
        ["--state", "state"],
        "max_per_minute",
    ),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_cannot_be_read_ends_with_3_and_prints_no_sets(
    desk: Desk, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, arguments, word = REFUSED[case]
    monkeypatch.chdir(desk.folder)
    desk.log("a", 10 * row("192.0.2.1"))
    for name, content in files.items():
        desk.write(name, content)
    logs = [] if "--log" in arguments else ["--log", "a"]
    code, out, told = desk.run(*logs, *arguments, "--json")
    assert (code, out) == (3, "")
    assert word in told


def test_a_refusal_with_json_is_a_document(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.settings("error_threshold: 0\nblock_period_minutes: 0\n")
    log = desk.log("a", "")
    arguments = ["--log", str(log), "--format", "cloudfront", "--settings", str(desk.folder / "settings.yaml")]
    result = CliRunner().invoke(app, ["backtest", *arguments, "--now", NOW, "--json"])
    assert isinstance(result.exception, RefusalError)
    print_refusal(result.exception, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert len(document["details"]) == 2


def test_a_cut_gzip_keeps_its_whole_lines(desk: Desk) -> None:
    text = "".join(row("192.0.2.1", agent=os.urandom(300).hex()) for _ in range(200))
    whole = desk.log("whole.gz", text)
    cut = desk.write("cut.gz", whole.read_bytes()[:-9000])
    found = desk.found(cut)
    assert found["ipv4"] == ["192.0.2.1/32"]
    assert found["unreadable_lines"] == 1
    assert 100 < found["state"]["general"]["192.0.2.1"]["max_per_minute"] < 200


def test_lines_of_another_format_are_counted_and_cost_nothing_else(desk: Desk) -> None:
    alb = (
        'https 2026-11-24T05:00:00.000000Z app/a/1 192.0.2.7:4000 192.0.2.250:80 0 0 0 404 404 1 1 "GET '
        'https://www.example.com:443/x HTTP/2.0" "a" - - arn "r" "h" "-" 0 2026-11-24T05:00:00.000000Z "f" "-" "-"\n'
    )
    waf = json.dumps({"timestamp": 1795496400000, "httpRequest": {"clientIp": "192.0.2.8", "uri": "/x"}}) + "\n"
    log = desk.log("a", 6 * row("192.0.2.1") + 20 * alb + 20 * waf + "\n# comment\n" + 6 * row("192.0.2.1"))
    found = desk.found(log)
    assert (found["ipv4"], found["unreadable_lines"]) == (["192.0.2.1/32"], 40)


def test_load_balancer_and_waf_logs_are_read(desk: Desk) -> None:
    desk.settings("error_threshold: 10\nrequest_threshold: 15\n")
    alb = (
        'https 2026-11-24T05:00:00.000000Z app/a/1 {client} 192.0.2.250:80 0 0 0 {elb} {target} 1 1 "GET '
        'https://www.example.com:443/x HTTP/2.0" "a" - - arn "r" "h" "-" 0 2026-11-24T05:00:00.000000Z "f" "-" "-"\n'
    )
    log = desk.write(
        "alb",
        10 * alb.format(client="192.0.2.7:4000", elb=404, target=404)
        + 20 * alb.format(client="192.0.2.8:4000", elb=403, target="-")
        + 10 * alb.format(client="[2001:db8::7]:4000", elb=404, target=404),
    )
    found = desk.found(log, kind="alb")
    assert (found["ipv4"], found["ipv6"]) == (["192.0.2.7/32"], ["2001:db8::7/128"])
    waf = [
        json.dumps({"timestamp": 1795496400000, "httpRequest": {"clientIp": client, "uri": "/x"}}) + "\n"
        for client in [*(14 * ["192.0.2.8"]), *(15 * ["192.0.2.9"])]
    ]
    assert desk.found(desk.write("waf", "".join(waf)), kind="waf")["ipv4"] == ["192.0.2.9/32"]


def test_a_line_of_a_megabyte_is_a_line_like_any_other(desk: Desk) -> None:
    long = row("192.0.2.1", path="/" + "a" * (1 << 20))
    found = desk.found(desk.log("a.gz", 5 * row("192.0.2.1") + long + 4 * row("192.0.2.1")))
    assert (found["ipv4"], found["unreadable_lines"]) == (["192.0.2.1/32"], 0)


def test_injected_text_blocks_nobody_else_and_reaches_no_terminal(desk: Desk) -> None:
    evil = "\x1b[2J\x07\"',;%0a2026-11-24%0905:00:00%09FRA%09192.0.2.66%09/x%09404\x00\xff"
    rows = 10 * row("192.0.2.1", path="/" + evil, agent=evil) + f"{evil}\n" + 10 * row(f"192.0.2.66{evil}")
    log = desk.log("a", rows)
    found = desk.found(log)
    assert (found["ipv4"], found["unreadable_lines"]) == (["192.0.2.1/32"], 11)
    code, out, _ = desk.run("--log", log)
    assert code == 0
    assert "\x1b" not in out
    assert "\x07" not in out


def test_a_forwarded_for_header_neither_hides_nor_harms(desk: Desk) -> None:
    approved = desk.write("approved", ["198.51.100.1"])
    log = desk.log("a", 10 * row("192.0.2.1", forwarded="198.51.100.1,%20203.0.113.5"))
    assert desk.found(log, more=("--approved", approved))["ipv4"] == ["192.0.2.1/32"]


def test_blocks_by_waf_are_no_errors_unless_the_settings_say_so(desk: Desk) -> None:
    log = desk.log("a", 10 * row("192.0.2.1", status=403, result="InvalidRequestBlocked"))
    assert desk.found(log)["ipv4"] == []
    desk.settings("error_threshold: 10\nignore_waf_blocks: false\n")
    assert desk.found(log)["ipv4"] == ["192.0.2.1/32"]


def test_of_a_hundred_thousand_offenders_the_worst_stay(desk: Desk, record_property: Any) -> None:
    desk.settings("error_threshold: 1\nipset_limit: 10000\n")
    clients = [f"2001:db8:{number >> 8:x}:{number & 255:x}::1" for number in range(100_000)]
    worst = clients[::-10]
    log = desk.log("a.gz", "".join(map(row, clients)) + "".join(map(row, worst)))
    started = time.perf_counter()
    found = desk.found(log)
    record_property("seconds", time.perf_counter() - started)
    assert {address.removesuffix("/128") for address in found["ipv6"]} == set(worst)
    assert len(found["ipv6"]) == 10_000
    assert len(found["state"]["general"]) == 100_000


def entry(count: int, at: datetime = START) -> dict[str, Any]:
    return {"max_per_minute": count, "updated_at": at.isoformat()}


def test_entries_of_the_state_leave_when_they_must_and_only_then(desk: Desk) -> None:
    desk.settings("error_threshold: 10\nblock_period_minutes: 60\nuri_thresholds: {/login: {error_threshold: 3}}\n")
    state = {
        "general": {
            "192.0.2.1": entry(20),
            "192.0.2.2": entry(20, START - timedelta(minutes=50)),
            "192.0.2.3": entry(20, START - timedelta(minutes=50) + timedelta(seconds=1)),
            "192.0.2.4": entry(9),
            "192.0.2.5": entry(20),
            "2001:db8::1": entry(20, START - timedelta(days=1)),
            "2001:DB8:0:0:0:0:0:1": entry(11),
            "::ffff:192.0.2.6": entry(12),
        },
        "uri": {"/login": {"192.0.2.4": entry(4), "192.0.2.7": entry(2)}, "/gone": {"192.0.2.8": entry(99)}},
    }
    more = (
        "--state", desk.write("state", state), "--approved", desk.write("approved", ["192.0.2.5/32"]),
    )  # fmt: skip
    found = desk.found(desk.log("a", ""), more=more)
    assert found["ipv4"] == ["192.0.2.1/32", "192.0.2.3/32", "192.0.2.4/32", "192.0.2.6/32"]
    assert found["ipv6"] == ["2001:db8::1/128"]
    assert found["released"] == ["192.0.2.2", "192.0.2.5", "192.0.2.7", "192.0.2.8"]
    assert found["state"]["uri"] == {"/login": {"192.0.2.4": entry(4)}}
    assert found["state"]["general"]["2001:db8::1"] == entry(20)


def test_what_is_printed_can_be_given_back_as_state(desk: Desk) -> None:
    log = desk.log("a", 12 * row("192.0.2.1") + 11 * row("2001:db8::1"))
    first = desk.found(log)
    again = desk.found(log, more=("--state", desk.write("state", first["state"])))
    assert again == first


def test_text_names_who_until_when_and_why(desk: Desk) -> None:
    state = {"general": {"192.0.2.99": entry(20, START - timedelta(days=1))}, "uri": {}}
    text = "".join(row(f"203.0.113.{host}") * (10 + host) for host in range(1, 24))
    log, approved = desk.log("a", text + "rubbish\n"), desk.write("approved", ["203.0.113.9"])
    code, out, _ = desk.run("--log", log, "--state", desk.write("state", state), "--approved", approved, "--log", log)
    assert code == 0
    assert re.search(r"203\.0\.113\.23 +2026-11-24 06:00:00 +33 +33 errors in one minute \(threshold 10\)", out)
    assert "and 2 more" in out
    assert "Released: 192.0.2.99" in out
    assert "approved or your own: 203.0.113.9." in out
    assert "1 of them unreadable" in out
    assert "rubbish" in out
    assert f"Skipped: {log}" in out


def thresholds(*arguments: str | Path) -> tuple[int, str, str]:
    return scanner("threshold", "--format", "cloudfront", *arguments)


def test_thresholds_are_compared_and_drawn(desk: Desk) -> None:
    rows = "".join(row("192.0.2.1", at=START + timedelta(seconds=n), path=f"/{n}") for n in range(60))
    log, picture = desk.log("a.gz", rows + 8 * row("192.0.2.2", status=200)), desk.folder / "t.svg"
    code, out, told = thresholds("--log", log, "--picture", picture, "--json")
    assert code == 0, told
    document = json.loads(out)
    count, paths = document["detectors"]
    at_50 = next(one for one in count["outcomes"] if one["threshold"] == 50)
    assert (at_50["clients"], at_50["share"], at_50["worst_seconds"], at_50["stopped"]) == (1, 0.5, 49, 10)
    assert count["stable"] == {"low": 5, "high": 60, "clients": 1}
    assert (count["chosen"], paths["chosen"]) == (50, None)
    assert picture.read_text().startswith("<?xml")
    code, out, _ = thresholds("--log", log, "--settings", desk.folder / "settings.yaml")
    assert "10 (settings)" in out
    assert "From 5 to 60 every threshold blocks the same client" in out


def test_thresholds_refuse_what_they_cannot_use(desk: Desk) -> None:
    log = desk.log("a", row("192.0.2.1"))
    assert thresholds("--log", log, "--picture", desk.folder / "t.gif")[0] == 2
    assert thresholds("--log", log, "--picture", desk.folder / "absent" / "t.svg")[0] == 3
    assert thresholds("--log", desk.folder / "absent")[0] == 3
    assert thresholds("--log", log, "--approved", desk.write("approved", "{"))[0] == 3


CLF = re.compile(r'(\S+) \S+ \S+ \[([^\]]+)\] "\S+ ([^ "?]*)[^"]*" (\d{3})')


def test_on_a_log_of_mostly_harmless_clients_the_default_threshold_blocks_nobody(desk: Desk) -> None:
    shared = os.environ.get("LANDFALL_SHARED")
    source = Path(shared or "") / "data/access_logs/elastic_apache_logs_10k.log.gz"
    if shared is None or not source.exists():
        pytest.skip("LANDFALL_SHARED names no folder with data/access_logs/elastic_apache_logs_10k.log.gz")
    matches = map(CLF.match, gzip.decompress(source.read_bytes()).decode(errors="replace").splitlines())
    parts = [match.groups() for match in matches if match is not None]
    rows = "".join(
        row(client, at=datetime.strptime(at, "%d/%b/%Y:%H:%M:%S %z"), path=path or "/", status=int(status))
        for client, at, path, status in parts
    )
    code, out, _ = thresholds("--log", desk.log("a.gz", rows), "--json")
    document = json.loads(out)
    count, paths = ({one["threshold"]: one["clients"] for one in d["outcomes"]} for d in document["detectors"])
    assert (code, document["unreadable"], document["clients"]) == (0, 0, 1753)
    assert (count[5], count[10], count[20], count[50]) == (3, 1, 0, 0)
    assert (paths[3], paths[5], paths[10], paths[15]) == (10, 2, 1, 0)
