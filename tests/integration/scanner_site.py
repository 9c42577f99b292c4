"""A web site with access logs, an approved list and IP sets, on the local AWS; what is blocked there at any time."""

import gzip
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import yaml

from include.scanner_block.lake.resources import ensure_resources
from include.scanner_block.policy import read_policy
from include.scanner_block.settings import ScannerSettings
from tests.integration.dag_runner import DagRunner, Run
from tests.local_aws import LocalAws

START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
"""Answers of people carry the real time, so that of the runs has to reach it."""
SETS = ("landfall-scanners-v4", "landfall-scanners-v6")
FIELDS = (
    "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status "
    "cs(Referer) cs(User-Agent) cs-uri-query\n"
)
POLICY: Mapping[str, Any] = {
    "error_threshold": 20,
    "block_period_minutes": 60,
    "spare_search_engines": False,
    "limits": {"change_floor": 10, "client_floor": 1000},
}


def lines(client: str, at: datetime, *, count: int, path: str = "/wp-login.php", status: int = 404) -> list[str]:
    """Return requests of one client, spread over 50 seconds of the minute of a time."""
    times = (at.replace(second=0) + timedelta(seconds=50 * number // count) for number in range(count))
    return [
        f"{time:%Y-%m-%d\t%H:%M:%S}\tFRA6\t919\t{client}\tGET\texample.com\t{path}\t{status}\t-\tcurl/8.0\t-"
        for time in times
    ]


class Site:
    """One site; `clock` is the time of the next run."""

    def __init__(self, aws: LocalAws, runner: DagRunner, settings: ScannerSettings) -> None:
        self.aws, self.runner, self.settings = aws, runner, settings
        self.clock, self.prefix = START, "cf/E2EXAMPLE."
        self.store = settings.store(aws.client("s3"))
        self.good_run, self._deliveries = 0, 0
        aws.control("POST", "waf", {"calls_per_second": 0})
        self.policy()
        self.approve([])
        source = read_policy(self.store.get_bytes(settings.policy_key).decode(), source="policy")
        ensure_resources(self._client, settings, source, sleep=lambda _: None)

    def policy(self, **changes: Any) -> None:
        """Write the policy."""
        source = {"name": "web", "format": "cloudfront", "bucket": self.settings.bucket, "prefix": self.prefix}
        document = {**POLICY, **changes, "sources": [source]}
        self._bucket()
        self.store.put_bytes(self.settings.policy_key, yaml.safe_dump(document).encode())

    def approve(self, networks: Iterable[str]) -> None:
        """Write the approved list."""
        self.store.put_json(self.settings.approved_key, list(networks))

    def deliver(self, entries: Iterable[str], *, at: datetime | None = None, body: bytes | None = None) -> str:
        """Put a log object, named after the hour of its requests, and return its key."""
        self._deliveries += 1
        key = f"{self.prefix}{at or self.clock:%Y-%m-%d-%H}.{self._deliveries:08x}.gz"
        text = FIELDS + "".join(f"{line}\n" for line in entries)
        content = gzip.compress(text.encode(), mtime=0) if body is None else body
        self.store.client.put_object(Bucket=self.settings.bucket, Key=key, Body=content)
        return key

    def update(self, *, minutes: float = 5, **arguments: Any) -> Run:
        """Run an update, some minutes after the last run."""
        self.clock += timedelta(minutes=minutes)
        return self.runner.run("scanner_block_update", run_after=self.clock, **arguments)

    def run(self, verb: str, **arguments: Any) -> Run:
        """Run another DAG of the family."""
        self.clock += timedelta(seconds=10)
        return self.runner.run(f"scanner_block_{verb}", run_after=self.clock, **arguments)

    def blocked(self) -> set[str]:
        """Return what is in the IP sets, without the /32 and /128 of single addresses."""
        held = {str(ip_network(cidr)) for name in SETS for cidr in self.set_addresses(name)}
        return {cidr.removesuffix("/32").removesuffix("/128") for cidr in held}

    def set_addresses(self, name: str) -> list[str]:
        """Return what WAF holds in a set."""
        found = self._waf_set(name)
        addresses: list[str] = self.aws.client("wafv2").get_ip_set(**found)["IPSet"]["Addresses"]
        return addresses

    def edit_by_hand(self, name: str, addresses: Iterable[str]) -> None:
        """Replace a set's addresses, as a person does in the console."""
        found, waf = self._waf_set(name), self.aws.client("wafv2")
        token = waf.get_ip_set(**found)["LockToken"]
        waf.update_ip_set(**found, Addresses=list(addresses), LockToken=token)

    def journal(self) -> list[dict[str, Any]]:
        """Return the commits, oldest first."""
        return [self.store.get_json(key) for key in self.store.list_keys("journal", "")]

    def calls(self) -> int:
        """Return how often an IP set was updated, by all committed runs."""
        return sum(commit["facts"]["calls"] for commit in self.journal())

    def alerts(self) -> list[dict[str, Any]]:
        """Return what people were told, in no order."""
        return [json.loads(self.store.get_bytes(key)) for key in self.store.list_keys("alerts", "")]

    def _waf_set(self, name: str) -> dict[str, str]:
        waf = self.aws.client("wafv2")
        found = {each["Name"]: each["Id"] for each in waf.list_ip_sets(Scope="REGIONAL")["IPSets"]}
        return {"Name": name, "Scope": "REGIONAL", "Id": found[name]}

    def _client(self, service: str, **_place: str) -> Any:
        return self.aws.client(service)

    def _bucket(self) -> None:
        s3 = self.aws.client("s3")
        if self.settings.bucket not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
            s3.create_bucket(Bucket=self.settings.bucket)


def settings_for(name: str) -> tuple[ScannerSettings, dict[str, str]]:
    """Resource names of a test's own, and the environment that tells them to the workflow."""
    settings = ScannerSettings(bucket=f"{name}-lake", database=f"{name}_scanner", workgroup=name, queue=f"{name}-logs")
    names = ("bucket", "database", "workgroup", "queue")
    return settings, {f"LANDFALL_SCANNER_BLOCK_{field.upper()}": getattr(settings, field) for field in names}
