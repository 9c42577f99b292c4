"""`landfall scanner`: apply the rules to logs in files, and compare thresholds on them."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from include.cli.output import print_json
from include.cli.refusal import EXIT_USAGE, RefusalError
from include.scanner_block.policy_model import LogFormat

if TYPE_CHECKING:
    from include.scanner_block.addresses import Networks
    from include.scanner_block.blocking.state_model import SourceState
    from include.scanner_block.policy_model import Policy, Rules

app = typer.Typer(no_args_is_help=True, help="Scanner block: whom the rules would have blocked in logs of the past.")

Logs = Annotated[list[Path], typer.Option("--log", help="An access log, gzip or plain; may be given several times.")]
Format = Annotated[LogFormat, typer.Option("--format", help="What wrote the logs.")]
Approved = Annotated[Path | None, typer.Option("--approved", help="Approved addresses and networks, as JSON.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command("backtest")
def backtest_command(
    *,
    log: Logs,
    log_format: Format,
    settings: Annotated[Path, typer.Option(help="Settings as YAML (docs/scanner_block/policy.md).")],
    now: Annotated[str, typer.Option(help="The time to decide for, as 2026-11-24T05:15:00Z; UTC without a zone.")],
    state: Annotated[Path | None, typer.Option(help="Who is blocked before: `state` of a back-test.")] = None,
    approved: Approved = None,
    as_json: Json = False,
) -> None:
    """Say who would have been blocked at a time, until when and why, and who would have been released."""
    from include.cli.scanner_report import print_backtest
    from include.scanner_block.study.backtest import backtest

    at = _time(now)
    policy = _policy(settings)
    spared, before = _approved(approved, now=at), _state(state, policy.rules)
    with _logs_are_read(log):
        found = backtest(log, log_format=log_format, policy=policy, state=before, approved=spared, now=at)
    if as_json:
        print_json(found.to_document())
    else:
        print_backtest(found, now=at)


@app.command("threshold")
def threshold_command(
    *,
    log: Logs,
    log_format: Format,
    settings: Annotated[Path | None, typer.Option(help="Settings as YAML; their thresholds are marked.")] = None,
    approved: Approved = None,
    picture: Annotated[Path | None, typer.Option(help="File to draw the comparison to, .svg or .png.")] = None,
    as_json: Json = False,
) -> None:
    """Show for a range of thresholds whom each would have blocked and how soon, to choose before it goes live."""
    from include.cli.scanner_report import print_study
    from include.scanner_block.addresses import Networks
    from include.scanner_block.study.backtest import count_logs
    from include.scanner_block.study.threshold_picture import draw_thresholds, is_picture
    from include.scanner_block.study.thresholds import compare_thresholds, study_rules

    if picture is not None and not is_picture(picture):
        _refuse_usage(f"{picture} is no picture that can be drawn; let its name end in .svg or .png.")
    policy = _policy(settings)
    spared = _approved(approved, now=None) | Networks.of(policy.own_networks)
    with _logs_are_read(log):
        counts, skipped = count_logs(log, log_format=log_format, rules=study_rules(policy.rules, log_format))
    study = compare_thresholds(counts, rules=policy.rules, log_format=log_format, spared=spared)
    if picture is not None:
        try:
            draw_thresholds(study, picture)
        except OSError as error:
            raise RefusalError(f"{picture} cannot be written ({error.strerror}): name another file.") from error
    if as_json:
        print_json({**study.to_document(), "skipped_objects": [str(one) for one in skipped]})
    else:
        print_study(study, skipped=skipped, picture=picture)


def _refuse_usage(sentence: str) -> None:
    sys.stderr.write(f"landfall: {sentence}\n")
    raise typer.Exit(EXIT_USAGE)


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time; write it as 2026-11-24T05:15:00Z.", param_hint="--now"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


@contextmanager
def _logs_are_read(logs: list[Path]) -> Iterator[None]:
    """Refuse logs that are no files before anything is counted, and those that fail while they are read."""
    for log in logs:
        if not log.is_file():
            raise RefusalError(f"The log {log} is not a file: give the path of an existing one.")
    try:
        yield
    except OSError as error:
        raise RefusalError(
            f"The log {error.filename or 'being read'} cannot be read ({error.strerror or error}): "
            "nothing was decided; make it readable and run again."
        ) from error


def _policy(file: Path | None) -> "Policy":
    from include.scanner_block.policy import PolicyRefusedError, read_policy

    if file is None:
        return read_policy("", source="the defaults")
    try:
        return read_policy(_bytes(file, "settings").decode(), source=str(file))
    except PolicyRefusedError as error:
        raise RefusalError(
            f"The settings {file} cannot be meant:", details=tuple(str(one) for one in error.problems)
        ) from error
    except UnicodeDecodeError as error:
        raise RefusalError(f"The settings {file} are not UTF-8 ({error.reason}): save them as UTF-8.") from error


def _approved(file: Path | None, *, now: datetime | None) -> "Networks":
    from include.scanner_block.addresses import Networks
    from include.scanner_block.approved import ApprovedListError, read_approved

    if file is None:
        return Networks.of(())
    try:
        return read_approved(_bytes(file, "approved list"), source=str(file), now=now).networks
    except ApprovedListError as error:
        raise RefusalError(f"The approved list cannot be read, so nobody may be blocked: {error}") from error


def _state(file: Path | None, rules: "Rules") -> "SourceState":
    from include.scanner_block.blocking.state_model import SourceState
    from include.scanner_block.blocking.states import StateRefusedError, state_from_document

    if file is None:
        return SourceState()
    try:
        document: Any = json.loads(_bytes(file, "state"))
        return state_from_document(document, rules=rules)
    except StateRefusedError as error:
        raise RefusalError(f"{file}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise RefusalError(
            f"The state {file} is no JSON ({error}): give what a back-test printed as `state`."
        ) from error


def _bytes(file: Path, what: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RefusalError(f"The {what} {file} cannot be read ({error.strerror}): give an existing file.") from error
