"""What the log shipping demo moves: two sample databases, the names their clients look up, and the configuration."""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from include.cli.credentials import Credentials
from include.cli.live_writer import CREATE_TABLE
from include.cli.settings import LOOPBACK, StackSettings
from include.cli.sql_servers import SQL_LOGIN, SqlServerPlace, sql_servers

SALES, INVENTORY = "Sales", "Inventory"
DATABASES = (SALES, INVENTORY)
PARAMETER = "/landfall/demo/sales"
ZONE, RECORD = "landfall.example.", "inventory.landfall.example"
TTL_SECONDS = 30
_ROWS = 1_000
_ROWS_PER_INSERT = 200
_CUSTOMERS = "CREATE TABLE dbo.Customers (id int NOT NULL PRIMARY KEY, name nvarchar(80) NOT NULL, since date NOT NULL)"
_ITEMS = (
    "CREATE TABLE dbo.Items (id int NOT NULL PRIMARY KEY, name nvarchar(80) NOT NULL, price decimal(12, 2) NOT NULL)"
)

Client = Callable[[str], Any]
"""Returns a boto3 client of a service."""


class DemoDatabases:
    """The databases of the demo on the two servers of a stack."""

    def __init__(self, settings: StackSettings, credentials: Credentials, client: Client) -> None:
        self.primary, self.secondary = sql_servers(settings)
        self._password = credentials.sqlserver_password
        self._client = client
        self._zone = ""

    def connect(self, place: SqlServerPlace, database: str = "master") -> Any:
        """Open a pymssql connection with autocommit to one of the two servers."""
        import pymssql

        return pymssql.connect(
            server=LOOPBACK,
            port=str(place.port),
            user=SQL_LOGIN,
            password=self._password,
            database=database,
            autocommit=True,
            login_timeout=10,
            encryption="off",
        )

    def create(self) -> int:
        """Create the databases that neither server has, with rows; return how many were created."""
        known = {name for place in (self.primary, self.secondary) for name in self._names(place)}
        missing = [name for name in DATABASES if name not in known]
        for name in missing:
            with closing(self.connect(self.primary)) as connection, closing(connection.cursor()) as cursor:
                cursor.execute(f"CREATE DATABASE {name}")
                cursor.execute(f"ALTER DATABASE {name} SET RECOVERY FULL")
            with closing(self.connect(self.primary, name)) as connection, closing(connection.cursor()) as cursor:
                _fill(cursor, customers=name == SALES)
        return len(missing)

    def primary_of(self, database: str) -> SqlServerPlace | None:
        """Return the server on which the database takes writes now."""
        writable = (
            "SELECT name FROM sys.databases WHERE state_desc = 'ONLINE' AND is_read_only = 0 AND is_in_standby = 0"
        )
        for place in (self.primary, self.secondary):
            if database in self._names(place, writable):
                return place
        return None

    def publish_names(self) -> None:
        """Let clients find the databases: a parameter for one, a DNS record for the other; existing ones stay."""
        ssm, route53 = self._client("ssm"), self._client("route53")
        if not ssm.get_parameters(Names=[PARAMETER])["Parameters"]:
            ssm.put_parameter(Name=PARAMETER, Type="String", Value=_address(self.primary_of(SALES) or self.primary))
        zones = route53.list_hosted_zones_by_name(DNSName=ZONE)["HostedZones"]
        found = next((zone for zone in zones if zone["Name"] == ZONE), None)
        zone = found or route53.create_hosted_zone(Name=ZONE, CallerReference=ZONE)["HostedZone"]
        self._zone = zone["Id"].rpartition("/")[2]
        if self._record() is None:
            value = [{"Value": _host(self.primary_of(INVENTORY) or self.primary)}]
            record = {"Name": RECORD, "Type": "CNAME", "TTL": TTL_SECONDS, "ResourceRecords": value}
            changes = [{"Action": "UPSERT", "ResourceRecordSet": record}]
            route53.change_resource_record_sets(HostedZoneId=self._zone, ChangeBatch={"Changes": changes})

    def connect_by_name(self, database: str) -> Any:
        """Connect as a client does: look the database's name up, then go where it leads."""
        if database == SALES:
            value = self._client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"]
            known = {_address(place): place for place in (self.primary, self.secondary)}
        else:
            value = str(self._record())
            known = {_host(place): place for place in (self.primary, self.secondary)}
        return self.connect(known[value], database)

    def configuration(self) -> str:
        """Return the configuration of log shipping; JSON is YAML, too."""
        places = (self.primary, self.secondary)
        document = {
            "servers": {place.name: _server(place) for place in places},
            "defaults": {"primary": self.primary.name, "secondary": self.secondary.name, "rto_minutes": 5},
            "databases": [
                {
                    "name": SALES,
                    "redirect": {
                        "kind": "ssm",
                        "parameter": PARAMETER,
                        "values": {place.name: _address(place) for place in places},
                    },
                },
                {
                    "name": INVENTORY,
                    "restore_mode": "standby",
                    "evict_readers": True,
                    "redirect": {
                        "kind": "route53",
                        "hosted_zone_id": self._zone,
                        "record": RECORD,
                        "ttl": TTL_SECONDS,
                        "targets": {place.name: _host(place) for place in places},
                    },
                },
            ],
        }
        return json.dumps(document, indent=2)

    def _names(self, place: SqlServerPlace, query: str = "SELECT name FROM sys.databases") -> set[str]:
        with closing(self.connect(place)) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(query)
            return {str(row[0]) for row in cursor.fetchall()}

    def _record(self) -> str | None:
        answer = self._client("route53").list_resource_record_sets(
            HostedZoneId=self._zone, StartRecordName=RECORD, StartRecordType="CNAME", MaxItems="1"
        )
        for record in answer["ResourceRecordSets"]:
            if record["Name"].rstrip(".") == RECORD and record["Type"] == "CNAME":
                return str(record["ResourceRecords"][0]["Value"]).rstrip(".")
        return None


def _fill(cursor: Any, *, customers: bool) -> None:
    cursor.execute(CREATE_TABLE)
    cursor.execute(_CUSTOMERS if customers else _ITEMS)
    into = "INSERT INTO dbo.Customers VALUES" if customers else "INSERT INTO dbo.Items VALUES"
    for start in range(1, _ROWS + 1, _ROWS_PER_INSERT):
        numbers = range(start, start + _ROWS_PER_INSERT)
        values = [_customer(n) if customers else _item(n) for n in numbers]
        places = ", ".join(["(%s, %s, %s)"] * len(values))
        cursor.execute(f"{into} {places}", tuple(value for row in values for value in row))


def _customer(number: int) -> tuple[int, str, str]:
    return number, f"Customer {number}", f"2024-{number % 12 + 1:02d}-01"


def _item(number: int) -> tuple[int, str, str]:
    return number, f"Item {number}", f"{number % 90}.95"


def _server(place: SqlServerPlace) -> Mapping[str, object]:
    folders = {"backup_folder": place.backups, "copy_folder": place.copies}
    both = {name: {"server": str(folder), "worker": str(folder)} for name, folder in folders.items()}
    return {"connection": place.connection, **both}


def _address(place: SqlServerPlace) -> str:
    return f"{LOOPBACK},{place.port}"


def _host(place: SqlServerPlace) -> str:
    return f"{place.name.lower()}.{ZONE.rstrip('.')}"
