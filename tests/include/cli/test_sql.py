"""`landfall sql plan-restore` from outside: exit codes, sentences, JSON."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from include.cli.settings import project_root
from tests.include.log_shipping.backup_histories import at, document, entry

CHAIN = [
    entry("full", "Database", 100, 120, started=0),
    entry("log-1", "Log", 100, 150, started=10),
    entry("log-2", "Log", 150, 180, started=20),
]


def plan(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "include.cli.main", "sql", "plan-restore", "--headers", "-", *arguments],
        cwd=project_root(), input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_plan_is_json_with_ids_as_they_were_given() -> None:
    ended = plan(document(*CHAIN), "--to", at(15), "--json")
    assert ended.returncode == 0
    assert json.loads(ended.stdout) == {
        "restores": ["full", "log-1", "log-2"],
        "chain": {"proven": True, "reason": None, "at": None},
        "reaches": {"lsn": "180", "time": at(15)},
    }


def test_unproven_plan_ends_with_0_and_says_where(tmp_path: Path) -> None:
    file = tmp_path / "headers.json"
    file.write_text("\ufeff" + document(CHAIN[0], CHAIN[2]), encoding="utf-8")
    ended = plan("", "--headers", str(file))
    assert ended.returncode == 0
    assert "The chain is NOT proven; it reaches LSN 120" in ended.stdout
    assert "Log backup log-2 begins at LSN 150, but the restore stands at LSN 120" in ended.stdout


def test_flags_choose_what_is_left_out() -> None:
    differential = entry("diff", "Differential", 155, 160, started=15, DatabaseBackupLSN=100)
    text = document(*CHAIN, differential)
    assert json.loads(plan(text, "--json").stdout)["restores"] == ["full", "diff", "log-2"]
    assert json.loads(plan(text, "--json", "--ignore-logs").stdout)["restores"] == ["full", "diff"]
    assert json.loads(plan(text, "--json", "--ignore-diffs").stdout)["restores"] == ["full", "log-1", "log-2"]


def test_fork_without_logs_is_not_proven() -> None:
    ended = plan(document(*CHAIN), "--continue-from", "150", "--fork", "fork-z", "--json")
    answer = json.loads(ended.stdout)
    assert (ended.returncode, answer["restores"], answer["chain"]["proven"]) == (0, [], False)
    assert "FORK-Z" in answer["chain"]["reason"]
    continued = plan(document(*CHAIN), "--continue-from", "150", "--fork", "fork-a", "--json")
    assert json.loads(continued.stdout)["restores"] == ["log-1", "log-2"]


@pytest.mark.parametrize(
    ("text", "arguments", "told"),
    [
        (document(*CHAIN[1:]), [], "Nothing can be restored: none of the 2 backups is a full one"),
        (document(), [], "Nothing can be restored: there are no backups."),
        ("{", [], "- is no JSON"),
        ("[" * 100_000, [], "- is no JSON"),
        (document(CHAIN[0] | {"FirstLSN": "x"}), [], "-: backups[0].FirstLSN is 'x': write an LSN"),
        (document(CHAIN[0], CHAIN[0] | {"DatabaseName": "Stock", "BackupSetGUID": 2}), [], "2 databases"),
        (document(*CHAIN), ["--database", "Stock"], "No header is of database Stock"),
        ("", ["--headers", "/nowhere/headers.json"], "/nowhere/headers.json cannot be read"),
    ],
)
def test_refusal_ends_with_3_and_a_sentence(text: str, arguments: list[str], told: str) -> None:
    ended = plan(text, *arguments)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_refusal_is_json_when_json_was_asked_for() -> None:
    ended = plan(document(), "--json")
    assert ended.returncode == 3
    assert json.loads(ended.stdout)["error"] == "Nothing can be restored: there are no backups."


@pytest.mark.parametrize(
    "arguments",
    [["--to", "soon"], ["--continue-from", "5"], ["--fork", "x"], ["--continue-from", "x", "--fork", "y"], ["--no"]],
)
def test_wrong_usage_ends_with_2(arguments: list[Any]) -> None:
    assert plan(document(*CHAIN), *arguments).returncode == 2


def test_one_of_several_databases_can_be_chosen() -> None:
    other = CHAIN[0] | {"DatabaseName": "Stock", "BackupSetGUID": 2}
    assert json.loads(plan(document(*CHAIN, other), "--database", "stock", "--json").stdout)["restores"] == [2]
