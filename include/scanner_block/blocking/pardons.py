"""Clients that a person took out of the sets: what they did until then does not count any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from include.scanner_block.addresses import Networks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.scanner_block.policy_model import Rules


@dataclass(frozen=True, slots=True)
class Pardons:
    """Who was pardoned when, the latest first; one set of networks per time keeps look-ups few."""

    anyone: Networks
    by_time: tuple[tuple[datetime, Networks], ...]

    @classmethod
    def of(cls, pardons: Mapping[str, datetime]) -> Pardons:
        by_time: dict[datetime, list[str]] = {}
        for network, at in pardons.items():
            by_time.setdefault(at, []).append(network)
        ordered = sorted(by_time.items(), key=lambda group: group[0], reverse=True)
        return cls(Networks.of(pardons), tuple((at, Networks.of(networks)) for at, networks in ordered))

    def latest(self, client: str) -> datetime | None:
        """Return until when a client's offences are pardoned."""
        if not self.by_time or not self.anyone.overlap(client):
            return None
        return next(at for at, networks in self.by_time if networks.overlap(client))


def live_pardons(pardons: Mapping[str, datetime], *, rules: Rules, now: datetime) -> dict[str, datetime]:
    """Return the pardons that can still matter: an offence before the others would be over by itself."""
    repeaters = rules.repeat_offenders.longest_minutes if rules.repeat_offenders else 0
    longest = timedelta(minutes=max(rules.block_period_minutes, repeaters))
    return {client: at for client, at in pardons.items() if at + longest > now}
