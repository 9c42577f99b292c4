"""What becomes of the executions of a pass when somebody ends the task that waits for them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.transfer.pass_model import Pass
from include.object_store import to_json

if TYPE_CHECKING:
    from include.fsx_migration.places import Places
    from landfall.triggers.fsx_migration_watch import Clients

KILLED: Final = "the task was ended by a person"
_TRIES: Final = 5
_AT_ONCE: Final = 8


async def kill_pass(clients: Clients, places: Places, number: int, *, cancels: bool) -> str:
    """Cancel the executions of a pass, or leave them; write it into the pass first, and return the sentence."""
    one = await _note(clients.s3, places, number, cancels=cancels)
    arns = [attempt.arn for _, attempt in one.attempts() if attempt.arn and not attempt.state.is_over]
    if not cancels:
        return _left(one, arns)
    limit = asyncio.Semaphore(_AT_ONCE)

    async def cancel(arn: str) -> str:
        from botocore.exceptions import ClientError

        async with limit:
            try:
                await clients.datasync.cancel_task_execution(TaskExecutionArn=arn)
            except ClientError as error:
                return f"{arn}: {error.response['Error'].get('Message', error)}"
        return ""

    refused = [told for told in await asyncio.gather(*map(cancel, arns)) if told]
    sentence = (
        f"{len(arns) - len(refused)} of {len(arns)} executions of pass {number} of migration {places.migration} were "
        "cancelled, because the task was ended and on_cancel is cancel; clearing the task starts their parts again."
    )
    return " ".join([sentence, *refused])


def _left(one: Pass, arns: list[str]) -> str:
    return (
        f"{len(arns)} executions of pass {one.number} go on in DataSync, because on_cancel is leave; clearing the task "
        "finds them again. Nobody watches them meanwhile."
    )


async def _note(s3: Any, places: Places, number: int, *, cancels: bool) -> Pass:
    """Mark the attempts that are about to be cancelled, or note that they are left."""
    from botocore.exceptions import ClientError

    key = places.transfer_pass(number, "pass.json")
    for attempt in range(_TRIES):
        answer = await s3.get_object(Bucket=places.store.bucket, Key=key)
        async with answer["Body"] as stream:
            before = Pass.from_dict(json.loads(await stream.read()))
        after = _marked(before, cancels=cancels)
        if after == before:
            return after
        try:
            await s3.put_object(
                Bucket=places.store.bucket,
                Key=key,
                Body=to_json(after.to_dict()),
                ContentType="application/json",
                IfMatch=answer["ETag"],
            )
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (409, 412) or attempt == _TRIES - 1:
                raise
        else:
            return after
    return after


def _marked(one: Pass, *, cancels: bool) -> Pass:
    if not cancels:
        left = "The task was ended by a person; its executions were left to go on."
        return one if left in one.notes else replace(one, notes=(*one.notes, left))
    for part, attempt in list(one.attempts()):
        if not attempt.state.is_over and not attempt.cancelled_for:
            one = one.with_part(one.part(part.name).with_attempt(replace(attempt, cancelled_for=KILLED)))
    return one
