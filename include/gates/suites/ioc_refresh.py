"""What new mail, candidate indicators and a change of the indicator set owe before the table may change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.gates.result import Severity
from include.gates.suite import ColumnKind, GateExpectation, GateSuite

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_DOMAIN = 253  # characters, RFC 1035 section 2.3.4 without the root's dot
_LONGEST_VALUE = 2048  # bytes, DynamoDB's limit of a partition key; a text of ASCII has as many characters
_HOURS_AHEAD = 1  # clocks and time zones of sending hosts are wrong by that much; the front door takes no more either


def new_mail_suite(
    *, latest_days: int = 30, most_parts: int = 5_000, quarantine_limit: float = 0.2, quarantine_rows: int = 100
) -> GateSuite:
    """Set aside mails that are unnamed, repeated, far from their arrival or absurd in their counts.

    One row per mail: `lateness_hours` is arrived_at - received_at, `hours_ahead` its negative, both in hours;
    `duplicate` says that an earlier row or an earlier partition holds the same mail. `most_parts` bounds the links,
    attachments and receivers of one mail.
    """
    counts = ("url_count", "attachment_count", "receiver_count")
    return GateSuite(
        name="ioc_refresh_new_mail",
        columns={
            "mail_id": ColumnKind.TEXT,
            "received_at": ColumnKind.TIMESTAMP,
            "arrived_at": ColumnKind.TIMESTAMP,
            "sender_domain": ColumnKind.TEXT,
            "duplicate": ColumnKind.FLAG,
            "lateness_hours": ColumnKind.NUMBER,
            "hours_ahead": ColumnKind.NUMBER,
            **dict.fromkeys(counts, ColumnKind.WHOLE_NUMBER),
        },
        expectations=(
            _present("mail_id", Severity.QUARANTINE, "Mails without an id", "no id"),
            _present("received_at", Severity.QUARANTINE, "Mails without a time", "no time"),
            _present("arrived_at", Severity.QUARANTINE, "Mails without an arrival time", "no arrival time"),
            _lengths("mail_id", Severity.QUARANTINE, most=200, reason="id longer than 200 characters or empty"),
            _lengths(
                "sender_domain", Severity.QUARANTINE, most=_LONGEST_DOMAIN, reason="sender domain of wrong length"
            ),
            _between(
                "lateness_hours",
                Severity.QUARANTINE,
                "Mails received more than {max_value} h before they arrived: {count} of {rows} (e.g. {examples}).",
                reason=f"received more than {latest_days} days before it arrived",
                max_value=latest_days * 24,
            ),
            _between(
                "hours_ahead",
                Severity.QUARANTINE,
                "Mails received more than {max_value} h after they arrived: {count} of {rows} (e.g. {examples}).",
                reason="received after it arrived",
                max_value=_HOURS_AHEAD,
            ),
            *(
                _between(
                    column,
                    Severity.QUARANTINE,
                    "Mails whose {column} is not between {min_value} and {max_value}: {count} (e.g. {examples}).",
                    reason=f"{column} out of range",
                    min_value=0,
                    max_value=most_parts,
                )
                for column in counts
            ),
            _false("duplicate", Severity.QUARANTINE, "Mails seen before: {count} of {rows}.", reason="duplicate"),
        ),
        quarantine_limit=quarantine_limit,
        quarantine_rows=quarantine_rows,
        identity=("mail_id",),
    )


def candidates_suite(
    *, kinds: Iterable[str], evidence_columns: tuple[str, ...] = (), owed_rows_at_least: int = 1
) -> GateSuite:
    """Block a candidate set that names a popular or infrastructure domain, a benign sighting or no evidence.

    One row per (kind, value). `kinds` are the kinds of indicator the queries may give; `evidence_columns` are further
    columns that must not be null. Nothing is set aside: one wrong indicator says that the query is wrong.
    """
    always = ("kind", "value", "query_version", "last_day", "expires_at")
    return GateSuite(
        name="ioc_refresh_candidates",
        columns={
            "kind": ColumnKind.TEXT,
            "value": ColumnKind.TEXT,
            "query_version": ColumnKind.TEXT,
            "malicious": ColumnKind.WHOLE_NUMBER,
            "benign": ColumnKind.WHOLE_NUMBER,
            "popular": ColumnKind.FLAG,
            "infrastructure": ColumnKind.FLAG,
        },
        expectations=(
            *(
                _present(column, Severity.BLOCK, f"Indicators without {column}", f"no {column}")
                for column in (*always, "malicious", "benign", "popular", "infrastructure", *evidence_columns)
            ),
            _lengths("value", Severity.BLOCK, most=_LONGEST_VALUE, reason="value of wrong length"),
            GateExpectation(
                "ExpectColumnValuesToBeInSet",
                {"column": "kind", "value_set": sorted(str(kind) for kind in kinds)},
                Severity.BLOCK,
                "Indicators of an unknown kind: {count} (e.g. {examples}); known are {value_set}.",
                "unknown kind",
            ),
            GateExpectation(
                "ExpectCompoundColumnsToBeUnique",
                {"column_list": ["kind", "value"]},
                Severity.BLOCK,
                "Indicators given more than once: {count} rows (e.g. {examples}); the query must group by kind, value.",
                "given more than once",
            ),
            _false("popular", Severity.BLOCK, "Indicators inside the popular domains: {count} ({examples})."),
            _false("infrastructure", Severity.BLOCK, "Indicators inside shared infrastructure: {count} ({examples})."),
            _between("benign", Severity.BLOCK, "Indicators seen in benign mail: {count} ({examples}).", max_value=0),
            _between(
                "malicious", Severity.BLOCK, "Indicators without malicious mail: {count} ({examples}).", min_value=1
            ),
        ),
        owed_rows_at_least=owed_rows_at_least,
        identity=("kind", "value"),
    )


def change_suite(*, max_change_share: float = 0.2) -> GateSuite:
    """Block a change of the indicator set by more than a share of it; the frame is one row of `change_summary`."""
    return GateSuite(
        name="ioc_refresh_change",
        columns={
            "previous": ColumnKind.WHOLE_NUMBER,
            "added": ColumnKind.WHOLE_NUMBER,
            "removed": ColumnKind.WHOLE_NUMBER,
            "change_share": ColumnKind.NUMBER,
        },
        expectations=(
            GateExpectation(
                "ExpectTableRowCountToEqual",
                {"value": 1},
                Severity.BLOCK,
                "The change summary has {observed} rows instead of {value}; check the diff.",
            ),
            _present("change_share", Severity.BLOCK, "Summaries without a share", "no share"),
            _between(
                "change_share",
                Severity.BLOCK,
                "The indicator set would change by more than a share of {max_value} (previous, added, removed: "
                "{examples}); look at the change list and approve it or mend the query.",
                min_value=0.0,
                max_value=max_change_share,
            ),
        ),
        identity=("previous", "added", "removed"),
    )


def change_summary(*, previous: int, added: int, removed: int, smallest_set: int = 100) -> dict[str, int | float]:
    """Return the row that `change_suite` judges; the share is (added + removed) / previous.

    A set of fewer than `smallest_set` indicators counts as that many: three new ones of five are no mass change.
    """
    share = (added + removed) / max(previous, smallest_set)
    return {"previous": previous, "added": added, "removed": removed, "change_share": share}


def _present(column: str, severity: Severity, sentence: str, reason: str) -> GateExpectation:
    return GateExpectation(
        "ExpectColumnValuesToNotBeNull", {"column": column}, severity, f"{sentence}: {{count}} of {{rows}}.", reason
    )


def _lengths(column: str, severity: Severity, *, most: int, reason: str) -> GateExpectation:
    sentence = "Values of {column} that are empty or longer than {max_value} characters: {count} (e.g. {examples})."
    kwargs = {"column": column, "min_value": 1, "max_value": most}
    return GateExpectation("ExpectColumnValueLengthsToBeBetween", kwargs, severity, sentence, reason)


def _between(column: str, severity: Severity, sentence: str, *, reason: str = "", **bounds: Any) -> GateExpectation:
    return GateExpectation("ExpectColumnValuesToBeBetween", {"column": column, **bounds}, severity, sentence, reason)


def _false(column: str, severity: Severity, sentence: str, *, reason: str = "") -> GateExpectation:
    kwargs = {"column": column, "value_set": [False]}
    return GateExpectation("ExpectColumnValuesToBeInSet", kwargs, severity, sentence, reason or column)
