"""Gates as Airflow tasks: load, judge, store the evidence, and only then let go on or stop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import wraps
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include.gates.evidence import EvidencePlace, docs_url, evidence_of, evidence_of_crash
from include.gates.policy import blocked_unread
from include.gates.suite import GateSuite, described

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    import pandas as pd

    from include.gates.evidence import EvidenceObject
    from include.gates.result import GateResult
    from include.gates.validate import Validation

    Loaded: TypeAlias = pd.DataFrame | str | Iterable[str]

DEFAULT_BUCKET = "landfall-lake"


class GateBlocked(AirflowFailException):
    """The data failed its gate. Not retried: the same data would fail again."""


class GateCrashed(AirflowException):
    """The gate could not read or judge its data. Nothing goes on; a retry may find the cause gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceStore:
    """Where gates write: a bucket and the Airflow connection that reaches it."""

    bucket: str = DEFAULT_BUCKET
    aws_conn_id: str = "aws_default"
    keep_passed: bool = False

    def place(self, suite_name: str, context: Mapping[str, Any]) -> EvidencePlace:
        """Return the evidence place of a suite in the running task instance."""
        instance = context["ti"]
        return EvidencePlace(
            bucket=self.bucket,
            suite=suite_name,
            dag_id=instance.dag_id,
            run_id=instance.run_id,
            task_id=instance.task_id,
            map_index=-1 if instance.map_index is None else instance.map_index,
        )

    def client(self) -> Any:
        """Return the S3 client of the connection."""
        return S3Hook(aws_conn_id=self.aws_conn_id).get_conn()


def gate(
    *,
    task_id: str,
    suite: GateSuite | Callable[[Mapping[str, Any]], GateSuite],
    load: Callable[..., Loaded],
    store: EvidenceStore | None = None,
    **task_arguments: Any,
) -> Any:
    """Return a task that judges what `load` returns; call it in a DAG with the arguments of `load`.

        gate_new_mail = gate(task_id="gate_new_mail", suite=new_mail_suite(), load=new_mail_partitions)
        verdict = gate_new_mail(plan)

    :param suite: the suite, or a function of the task's context that builds it (for limits from params).
    :param load: returns a DataFrame, or S3 URIs of Parquet files (one, or several; a URI ending in "/" is a prefix).
    :param store: where result, Data Docs and rows set aside go.
    :param task_arguments: any argument of `@task`.

    The task returns `GateResult.to_dict()`. It raises GateBlocked when nothing may go on and GateCrashed when the
    data could not be read or judged, both after the evidence is stored.
    """
    if isinstance(suite, GateSuite):
        task_arguments.setdefault("doc_md", described(suite))

    @task(task_id=task_id, multiple_outputs=False, **task_arguments)
    @wraps(load)
    def judge_load(*args: Any, **kwargs: Any) -> dict[str, Any]:
        context: Any = get_current_context()
        chosen = suite if isinstance(suite, GateSuite) else suite(context)
        return check(lambda: load(*args, **kwargs), chosen, store=store, context=context).result.to_dict()

    return judge_load


def check(
    load: Callable[[], Loaded],
    suite: GateSuite,
    *,
    store: EvidenceStore | None = None,
    context: Mapping[str, Any] | None = None,
) -> Validation:
    """Load, judge and store the evidence inside a running task; return the validation when rows may go on.

    For task bodies that need the good rows at once, or judge several frames. Raises like the task of `gate`.
    """
    current: Any = context or get_current_context()
    target = store or EvidenceStore()
    place, checked_at = target.place(suite.name, current), current["dag_run"].run_after
    try:
        validation = _judge(load, suite, store=target)
    except Exception as error:
        sentence = f"The gate {suite.name} could not read or judge its data: {type(error).__name__}: {error}"
        crashed, objects = evidence_of_crash(blocked_unread(suite.name, sentence), place=place, checked_at=checked_at)
        _put(objects, store=target)
        raise GateCrashed(_message(crashed, store=target)) from error
    result = store_evidence(validation, place=place, checked_at=checked_at, store=target)
    if result.blocked:
        raise GateBlocked(_message(result, store=target))
    return replace(validation, result=result)


def store_evidence(
    validation: Validation, *, place: EvidencePlace, checked_at: datetime, store: EvidenceStore
) -> GateResult:
    """Store a validation's rows, pages and result, and return the result with their addresses.

    The keys depend on the task instance alone: a rerun overwrites, and removes rows that are no longer set aside.
    """
    result, objects = evidence_of(validation, place=place, checked_at=checked_at, keep_passed=store.keep_passed)
    _put(objects, store=store)
    return result


def _judge(load: Callable[[], Loaded], suite: GateSuite, *, store: EvidenceStore) -> Validation:
    from include.gates.validate import validate

    loaded = load()
    return validate(loaded if hasattr(loaded, "columns") else _read_parquet(loaded, client=store.client()), suite)


def _read_parquet(uris: str | Iterable[str], *, client: Any) -> pd.DataFrame:
    """Read Parquet objects into one frame; no URI at all is an empty frame."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = [uris] if isinstance(uris, str) else list(uris)
    objects = [found for uri in wanted for found in _objects(uri, client=client)]
    bodies = (client.get_object(Bucket=bucket, Key=key)["Body"].read() for bucket, key in objects)
    tables = [pq.read_table(BytesIO(body)) for body in bodies]
    return pa.concat_tables(tables, promote_options="permissive").to_pandas() if tables else pd.DataFrame()


def _objects(uri: str, *, client: Any) -> list[tuple[str, str]]:
    bucket, key = S3Hook.parse_s3_url(uri)
    if not uri.endswith("/"):
        return [(bucket, key)]
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    return [(bucket, entry["Key"]) for page in pages for entry in page.get("Contents", ()) if entry["Size"]]


def _put(objects: Iterable[EvidenceObject], *, store: EvidenceStore) -> None:
    client = store.client()
    for item in objects:
        if item.body is None:
            client.delete_object(Bucket=store.bucket, Key=item.key)
        else:
            client.put_object(Bucket=store.bucket, Key=item.key, Body=item.body, ContentType=item.content_type)


def _message(result: GateResult, *, store: EvidenceStore) -> str:
    endpoint = store.client().meta.endpoint_url
    where = docs_url(result.docs_uri, endpoint) if result.docs_uri else "no page was stored"
    return f"Gate {result.suite} blocked the load. {' '.join(result.reasons)} Evidence: {where}"
