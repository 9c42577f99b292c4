"""A share that was moved: two trees on disk, passes and a plan in a lake in memory, and the name that clients follow.

share = MovedShare(tmp_path)
share.source.joinpath("a").write_text("late")
reconcile_migration(share.place, label="t")
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from include.fsx_migration.definition_model import CutOver, Limits, Reconciling, SsmName
from include.fsx_migration.listings.scanning import scan
from include.fsx_migration.planning.plans import Balance, Plan, save_plan
from include.fsx_migration.transfer.pass_model import Attempt, AttemptState, Delta, FailedFile, Pass, PassKind, PassPart
from include.fsx_migration.transfer.passes import create_pass, failures_key, save_failures
from tests.include.fsx_migration.fake_aws import AT, FakeAws, KilledError, migration, workplace

if TYPE_CHECKING:
    from collections.abc import Sequence

OLD, NEW, PARAMETER = "nas01.example", "fs-1.fsx.example", "/projects/server"
MIGRATE, CUT_OVER = "fsx_migration_migrate/manual__1", "fsx_migration_cut_over/manual__2"
FILES = 12


class NoSuchParameterError(ClientError):
    """What boto3's `client.exceptions.ParameterNotFound` is."""


class ParameterStore:
    """Systems Manager's parameters; `writers` are called before a value is written, as somebody else at once."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = {name: (value, 1) for name, value in values.items()}
        self.kind = "String"
        self.writes = 0
        self.writers: list[Any] = []
        self.exceptions = SimpleNamespace(ParameterNotFound=NoSuchParameterError)

    def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        if Name not in self.values:
            raise NoSuchParameterError({"Error": {"Code": "ParameterNotFound", "Message": Name}}, "GetParameter")
        value, version = self.values[Name]
        return {"Parameter": {"Name": Name, "Value": value, "Version": version, "Type": self.kind}}

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> dict[str, Any]:  # noqa: N803
        assert (Type, Overwrite) == (self.kind, True)
        for writer in self.writers:
            writer()
        self.writes += 1
        self.values[Name] = (Value, self.values[Name][1] + 1)
        return {"Version": self.values[Name][1]}


class MovedShare:
    """The share; `place` is what the steps work with. Nothing differs and nothing failed at first."""

    def __init__(self, home: Path, *, limits: Limits | None = None, reconciling: Reconciling | None = None) -> None:
        self.source, self.target, self.home = home / "source", home / "target", home
        (self.source / "empty").mkdir(parents=True)
        for number in range(FILES):
            file = self.source / f"d{number % 3}" / f"{number:02d}.bin"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(bytes([number]) * (number + 1))
        (self.source / "link").symlink_to("d0/00.bin")
        shutil.copytree(self.source, self.target, symlinks=True)
        self.aws, self.ssm = FakeAws(), ParameterStore({PARAMETER: OLD})
        plain = migration()
        wanted = replace(
            plain,
            source=replace(plain.source, mount=self.source),
            target=replace(plain.target, mount=self.target),
            cut_over=CutOver(name=SsmName(parameter=PARAMETER), old_value=OLD, new_value=NEW, quiet_seconds=0.0),
            limits=limits or Limits(),
            reconciling=reconciling or Reconciling(),
        )
        made = workplace(self.aws, wanted)
        self.lake: Any = made.store
        self.lake.client = SimpleNamespace(upload_file=self._upload, download_file=self._download)
        self.place = replace(made, clients=self._client)

    def moved(self, *, failed: Sequence[FailedFile] = (), counters: dict[str, int] | None = None) -> MovedShare:
        """Note a full pass that moved everything but the failed files, as of the source now."""
        key, at = self.place.places.listing("source", "pass-0001"), self.home / "listing.parquet"
        found = scan(self.source, at)
        self._upload(str(at), "", key)
        files = found.files + found.symlinks
        plan = Plan(
            plan_id="p1",
            migration=self.place.migration.name,
            definition_digest="",
            made=AT.isoformat(),
            listing_key=key,
            files=files,
            directories=found.directories,
            bytes=found.bytes,
            left_out=0,
            left_out_key="",
            cost_per_file_bytes=1 << 20,
            parts=(),
            balance=Balance(parts=1, parts_lower_bound=1, agents=1, agents_lower_bound=1),
        )
        save_plan(self.place.places, plan)
        where = failures_key(self.place.places, 1, "0000", 1) if failed else ""
        if failed:
            save_failures(self.place.places, where, failed)
        lost = sum(1 for file in failed if file.step != "verify")
        attempt = Attempt(
            number=1,
            intended=AT,
            manifest_key="m",
            options={"TransferMode": "CHANGED", "VerifyMode": "ONLY_FILES_TRANSFERRED"},
            state=AttemptState.FILES_FAILED if failed else AttemptState.DONE,
            failed=len(failed),
            failures_key=where,
            counters=counters or {"files_transferred": files - lost, "files_skipped": 0},
        )
        part = PassPart(
            name="0000", agent="", task_arn="t", manifest_key="m", files=files, bytes=1, attempts=(attempt,)
        )
        one = Pass(
            number=1,
            kind=PassKind.FULL,
            run=MIGRATE,
            plan_id="p1",
            listing_key=key,
            opened=AT,
            ended=AT,
            delta=Delta(files=files),
            parts=(part,),
        )
        create_pass(self.place.places, one)
        return self

    def says(self) -> str:
        """What the name tells clients."""
        return self.ssm.values[PARAMETER][0]

    def guard(self) -> None:
        """From here on every write to the lake and to the name is one at which `aws.kill` may end the worker."""
        for name in ("put_if_absent", "put_if_unchanged", "put_json"):
            setattr(self.lake, name, self.aws.guard(getattr(self.lake, name)))
        self.ssm.put_parameter = self.aws.guard(self.ssm.put_parameter)  # type: ignore[method-assign]

    def _client(self, service: str) -> Any:
        return self.ssm if service == "ssm" else self.aws.client(service)

    def _upload(self, path: str, _bucket: str, key: str, **_: Any) -> None:
        self.lake.objects[key] = Path(path).read_bytes()

    def _download(self, _bucket: str, key: str, path: str) -> None:
        if key not in self.lake.objects:
            raise ClientError({"Error": {"Code": "404", "Message": key}}, "HeadObject")
        Path(path).write_bytes(self.lake.objects[key])


__all__ = ["CUT_OVER", "FILES", "NEW", "OLD", "PARAMETER", "KilledError", "MovedShare", "ParameterStore"]
