"""A person takes a client out: pardoned for what it did until now, and approved when that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.scanner_block.addresses import Networks, network_of
from include.scanner_block.approved import add_approved
from include.scanner_block.blocking.blocks import blocks_of
from include.scanner_block.blocking.decision import Evidence, decide
from include.scanner_block.blocking.state_documents import state_from_document
from include.scanner_block.desk import read_inputs
from include.scanner_block.lake.carried import load_carried
from include.scanner_block.lake.intents import intents_since
from include.scanner_block.lake.journal import last_commit, open_version
from include.scanner_block.steps.drafts import Draft, block_document, carried_of, known_of, save_draft, told_of
from include.scanner_block.steps.updates import actual_sets, in_order

if TYPE_CHECKING:
    from datetime import datetime

    from include.scanner_block.desk import Desk


class ClientRefusedError(ValueError):
    """What was given is no address and no network."""


class ApprovedListChangedError(RuntimeError):
    """Somebody else changed the approved list at the same moment: another try finds the new one."""


def client_network(text: str) -> str:
    """Return what a person typed as a network; raises ClientRefusedError."""
    try:
        return str(network_of(text.strip()))
    except ValueError as error:
        raise ClientRefusedError(f"{text!r} cannot be taken out: {error} Trigger a run with another client.") from None


def find_blocks(desk: Desk, client: str, *, at: datetime) -> dict[str, Any]:
    """Return the blocks that a client or a network has, as JSON types."""
    network = client_network(client)
    inputs, last = read_inputs(desk, at=at), last_commit(desk.store)
    carried, rules = load_carried(desk.store, last.version if last else None), inputs.policy.rules
    states = {name: state_from_document(document, rules=rules) for name, document in carried.sources.items()}
    formats = {source.name: source.log_format for source in inputs.policy.sources}
    meant = Networks.of([network])
    sets = actual_sets(desk, inputs.policy)
    blocks = [block for block in blocks_of(states, formats=formats, rules=rules) if meant.overlap(block.client)]
    return {
        "client": network,
        "blocks": [block_document(block) for block in blocks],
        "in_sets": {name: sorted(cidr for cidr in held if meant.overlap(cidr)) for name, held in sorted(sets.items())},
        "is_approved": inputs.approved.networks.overlap(network),
    }


def approve(desk: Desk, client: str, *, reason: str, by: str, at: datetime) -> str:
    """Put a client on the approved list and return the list's URI; one that is on it already changes nothing.

    :raises ApprovedListError: the list cannot be read; nothing is written.
    :raises ApprovedListChangedError: somebody else wrote it meanwhile.
    """
    store, key = desk.store, desk.settings.approved_key
    found = store.client.get_object(Bucket=store.bucket, Key=key)
    body = found["Body"].read()
    grown = add_approved(body, network=client_network(client), reason=reason, by=by, at=at)
    if grown != body:
        try:
            store.client.put_object(
                Bucket=store.bucket, Key=key, Body=grown, ContentType="application/json", IfMatch=found["ETag"]
            )
        except store.client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412):
                raise ApprovedListChangedError(
                    f"{store.uri('approved.json')} was changed meanwhile: try again."
                ) from None
            raise
    return store.uri("approved.json")


def draft_release(desk: Desk, client: str, *, run_id: str, at: datetime, reason: str, by: str) -> Draft:
    """Decide as if the client had done nothing until now, and keep the draft. No new log is read."""
    network = client_network(client)
    last = last_commit(desk.store)
    at = max(at, last.as_of) if last else at
    inputs = read_inputs(desk, at=at)
    carried = load_carried(desk.store, last.version if last else None)
    actual = actual_sets(desk, inputs.policy)
    sequence, version = open_version(run_id, last)
    known = known_of(
        carried,
        rules=inputs.policy.rules,
        intents=intents_since(desk.store, last.sequence if last else 0),
        actual=actual,
        now=at,
    ).pardoning([network], at=at)
    # also out of what people put in by hand: who releases a client wants it out, whoever put it in
    spared = inputs.spared | Networks.of([network])
    outcome = decide(known, Evidence(), policy=inputs.policy, spared=spared, now=at, additions=frozenset())
    told = told_of(outcome, now=at) | {"inputs": inputs.digest, "client": network, "reason": reason, "by": by}
    draft = Draft(
        version=version,
        sequence=sequence,
        run_id=run_id,
        as_of=at,
        kind="release",
        seen=in_order(actual),
        wanted=outcome.plan.wanted,
        carried=carried_of(outcome, carried, count_files=carried.count_files, now=at),
        told=told,
    )
    save_draft(desk.store, draft)
    return draft
