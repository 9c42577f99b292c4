"""The Glue tables of IOC refresh, as data: one place states every column."""

from typing import Any

from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.settings import IocSettings

KEYS = "array<struct<kind:string,value:string,domain:string>>"

COLUMNS: dict[str, dict[str, str]] = {
    "mails": {
        "mail_id": "string",
        "received_at": "timestamp",
        "arrived_at": "timestamp",
        "sender_domain": "string",
        "envelope_domain": "string",
        "reply_to_domain": "string",
        "receiver_domains": "array<string>",
        "receiver_count": "int",
        "spf": "string",
        "dkim": "string",
        "dmarc": "string",
        "urls": "array<struct<url:string,classification:int,kind:string>>",
        "attachments": "array<struct<sha256:string,classification:int,filename:string,mime_type:string,size:bigint>>",
        "keys": KEYS,
        "key_version": "int",
        "notes": "array<string>",
    },
    "verdicts": {"mail_id": "string", "verdict": "string", "reported_at": "timestamp", "arrived_at": "timestamp"},
    "evidence": {
        "mail_id": "string",
        "verdict": "string",
        "reported_at": "timestamp",
        "received_day": "date",
        "keys": KEYS,
    },
    "ledger": {"mail_id": "string", "verdict": "string", "reported_at": "timestamp", "received_day": "date"},
    "state": {"value": "string", "domain": "string", "day": "date", "malicious": "bigint", "benign": "bigint"},
    "recounted": {"value": "string", "domain": "string", "day": "date", "malicious": "bigint", "benign": "bigint"},
    "popular_domains": {"domain": "string"},
    "candidates": {
        "kind": "string",
        "value": "string",
        "domain": "string",
        "malicious": "bigint",
        "benign": "bigint",
        "first_day": "date",
        "last_day": "date",
        "expires_at": "timestamp",
        "query_version": "string",
    },
}

PARTITIONS: dict[str, tuple[str, ...]] = {
    "mails": ("dt",),
    "verdicts": ("dt",),
    "evidence": ("version",),
    "ledger": ("version",),
    "state": ("version", "kind"),
    "recounted": ("version", "kind"),
    "popular_domains": (),
    "candidates": ("version",),
}

FOLDERS = {"popular_domains": "popular"}

_PROJECTIONS: dict[str, dict[str, str]] = {
    "dt": {
        "type": "date",
        "format": "yyyy-MM-dd-HH",
        "range": "2024-01-01-00,NOW",
        "interval": "1",
        "interval.unit": "HOURS",
    },
    "version": {"type": "injected"},
    "kind": {"type": "enum", "values": ",".join(Kind)},
}


def table_input(name: str, settings: IocSettings) -> dict[str, Any]:
    """Return Glue's TableInput: Parquet, partitions by projection, so no crawler and no ALTER TABLE is ever needed."""
    partitions = PARTITIONS[name]
    location = settings.uri(FOLDERS.get(name, name)) + "/"
    parameters = {"EXTERNAL": "TRUE", "classification": "parquet"}
    if partitions:
        parameters["projection.enabled"] = "true"
        parameters["storage.location.template"] = location + "/".join(f"{key}=${{{key}}}" for key in partitions) + "/"
        for key in partitions:
            parameters.update({f"projection.{key}.{option}": value for option, value in _PROJECTIONS[key].items()})
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in partitions],
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": kind} for column, kind in COLUMNS[name].items()],
            "Location": location,
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
        },
    }
