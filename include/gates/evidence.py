"""What a gate leaves behind, as objects ready to be stored: result, Data Docs, rows set aside, rows that went on."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from include.gates.docs import PAGE, data_docs
from include.gates.parquet import parquet_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from include.gates.result import ExpectationOutcome, GateResult
    from include.gates.validate import Validation

_UNSAFE = re.compile(r"[^A-Za-z0-9_.=-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePlace:
    """Where the evidence of one gate in one task instance lies; a rerun of the task finds the same place.

    `map_index` is -1 for a task that is not mapped.
    """

    bucket: str
    suite: str
    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1

    @property
    def folder(self) -> str:
        """The key prefix of result and Data Docs, with a slash at its end."""
        return f"gates/{self.suite}/{self._instance}/"

    @property
    def quarantine_key(self) -> str:
        """The key of the rows set aside (Parquet)."""
        return f"gates/quarantine/{self.suite}/{self._instance}/rows.parquet"

    @property
    def passed_key(self) -> str:
        """The key of the rows that went on (Parquet), where the gate keeps them."""
        return f"gates/passed/{self.suite}/{self._instance}/rows.parquet"

    @property
    def facts(self) -> dict[str, str]:
        """The task instance in words, for pages and result files."""
        mapped = {"Map index": str(self.map_index)} if self.map_index >= 0 else {}
        return {"DAG": self.dag_id, "Run": self.run_id, "Task": self.task_id, **mapped}

    def uri(self, key: str) -> str:
        """The S3 URI of a key in this bucket."""
        return f"s3://{self.bucket}/{key}"

    @property
    def _instance(self) -> str:
        task = self.task_id if self.map_index < 0 else f"{self.task_id}={self.map_index}"
        return "/".join(_safe(part) for part in (self.dag_id, self.run_id, task))


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceObject:
    """One object to store; `body` None means that an older object under this key is no longer true and must go."""

    key: str
    body: bytes | None
    content_type: str


def evidence_of(
    validation: Validation, *, place: EvidencePlace, checked_at: datetime, keep_passed: bool = False
) -> tuple[GateResult, list[EvidenceObject]]:
    """Return the result with its addresses and the objects to store, the result file last.

    `checked_at` names the run on the page. With `keep_passed` the rows that went on are an object too, for the step
    after the gate to read.
    """
    quarantine = parquet_bytes(validation.quarantined) if len(validation.quarantined) else None
    passed = parquet_bytes(validation.good) if keep_passed and not validation.result.blocked else None
    result = replace(
        validation.result,
        quarantine_uri=place.uri(place.quarantine_key) if quarantine is not None else None,
        passed_uri=place.uri(place.passed_key) if passed is not None else None,
    )
    rows = [
        EvidenceObject(key=place.quarantine_key, body=quarantine, content_type="application/vnd.apache.parquet"),
        EvidenceObject(key=place.passed_key, body=passed, content_type="application/vnd.apache.parquet"),
    ]
    result, reports = _reports(
        result, outcomes=validation.outcomes, gx_result=validation.gx_result, place=place, checked_at=checked_at
    )
    return result, rows + reports


def evidence_of_crash(
    result: GateResult, *, place: EvidencePlace, checked_at: datetime
) -> tuple[GateResult, list[EvidenceObject]]:
    """Return the same for a gate that never judged: no rows, the result and the page that says why."""
    gone = [EvidenceObject(key=key, body=None, content_type="") for key in (place.quarantine_key, place.passed_key)]
    result, reports = _reports(result, outcomes=(), gx_result={}, place=place, checked_at=checked_at)
    return result, gone + reports


def docs_url(uri: str, endpoint: str | None = None) -> str:
    """Return the HTTP address of an S3 URI: path-style at `endpoint` (the local AWS), else at AWS.

    Raises ValueError for anything but s3://bucket/key.
    """
    parts = urlsplit(uri)
    key = parts.path.lstrip("/")
    if parts.scheme != "s3" or not parts.netloc or not key:
        raise ValueError(f"{uri!r} is not an S3 object; give it as s3://bucket/key.")
    if endpoint:
        return f"{endpoint.rstrip('/')}/{parts.netloc}/{quote(key)}"
    return f"https://{parts.netloc}.s3.amazonaws.com/{quote(key)}"


def _reports(
    result: GateResult,
    *,
    outcomes: tuple[ExpectationOutcome, ...],
    gx_result: Mapping[str, Any],
    place: EvidencePlace,
    checked_at: datetime,
) -> tuple[GateResult, list[EvidenceObject]]:
    result_key = f"{place.folder}result.json"
    result = replace(result, docs_uri=place.uri(place.folder + PAGE), result_uri=place.uri(result_key))
    pages = data_docs(result, outcomes=outcomes, gx_result=gx_result, checked_at=checked_at, facts=place.facts)
    document = {
        **result.to_dict(),
        "checked_at": checked_at.isoformat(),
        "run": place.facts,
        "outcomes": [outcome.to_dict() for outcome in outcomes],
        "great_expectations": dict(gx_result),
    }
    body = json.dumps(document, ensure_ascii=False, indent=1).encode()
    objects = [
        EvidenceObject(key=place.folder + path, body=page, content_type="text/html; charset=utf-8")
        for path, page in pages.items()
    ]
    objects.append(EvidenceObject(key=result_key, body=body, content_type="application/json"))
    return result, objects


def _safe(part: str) -> str:
    """Make a key segment that no URL or Hive path has to escape; two different parts never become the same one."""
    cleaned = _UNSAFE.sub("-", part)
    if cleaned == part:
        return part
    return f"{cleaned}-{hashlib.sha256(part.encode()).hexdigest()[:8]}"
