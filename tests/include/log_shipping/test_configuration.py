"""The configuration file: what it gives, and one sentence per mistake."""

import json

import pytest

from include.log_shipping.configuration import (
    AlertThresholds,
    ConfigurationError,
    Folder,
    RestoreMode,
    Route53Redirect,
    SsmRedirect,
    read_configuration,
)

SERVERS = r"""servers:
  SQLFCI01:
    connection: mssql_primary
    backup_folder: {server: '\\fsx\backups', worker: /mnt/primary/backups}
    copy_folder: {server: 'D:\Copies', worker: /mnt/primary/copies}
  EC2SQL02:
    connection: mssql_secondary
    backup_folder: {server: /var/backups, worker: /mnt/secondary/backups}
    copy_folder: {server: /var/copies, worker: /mnt/secondary/copies}
"""
ROUTE = "{kind: route53, hosted_zone_id: Z1, record: sales.example.com, targets: {SQLFCI01: a, EC2SQL02: b}}"
FULL = f"""{SERVERS}defaults:
  primary: SQLFCI01
  secondary: EC2SQL02
  keep_hours: 48
databases:
  - name: Sales
    restore_mode: standby
    backup_every_minutes: 10
    alert_after_minutes: {{backup: 40}}
    evict_readers: true
    data_folder: {{EC2SQL02: 'E:\\Data'}}
    jobs: [Nightly]
    redirect: {ROUTE}
  - name: Stock
    keep_hours: 24
    redirect: {{kind: ssm, parameter: /db/stock, values: {{SQLFCI01: a, EC2SQL02: b}}}}
"""


def one(line: str, *, servers: str = SERVERS) -> str:
    return f"{servers}databases:\n  - name: Sales\n    primary: SQLFCI01\n    secondary: EC2SQL02\n    {line}\n"


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        read_configuration(text)
    return [str(problem) for problem in refused.value.problems]


def test_database_takes_its_own_setting_then_the_default_then_ours() -> None:
    configuration = read_configuration(FULL)
    sales, stock = configuration.databases
    assert (sales.keep_hours, stock.keep_hours) == (48, 24)
    assert (sales.primary, stock.secondary) == ("SQLFCI01", "EC2SQL02")
    assert (sales.restore_mode, stock.restore_mode) == (RestoreMode.STANDBY, RestoreMode.NORECOVERY)
    assert sales.alert_after_minutes == AlertThresholds(backup=40, copy=30, restore=30)
    assert stock.alert_after_minutes == AlertThresholds(15, 15, 15)
    assert (sales.jobs, sales.data_folder) == (("Nightly",), {"EC2SQL02": "E:\\Data"})
    assert isinstance(sales.redirect, Route53Redirect)
    assert (sales.redirect.ttl, sales.redirect.targets) == (30, {"SQLFCI01": "a", "EC2SQL02": "b"})
    assert stock.redirect == SsmRedirect(parameter="/db/stock", values={"SQLFCI01": "a", "EC2SQL02": "b"})
    assert configuration.servers["EC2SQL02"].connection == "mssql_secondary"
    assert (sales.other("SQLFCI01"), sales.other("EC2SQL02")) == ("EC2SQL02", "SQLFCI01")
    assert configuration.database("STOCK") is stock


def test_document_of_a_configuration_reads_as_the_same_configuration() -> None:
    configuration = read_configuration(FULL)
    assert read_configuration(json.dumps(configuration.to_document())) == configuration


def test_file_is_one_file_for_the_server_and_for_the_worker() -> None:
    pair = Folder(r"\\fsx\backups", "/mnt/b").file("Sa/les", "a.trn")
    assert (pair.server_path, str(pair.worker_path)) == (r"\\fsx\backups\Sa%2Fles\a.trn", "/mnt/b/Sa%2Fles/a.trn")
    assert Folder("/var/b/", "/mnt/b").file("Sales", "a.trn").server_path == "/var/b/Sales/a.trn"
    assert Folder("D:\\", "/mnt/b").of("Sales").server == "D:\\Sales"
    for name in ("", "..", "a/b", "a\\b", "a\nb"):
        with pytest.raises(ValueError, match="is no file name"):
            Folder("/var/b", "/mnt/b").file("Sales", name)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("keep_hours: 0", "line 14, databases[0].keep_hours: '0' is no whole number from 1 to 8784."),
        ("keep_hours: yes", "line 14, databases[0].keep_hours: 'yes' is no whole number from 1 to 8784."),
        ("keep_hour: 5", "line 14, databases[0].keep_hour: this key is unknown; did you mean keep_hours?"),
        ("restore_mode: x", "line 14, databases[0].restore_mode: 'x' is none of norecovery, standby."),
        ("canary: 1", "line 14, databases[0].canary: '1' is neither true nor false."),
        ("jobs: Nightly", "line 14, databases[0].jobs: this must be a list; begin each entry with `- `."),
        ("jobs: [1]", "line 14, databases[0].jobs: each entry must be a text that is not empty; put it in quotes."),
        ("data_folder: {X: /a}", ("line 14, databases[0].data_folder.X: X is not under servers; write one of SQLFCI01, "
         "EC2SQL02.")),
        ("alert_after_minutes: {copy: 2}", ("line 14, databases[0].alert_after_minutes.copy: 2 is less than "
         "backup_every_minutes (5): it would always alert.")),
        ("redirect: {kind: dns}", "line 14, databases[0].redirect.kind: 'dns' is none of route53, ssm."),
        ("redirect: {kind: ssm, parameter: /a, values: {SQLFCI01: a}}",
         "line 14, databases[0].redirect.values: values has no value for EC2SQL02; add it."),
        ("primary: SQLFCI01", "line 14, databases[0].primary: this key stands twice; keep one."),
        ("compression: [", ("line 15: this is no YAML (did not find expected node content); correct the line or the "
         "one above.")),
    ],
)  # fmt: skip
def test_mistake_is_named_with_line_path_and_remedy(line: str, told: str) -> None:
    assert problems(one(line)) == [told]


def test_all_mistakes_are_named_at_once_and_a_wrong_default_once() -> None:
    text = FULL.replace("keep_hours: 48", "evict_readers: 5").replace("    keep_hours: 24\n", "").replace("D:", "D")
    text = text.replace("    evict_readers: true\n", "").replace("EC2SQL02\n  evict", "EC2SQL03\n  evict")
    assert problems(text) == [
        (
            r"line 5, servers.SQLFCI01.copy_folder.server: 'D\\Copies' is no absolute path; write for example "
            r"'\\fsx\backups', or D:\Backups."
        ),
        "line 12, defaults.secondary: EC2SQL03 is not under servers; write one of SQLFCI01, EC2SQL02.",
        "line 13, defaults.evict_readers: '5' is neither true nor false.",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: this is no mapping; begin with `servers:` and `databases:`."),
        ("- a", "line 1: this is no mapping; begin with `servers:` and `databases:`."),
        ("a: &x 1\nb: *x", "line 2: the alias *x is not read; write it out."),
        ("a: " + "[" * 50, "line 1: the nesting is deeper than 12 levels; flatten it."),
        ("a: " + "x" * 1024 * 1024, "line 1: the text has 1048579 bytes; at most 1048576 are read."),
        ("a: !!python/object:os.system 1", "line 1, a: this key is unknown; known are databases, defaults, servers."),
        (SERVERS, "line 1, databases: this key is missing; write for example databases: a list"),
        (SERVERS + "databases: []", ("line 10, databases: this must be a list with at least one entry; begin each with "
         "`- `.")),
        (SERVERS + "databases: [Sales]", "line 10, databases[0]: this must be a mapping, as `- name: Sales`."),
    ],
)  # fmt: skip
def test_text_of_another_shape_is_refused(text: str, told: str) -> None:
    assert told in problems(text)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("name: Stock", "name: SALES", "SALES stands already in line 15; keep one."),
        ("name: Stock", "name: msdb", "msdb is a system database; SQL Server does not ship it."),
        ("name: Stock", "name: 2024", "'2024' is read as a number; put it in quotes if it is meant as text."),
        ("name: Stock", f"name: {'é' * 60}", "is too long for a file name"),
        ("name: Stock", 'name: "a\\nb"', "is empty or holds control characters"),
        ("secondary: EC2SQL02", "secondary: SQLFCI01", "SQLFCI01 is the primary as well; name the other server."),
        ("/mnt/primary/copies", "/mnt/primary/backups/", "copy_folder.worker is the folder of SQLFCI01.backup_folder"),
        ("/mnt/primary/copies", "/mnt/../copies", "'/mnt/../copies' is no absolute path"),
        ("  EC2SQL02:\n", "  sqlfci01:\n", "this server stands twice; keep one."),
    ],
)
def test_settings_that_contradict_each_other_are_refused(old: str, new: str, told: str) -> None:
    assert any(told in problem for problem in problems(FULL.replace(old, new, 1)))


def test_unknown_database_is_named_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"it has Sales, Stock\."):
        read_configuration(FULL).database("Payroll")
