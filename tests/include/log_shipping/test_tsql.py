"""Statements: their text, and that no name or text leaves its quotes."""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.log_shipping import tsql

PRINTABLE = st.characters(exclude_categories=["Cc", "Cs"])
NAMES = st.text(PRINTABLE, min_size=1, max_size=64)
TEXTS = st.text(PRINTABLE, max_size=200) | st.sampled_from(
    ["'; DROP DATABASE Sales--", "]; SHUTDOWN--", "x'y", "''", "]]", "--", "/*", "N'", "[", "%s", "a%(b)s"]
)


def split(text: str) -> tuple[str, list[str]]:
    """Read a statement as SQL Server does: its skeleton with `?` for each quoted part, and the parts."""
    skeleton, parts, at = "", [], 0
    while at < len(text):
        opening = next((mark for mark in ("N'", "[") if text.startswith(mark, at)), None)
        if opening is None:
            assert text[at] not in "'\"]", "a quote outside a quoted part"
            skeleton, at = skeleton + text[at], at + 1
            continue
        close, at, value = ("'" if opening == "N'" else "]"), at + len(opening), ""
        while text[at] != close or text[at + 1 : at + 2] == close:
            step = 2 if text[at] == close else 1
            value, at = value + text[at], at + step
        parts.append(value)
        skeleton, at = skeleton + "?", at + 1
    return skeleton, parts


BUILDERS: list[tuple[Callable[[str, str], tsql.Statement], tsql.Statement]] = [
    (build, build("d", "p"))
    for build in (
        lambda name, text: tsql.back_up_database(database=name, path=[text or "-", text + "2"]),
        lambda name, text: tsql.back_up_log(database=name, path=text or "-", no_recovery=True),
        lambda name, text: tsql.restore_database(
            database=name, path=text or "-", after="standby", standby_file=text, moves={text: text}, replace=True
        ),
        lambda name, text: tsql.restore_log(database=name, path=text or "-"),
        lambda name, text: tsql.recover(name),
        lambda name, text: tsql.header_only(text or "-"),
        lambda name, text: tsql.set_single_user(name),
        lambda name, text: tsql.drop_database(name),
        lambda name, text: tsql.sessions(text),
        lambda name, text: tsql.check_database(text),
        lambda name, text: tsql.row_counts(name, [(name, name)]),
        lambda name, text: tsql.set_agent_job(text, enabled=False),
        lambda name, text: tsql.agent_jobs([text]),
        lambda name, text: tsql.msdb_backups(text, since=datetime.fromisoformat("2026-05-31")),
        lambda name, text: tsql.write_probe(name, token=text),
        lambda name, text: tsql.put_monitor_primary(
            primary_id="id", server=text, database=text, backup_threshold=15, last_file=text, last_at=None,
            last_at_utc=None,
        ),
    )
]  # fmt: skip


@pytest.mark.parametrize(("build", "plain"), BUILDERS)
@given(name=NAMES, text=TEXTS)
def test_no_name_and_no_text_changes_the_statement_around_it(
    build: Callable[[str, str], tsql.Statement], plain: tsql.Statement, name: str, text: str
) -> None:
    statement = build(name, text)
    assert split(statement.text)[0] == split(plain.text)[0]
    assert statement.parameters == ()


@given(name=NAMES, text=TEXTS)
def test_quoted_parts_read_back_as_they_were(name: str, text: str) -> None:
    assert split(tsql.identifier(name) + tsql.literal(text)) == ("??", [name, text])


@pytest.mark.parametrize("name", ["", "a" * 129, "😀" * 65, "a\0b", "a\nb", "\ud800"])
def test_name_that_sql_server_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        tsql.identifier(name)


@pytest.mark.parametrize("text", ["a\0b", "a\r\nGO\r\n", "\x7f", "\udfff"])
def test_control_characters_are_refused_in_texts(text: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        tsql.literal(text)


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        (
            tsql.back_up_database(database="Sales", path="/b/a.bak", copy_only=True, compression=False),
            "BACKUP DATABASE [Sales] TO DISK = N'/b/a.bak' WITH COPY_ONLY, INIT, CHECKSUM, NO_COMPRESSION, STATS = 10",
        ),
        (
            tsql.back_up_database(database="Sales", path=["/b/1", "/b/2"], differential=True),
            ("BACKUP DATABASE [Sales] TO DISK = N'/b/1', DISK = N'/b/2' WITH DIFFERENTIAL, INIT, CHECKSUM, "
            "COMPRESSION, STATS = 10"),
        ),
        (
            tsql.back_up_log(database="Sales", path="/b/t.trn", no_recovery=True, no_truncate=True),
            ("BACKUP LOG [Sales] TO DISK = N'/b/t.trn' WITH NORECOVERY, NO_TRUNCATE, INIT, CHECKSUM, COMPRESSION, "
            "STATS = 10"),
        ),
        (
            tsql.restore_database(database="Sales", path="/c/a.bak", moves={"Sales_log": "/l/x.ldf"}, replace=True),
            ("RESTORE DATABASE [Sales] FROM DISK = N'/c/a.bak' WITH NORECOVERY, MOVE N'Sales_log' TO N'/l/x.ldf', "
            "REPLACE, FILE = 1, STATS = 10"),
        ),
        (
            tsql.restore_log(
                database="Sales", path="/c/a.trn", after=tsql.After.STANDBY, standby_file="/c/u.tuf",
                stop_at=datetime.fromisoformat("2026-05-31T08:00:00.997"),
            ),
            ("RESTORE LOG [Sales] FROM DISK = N'/c/a.trn' WITH STANDBY = N'/c/u.tuf', "
            "STOPAT = N'2026-05-31T08:00:00.997', FILE = 1, STATS = 10"),
        ),
        (tsql.recover("Sa]les"), "RESTORE DATABASE [Sa]]les] WITH RECOVERY"),
        (tsql.verify_only("/c/a"), "RESTORE VERIFYONLY FROM DISK = N'/c/a' WITH FILE = 1, CHECKSUM"),
        (tsql.set_single_user("Sales"), "ALTER DATABASE [Sales] SET SINGLE_USER WITH ROLLBACK IMMEDIATE"),
        (tsql.kill(55), "KILL 55"),
        (
            tsql.read_probe("Sales", token="t"),
            "USE [Sales]; SELECT token, at FROM dbo.landfall_probe WHERE token = N't'; USE [master];",
        ),
    ],
)  # fmt: skip
def test_statements_read_as_an_operator_would_write_them(statement: tsql.Statement, text: str) -> None:
    assert str(statement) == text


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: tsql.back_up_database(database="a", path="b", copy_only=True, differential=True), "copy-only"),
        (lambda: tsql.back_up_log(database="a", path=[]), "no file is named"),
        (lambda: tsql.header_only(""), "no file is named"),
        (lambda: tsql.restore_log(database="a", path="b", after="standby"), "undo file"),
        (lambda: tsql.restore_log(database="a", path="b", standby_file="u"), "undo file"),
        (lambda: tsql.restore_log(database="a", path="b", stop_at=datetime(2026, 1, 1, tzinfo=UTC)), "has a zone"),
        (lambda: tsql.restore_log(database="a", path="b", after="sideways"), "sideways"),
        (lambda: tsql.kill(0), "is no session"),
        (lambda: tsql.row_counts("a", []), "no table is named"),
        (lambda: tsql.agent_jobs([]), "no job is named"),
    ],
)
def test_statement_that_makes_no_sense_is_refused(build: Callable[[], Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        build()


def test_numbers_are_numbers() -> None:
    not_numbers: list[Any] = ["1; SHUTDOWN", True, 1.5]
    for wrong in not_numbers:
        with pytest.raises(TypeError):
            tsql.file_list_only("/a", file=wrong)


def test_statements_are_built_without_formatted_strings() -> None:
    """The one place for f-strings is an error's sentence."""
    for module in ("quoting", "media", "databases", "history", "canary"):
        source = inspect.getsource(__import__(f"include.log_shipping.tsql.{module}", fromlist=["x"]))
        assert [line for line in source.splitlines() if ' f"' in line and "Error(" not in line] == []
