"""The definition: what it gives, and one sentence per mistake."""

import re
from datetime import date, time
from pathlib import Path

import pytest
import yaml

from include.fsx_migration.definition import DefinitionError, read_definition
from include.fsx_migration.definition_model import (
    Bandwidth,
    Checksums,
    Convergence,
    Limits,
    Reconciling,
    Route53Name,
    SourceKind,
    SsmName,
    Transfer,
)

ROOT = Path(__file__).resolve().parents[3]
AGENT = "arn:aws:datasync:eu-central-1:123456789012:agent/agent-0123456789abcdef0"
SMALL = f"""name: projects
source:
  kind: nfs
  server: nas01.corp.example
  subdirectory: /projects
  mount: /mnt/projects
  agents: [{AGENT}]
target:
  subdirectory: /projects
  mount: /mnt/fsx/projects
  lustre: {{storage_gib: 1200, throughput_per_tib: 125}}
  subnet_ids: [subnet-0123456789abcdef0]
cut_over:
  name: {{kind: ssm, parameter: /shares/projects}}
  old_value: nas01.corp.example
"""


def problems(text: str) -> list[str]:
    with pytest.raises(DefinitionError) as refused:
        read_definition(text)
    return [str(problem) for problem in refused.value.problems]


def only(text: str) -> str:
    found = problems(text)
    assert len(found) == 1, found
    return found[0]


def examples() -> list[str]:
    text = (ROOT / "docs" / "fsx_migration.md").read_text()
    return re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)


def test_the_example_of_the_docs_is_read() -> None:
    migration = read_definition(examples()[0])
    assert migration.bandwidth.limit_mib_s is None
    assert migration.bandwidth.holidays == {date(2026, 12, 25), date(2027, 1, 1)}
    first, second = migration.bandwidth.windows
    assert (first.days, first.start, first.end, first.limit_mib_s) == (frozenset(range(5)), time(7), time(19), 120)
    assert (second.days, second.start, second.end) == (frozenset({6}), time(22), time(2))
    assert len(migration.source.agents) == 2


def test_the_docs_name_every_key() -> None:
    text = (ROOT / "docs" / "fsx_migration.md").read_text()
    document = yaml.safe_load(examples()[0])
    shown = {key for section in document.values() if isinstance(section, dict) for key in section}
    for kind in (Bandwidth, Transfer, Convergence, Reconciling, Limits):
        assert set(kind.__dataclass_fields__) <= shown, kind
    for key in ("connection", "access_role_arn", "bucket", "zone_id", "ttl_seconds", "file_system_id", "deployment"):
        assert f"`{key}`" in text or f"{key}:" in text or key in text


def test_what_the_docs_show_as_left_out_is_the_default() -> None:
    shown, bare = read_definition(examples()[0]), read_definition(SMALL)
    assert bare.bandwidth == Bandwidth()
    for section in ("convergence", "reconciling", "limits"):
        assert getattr(shown, section) == getattr(bare, section)
    assert shown.transfer == Transfer(parts=16)
    assert bare.transfer == Transfer()


def test_a_windows_target_of_the_docs_is_read() -> None:
    document = yaml.safe_load(SMALL) | yaml.safe_load(examples()[1])
    target = read_definition(yaml.safe_dump(document)).target
    assert target.is_windows
    assert target.windows
    assert target.windows.throughput_mib_s == 256


def test_a_small_definition_gives_what_it_says() -> None:
    migration = read_definition(SMALL)
    assert migration.source.kind is SourceKind.NFS
    assert migration.source.mount == Path("/mnt/projects")
    assert migration.cut_over.name == SsmName(parameter="/shares/projects")
    assert migration.reconciling.checksums is Checksums.SAMPLE


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    text = SMALL.replace("projects\n", "Projects\n", 1).replace("1200", "1300").replace("kind: ssm", "kind: dns")
    text += "bandwith: {}\n"
    found = problems(text)
    assert [re.match(r"line (\d+)", told)[1] for told in found] == ["1", "11", "14", "16"]  # type: ignore[index]
    assert "1200 or a multiple of 2400" in found[1]
    assert "'dns' is none of route53, ssm" in found[2]
    assert "did you mean bandwidth?" in found[3]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("name: projects", "name: 7", "put it in quotes"),
        ("name: projects", "name: a/b", "lower case letters"),
        ("name: projects\n", "", "name: this key is missing"),
        ("kind: nfs", "kind: ftp", "'ftp' is none of nfs, smb, s3, object_storage"),
        ("server: nas01.corp.example", "server: nas 01", "does not do"),
        (
            "subdirectory: /projects\n  mount: /mnt/projects",
            "subdirectory: x\n  mount: /mnt/projects",
            "'x' does not do",
        ),
        ("subdirectory: /projects\n  mount: /mnt/p", "subdirectory: /a/../b\n  mount: /mnt/p", "goes through . or .."),
        ("mount: /mnt/projects", "mount: mnt", "no absolute path"),
        ("mount: /mnt/projects", "mount: /mnt/fsx", "lie in each other"),
        (f"[{AGENT}]", "[]", "at least one DataSync agent"),
        (f"[{AGENT}]", f"[{AGENT}, {AGENT}]", "stands twice"),
        (f"[{AGENT}]", f"[{AGENT}, {AGENT.replace('eu-central-1', 'eu-west-1')}]", "several Regions"),
        (f"[{AGENT}]", "[agent-1]", "no agent's ARN"),
        ("kind: nfs", "kind: nfs\n  bucket: corp", "has no bucket"),
        ("kind: nfs", "kind: smb", "connection: this key is missing"),
        ("throughput_per_tib: 125", "throughput_per_tib: 100", "one of 125, 250, 500, 1000"),
        ("subnet_ids: [subnet-0123456789abcdef0]", "subnet_ids: []", "0 subnets; this file system takes 1"),
        ("  lustre: {storage_gib: 1200, throughput_per_tib: 125}\n", "", "describe the file system"),
        ("old_value: nas01.corp.example", "old_value: a\n  new_value: a", "nothing would be switched"),
        ("parameter: /shares/projects", "parameter: /a b", "no parameter name"),
    ],
)
def test_this_is_told(old: str, new: str, told: str) -> None:
    assert old in SMALL
    assert told in only(SMALL.replace(old, new, 1))


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("bandwidth: {time_zone: Mars/Base}", "no time zone"),
        ("bandwidth: {limit_mib_s: -3}", "'-3' is no number from 0.01 to 1e+06, nor unlimited"),
        ("bandwidth: {windows: [{days: [mon], start: 7h, end: '19:00', limit_mib_s: 5}]}", "'7h' is no time"),
        ("bandwidth: {windows: [{days: [noday], start: 7:00, end: 19:00, limit_mib_s: 5}]}", "none of mon, tue"),
        ("bandwidth: {windows: [{days: [mon], start: 7:00, end: 19:00}]}", "limit_mib_s is missing"),
        ("bandwidth: {windows: [{start: 7:00, end: 19:00, limit_mib_s: 5}]}", "days is missing"),
        ("bandwidth: {holidays: [christmas]}", "'christmas' is no day"),
        ("transfer: {mode: ENHANCED, verify: POINT_IN_TIME_CONSISTENT}", "Enhanced mode does not verify"),
        ("transfer: {max_files: 60000000}", "more than Basic mode takes"),
        ("transfer: {log_group: 'a b'}", "no log group"),
        ("convergence: {shrink_at_least: 2}", "no number from 0 to 1"),
        ("reconciling: {checksums: md5}", "none of none, sample, all"),
        ("reconciling: {owner: maybe}", "neither true nor false"),
        ("limits: {free_share: nan}", "no number"),
        ("limits: {free_shar: 0.2}", "did you mean free_share?"),
    ],
)
def test_this_is_told_of_an_optional_section(section: str, told: str) -> None:
    assert told in only(SMALL + section + "\n")


def test_times_need_no_quotes_and_midnight_may_be_24() -> None:
    text = SMALL + "bandwidth: {windows: [{days: [sat], start: 7:30, end: 24:00, limit_mib_s: unlimited}]}\n"
    (window,) = read_definition(text).bandwidth.windows
    assert (window.start, window.end, window.limit_mib_s) == (time(7, 30), time(0), None)


def test_s3_needs_a_role_and_no_agents() -> None:
    s3 = """source:
  kind: s3
  bucket: corp-archive
  access_role_arn: arn:aws:iam::123456789012:role/reads
  subdirectory: /
  mount: /mnt/archive
"""
    text = re.sub(r"source:\n(  .*\n)+", s3, SMALL, count=1)
    assert read_definition(text).source.agents == ()
    assert "DataSync reads S3 without agents" in only(text.replace("kind: s3", f"kind: s3\n  agents: [{AGENT}]"))


def test_an_adopted_file_system_needs_no_description() -> None:
    text = SMALL.replace("lustre: {storage_gib: 1200, throughput_per_tib: 125}", "file_system_id: fs-0123456789abcdef0")
    target = read_definition(text.replace("  subnet_ids: [subnet-0123456789abcdef0]\n", "")).target
    assert (target.file_system_id, target.lustre, target.is_windows) == ("fs-0123456789abcdef0", None, False)


def test_clients_may_follow_a_record() -> None:
    text = SMALL.replace("{kind: ssm, parameter: /shares/projects}", "{kind: route53, zone_id: Z1, record: p.corp}")
    assert read_definition(text).cut_over.name == Route53Name(zone_id="Z1", record="p.corp", ttl_seconds=60)


@pytest.mark.parametrize("text", ["", "- a", "a: &x 1\nb: *x", "\tname: x", "name: [" * 50])
def test_what_is_no_plain_mapping_is_told_in_a_sentence(text: str) -> None:
    assert re.match(r"line \d+: ", problems(text)[0])
