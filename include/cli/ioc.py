"""`landfall ioc`: back-test the queries on a labelled history, and the threat report for one mail."""

import json
import os
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from include.cli.output import print_json, print_table, progress
from include.cli.refusal import RefusalError

app = typer.Typer(no_args_is_help=True, help="Indicators of compromise: replay a labelled history, check one mail.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
PopularFile = Annotated[Path | None, typer.Option("--popular", help="Popularity list instead of the shipped one.")]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
SHOWN = (
    "test_malicious", "test_benign", "recall", "recall_ci95", "benign_hits", "popular_iocs", "table_items_mean",
    "table_items_max", "writes_per_refresh_mean", "deletes_per_refresh_mean", "seconds",
)  # fmt: skip


@app.command("replay")
def replay_command(
    *,
    mails: Annotated[Path, typer.Option(help="Labelled history: JSON lines, gzip or plain.")],
    warmup: Annotated[float, typer.Option(help="Share of the time span that only teaches, 0 to below 1.")] = 0.7,
    label_delay: Annotated[str, typer.Option(help="Age at which a mail may teach, as 24h, 90m or 2d.")] = "24h",
    every: Annotated[str, typer.Option(help="Time between refreshes, as 24h, 1h or 30m.")] = "24h",
    popular: PopularFile = None,
    as_json: Json = False,
) -> None:
    """Replay a labelled history in time order and print the score of today's queries and rules."""
    from include.ioc_refresh.history import read_history
    from include.ioc_refresh.replay import ReplaySettings, replay

    started = time.perf_counter()
    try:
        settings = ReplaySettings(warmup, _duration(label_delay, "--label-delay"), _duration(every, "--every"))
        popularity = _popularity(popular)
        history = read_history(_existing(mails), popularity)
    except (ValueError, EOFError, OSError) as error:
        raise RefusalError(str(error)) from error
    steps = 1000
    with progress("replay", steps=steps, as_json=as_json) as announce:
        score = replay(
            history.mails,
            popularity,
            settings,
            progress=lambda done, total: announce(done * steps // max(total, 1), "mails judged"),
        )
    score |= {
        "seconds": round(time.perf_counter() - started, 3),
        "mails": len(history.mails),
        "refused": [{"line": number, "reason": reason} for number, reason in history.refused],
        "popularity": {"source": popularity.source, "as_of": popularity.as_of, "domains": len(popularity.domains)},
    }
    if as_json:
        print_json(score)
    else:
        _print_score(score)


@app.command("check")
def check_command(
    *,
    mail: Annotated[Path, typer.Option(help="One mail's metadata as JSON.")],
    popular: PopularFile = None,
    as_json: Json = False,
) -> None:
    """Print the threat report for one mail from the indicator table; nothing is stored."""
    from include.ioc_refresh.mails import MailRejectedError, parse_mail, read_record

    try:
        parsed = parse_mail(read_record(_existing(mail).read_bytes()), arrived_at=None)
        popularity = _popularity(popular)
    except MailRejectedError as error:
        raise RefusalError(f"{mail}: {error}") from error
    except (ValueError, OSError) as error:
        raise RefusalError(str(error)) from error
    report = _report(parsed, popularity)
    if as_json:
        print_json(report)
    else:
        sys.stdout.write(json.dumps(report, indent=2, ensure_ascii=False) + "\n")


@app.command("create-resources")
def create_resources_command(
    *,
    firehose_role_arn: Annotated[str, typer.Option(help="Role that Firehose assumes to read Glue and write S3.")],
    popular: PopularFile = None,
    as_json: Json = False,
) -> None:
    """Create what IOC refresh needs in the account of the AWS environment; what exists is left as it is."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from include.ioc_refresh.resources import ensure_resources, publish_popularity
    from include.ioc_refresh.settings import IocSettings

    settings, popularity = IocSettings.from_environment(os.environ), _popularity(popular)
    try:
        made = ensure_resources(boto3.client, settings, firehose_role_arn=firehose_role_arn)
        made.append(publish_popularity(boto3.client("s3"), settings, popularity))
    except (BotoCoreError, ClientError) as error:
        raise RefusalError(f"The resources could not be created ({error}): check the AWS_* variables.") from error
    if as_json:
        print_json({"created": made})
    else:
        sys.stdout.write("".join(f"{name}\n" for name in made))


def _report(mail: Any, popularity: Any) -> dict[str, Any]:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from include.cli.settings import stack_settings
    from include.ioc_refresh.indicators import entry_key
    from include.ioc_refresh.keys import lookup_keys
    from include.ioc_refresh.reports import threat_report
    from include.ioc_refresh.settings import IocSettings
    from include.ioc_refresh.table import IndicatorTable
    from include.ioc_refresh.throttling import ThrottledOutError

    settings = IocSettings.from_environment(os.environ)
    if "AWS_ENDPOINT_URL" in os.environ or "AWS_PROFILE" in os.environ or "AWS_ACCESS_KEY_ID" in os.environ:
        client = boto3.client("dynamodb")
    else:
        client = local_client("dynamodb", stack_settings(os.environ).aws_url)
    keys = lookup_keys(mail, popularity)
    try:
        entries = IndicatorTable(client, settings.indicators_table).read(
            [entry_key(key.kind, key.value) for key in keys]
        )
    except (BotoCoreError, ClientError, ThrottledOutError) as error:
        raise RefusalError(
            f"The indicator table {settings.indicators_table} cannot be read ({error}): start the stack with "
            "`landfall up`, or set AWS_PROFILE for an account."
        ) from error
    return threat_report(keys, entries, mail_id=mail.mail_id, now=datetime.now(UTC))


def local_client(service: str, endpoint: str, region_name: str = "us-east-1") -> Any:
    """Return a boto3 client for the local AWS; its credentials are words, not secrets."""
    import boto3

    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=region_name,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - the local AWS checks none
    )


def _existing(path: Path) -> Path:
    if not path.exists() or path.is_dir():
        raise RefusalError(f"{path} is not a file: give the path of an existing one.")
    return path


def _popularity(path: Path | None) -> Any:
    from include.ioc_refresh.domains import SHIPPED_POPULARITY, Popularity

    return Popularity.load(_existing(path) if path else SHIPPED_POPULARITY)


def _duration(text: str, option: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise ValueError(f"{option} is {text!r}: give a number and a unit, as 24h, 90m or 2d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _print_score(score: dict[str, Any]) -> None:
    print_table(("measure", "value"), [(name, _shown(score[name])) for name in SHOWN])
    rows = [(kind, *counts.values()) for kind, counts in score["kinds"].items()]
    print_table(("kind", "mails hit", "hit by it alone", "items at the end"), rows)
    if score["refused"]:
        first = score["refused"][0]
        sys.stdout.write(
            f"{len(score['refused'])} lines refused; the first is line {first['line']}: {first['reason']}\n"
        )


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " to ".join(_shown(item) for item in value)
    return f"{value:.4f}" if isinstance(value, float) else str(value)
