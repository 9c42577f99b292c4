"""Athena writes: CTAS, INSERT INTO, UNLOAD, as boto3 and awswrangler see them."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import boto3
import pyarrow.parquet as pq
import pytest

from tests.standins.aws.athena_client import Athena, parquet

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERS = "SELECT * FROM (VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', NULL)) AS t(id, name, dt)"


def _manifest(athena: Athena, execution: dict[str, Any]) -> list[str]:
    return athena.read(execution["Statistics"]["DataManifestLocation"]).decode().splitlines()


def test_ctas_makes_a_table_and_names_its_files(athena: Athena) -> None:
    made = athena.ok(f"CREATE TABLE made WITH (format = 'PARQUET', write_compression = 'SNAPPY') AS {NUMBERS}")

    (file,) = _manifest(athena, made.execution)
    assert file.startswith(f"s3://{athena.bucket}/athena/tables/{made.execution['QueryExecutionId']}/")
    metadata = pq.ParquetFile(io.BytesIO(athena.read(file))).metadata
    assert metadata.row_group(0).column(0).compression == "SNAPPY"
    assert athena.ok("SELECT * FROM made ORDER BY id").rows == [("1", "a", "x"), ("2", "b", "y"), ("3", "c", None)]
    table = athena.aws.client("glue").get_table(DatabaseName=athena.database, Name="made")["Table"]
    assert [column["Type"] for column in table["StorageDescriptor"]["Columns"]] == ["int", "string", "string"]


def test_partitioned_ctas_registers_its_partitions(athena: Athena) -> None:
    place = f"external_location = 's3://{athena.bucket}/parted/'"
    athena.ok(f"CREATE TABLE parted WITH ({place}, partitioned_by = ARRAY['dt']) AS {NUMBERS}")

    assert athena.ok("SHOW PARTITIONS parted").rows == [("dt=__HIVE_DEFAULT_PARTITION__",), ("dt=x",), ("dt=y",)]
    assert athena.ok("SELECT id, dt FROM parted ORDER BY id").rows == [("1", "x"), ("2", "y"), ("3", None)]
    assert athena.ok("SELECT id FROM parted WHERE dt = 'y'").rows == [("2",)]
    assert all(key.startswith("parted/dt=") for key in athena.keys("parted/"))


def test_ctas_with_no_data_makes_an_empty_table(athena: Athena) -> None:
    athena.ok(f"CREATE TABLE hollow AS {NUMBERS} WITH NO DATA")

    assert athena.ok("SELECT count(*) FROM hollow").rows == [("0",)]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("CREATE TABLE bad AS SELECT 1", "Column name not specified at position 1"),
        ("CREATE TABLE bad AS SELECT 1 AS a, 2 AS a", "Column name 'a' specified more than once"),
        ("CREATE TABLE bad WITH (partitioned_by = ARRAY['a']) AS SELECT 1 AS a, 2 AS b", "HIVE_COLUMN_ORDER_MISMATCH"),
        ("CREATE TABLE bad WITH (format = 'ORC') AS SELECT 1 AS a", "The format ORC is not modelled"),
        (
            (
                "CREATE TABLE bad WITH (partitioned_by = ARRAY['b']) AS "
                "SELECT 1 AS a, b FROM UNNEST(sequence(1, 101)) AS t(b)"
            ),
            "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers",
        ),
    ],
)
def test_a_ctas_that_athena_refuses_is_refused_and_leaves_no_table(athena: Athena, statement: str, reason: str) -> None:
    refused = athena.run(statement)

    assert refused.state == "FAILED"
    assert reason in refused.reason
    assert athena.ok("SHOW TABLES").rows == []


def test_ctas_over_an_existing_table_or_filled_place_is_refused(athena: Athena) -> None:
    athena.put("filled/x", b"1")
    athena.ok("CREATE TABLE once AS SELECT 1 AS a")

    again = athena.run("CREATE TABLE once AS SELECT 1 AS a")
    skipped = athena.run("CREATE TABLE IF NOT EXISTS once AS SELECT 2 AS a")
    filled = athena.run(f"CREATE TABLE two WITH (external_location = 's3://{athena.bucket}/filled/') AS SELECT 1 AS a")

    assert "already exists" in again.reason
    assert skipped.state == "SUCCEEDED"
    assert athena.ok("SELECT a FROM once").rows == [("1",)]
    assert filled.reason.startswith("HIVE_PATH_ALREADY_EXISTS")


def test_insert_adds_rows_and_registers_new_partitions(athena: Athena) -> None:
    place = f"LOCATION 's3://{athena.bucket}/grow/'"
    athena.ok(
        f"CREATE EXTERNAL TABLE grow (id bigint, name string) PARTITIONED BY (dt string) STORED AS PARQUET {place}"
    )

    athena.ok(f"INSERT INTO grow {NUMBERS} WHERE dt IS NOT NULL")
    athena.ok("INSERT INTO grow (dt, id) SELECT 'with space/slash', 9")

    rows = athena.ok("SELECT id, name, dt FROM grow ORDER BY id").rows
    assert rows == [("1", "a", "x"), ("2", "b", "y"), ("9", None, "with space/slash")]
    assert athena.ok("SELECT id FROM grow WHERE dt = 'with space/slash'").rows == [("9",)]


def test_insert_into_a_projected_table_registers_nothing(athena: Athena) -> None:
    athena.ok(
        "CREATE EXTERNAL TABLE proj (id bigint) PARTITIONED BY (dt string) STORED AS PARQUET "
        f"LOCATION 's3://{athena.bucket}/pr/' "
        "TBLPROPERTIES ('projection.enabled'='true', 'projection.dt.type'='enum', 'projection.dt.values'='a,b')"
    )

    athena.ok("INSERT INTO proj SELECT 1, 'a'")

    assert athena.ok("SELECT id, dt FROM proj").rows == [("1", "a")]
    assert athena.ok("SHOW PARTITIONS proj").rows == []


def test_an_insert_of_the_wrong_width_is_refused(athena: Athena) -> None:
    athena.ok("CREATE TABLE narrow AS SELECT 1 AS a")

    assert "mismatched column types" in athena.run("INSERT INTO narrow SELECT 1, 2").reason


def test_unload_writes_parquet_and_refuses_a_filled_place(athena: Athena) -> None:
    place = f"s3://{athena.bucket}/out/"

    unloaded = athena.ok(f"UNLOAD ({NUMBERS}) TO '{place}' WITH (format = 'PARQUET', compression = 'ZSTD')")
    again = athena.run(f"UNLOAD ({NUMBERS}) TO '{place}' WITH (format = 'PARQUET')")

    (file,) = _manifest(athena, unloaded.execution)
    assert file.startswith(place)
    assert [row["id"] for row in pq.read_table(io.BytesIO(athena.read(file))).to_pylist()] == [1, 2, 3]
    assert again.reason.startswith("HIVE_PATH_ALREADY_EXISTS")


@pytest.mark.parametrize(("form", "expected"), [("JSON", '{"id":1,"name":"a"}'), ("TEXTFILE", "1|a")])
def test_unload_writes_gzipped_text(athena: Athena, form: str, expected: str) -> None:
    delimiter = ", field_delimiter = '|'" if form == "TEXTFILE" else ""
    query = "SELECT 1 AS id, 'a' AS name"

    result = athena.ok(f"UNLOAD ({query}) TO 's3://{athena.bucket}/text/' WITH (format = '{form}'{delimiter})")

    (file,) = _manifest(athena, result.execution)
    assert file.endswith(".gz")
    assert gzip.decompress(athena.read(file)).decode() == expected + "\n"


def test_unload_partitions_by_the_last_columns(athena: Athena) -> None:
    place = f"s3://{athena.bucket}/by/"

    athena.ok(f"UNLOAD ({NUMBERS} WHERE id < 3) TO '{place}' WITH (format = 'JSON', partitioned_by = ARRAY['dt'])")

    folders = {key.split("/")[1] for key in athena.keys("by/")}
    assert folders == {"dt=x", "dt=y"}


def test_what_one_query_wrote_the_next_reads(athena: Athena) -> None:
    athena.put("in/a.json", b"".join(json.dumps({"n": n}).encode() + b"\n" for n in range(10)))
    serde = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"
    athena.ok(f"CREATE EXTERNAL TABLE numbers (n int) {serde} LOCATION 's3://{athena.bucket}/in/'")

    athena.ok("INSERT INTO numbers SELECT n + 100 FROM numbers")

    assert athena.ok("SELECT count(*), max(n) FROM numbers").rows == [("20", "109")]


@pytest.fixture
def wrangler(athena: Athena) -> Iterator[Any]:
    """awswrangler, pointed at the local AWS, and its session."""
    wr = pytest.importorskip("awswrangler")
    for service in ("athena", "s3", "glue", "sts"):
        setattr(wr.config, f"{service}_endpoint_url", athena.aws.endpoint)
    session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")
    yield wr, session
    for service in ("athena", "s3", "glue", "sts"):
        wr.config.reset(f"{service}_endpoint_url")


@pytest.mark.parametrize(
    "approach", [{"ctas_approach": False}, {"ctas_approach": True}, {"ctas_approach": False, "unload_approach": True}]
)
def test_awswrangler_reads_the_same_frame_by_every_approach(
    athena: Athena, wrangler: Any, approach: dict[str, bool]
) -> None:
    wr, session = wrangler
    athena.put("wr/a.parquet", parquet({"id": list(range(500)), "name": [f"n{n}" for n in range(500)]}))
    athena.ok(
        f"CREATE EXTERNAL TABLE wr (id bigint, name string) STORED AS PARQUET LOCATION 's3://{athena.bucket}/wr/'"
    )

    output = f"s3://{athena.bucket}/wrangled/"
    query = "SELECT id, name FROM wr"
    frame = wr.athena.read_sql_query(
        query, database=athena.database, s3_output=output, boto3_session=session, **approach
    )

    assert sorted(frame["id"].tolist()) == list(range(500))
    assert set(frame["name"]) == {f"n{n}" for n in range(500)}
    assert athena.ok("SHOW TABLES").rows == [("wr",)]
