"""Athena reads: formats, partitions, what is scanned."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from tests.standins.aws.athena_client import Athena, column_bytes, parquet

if TYPE_CHECKING:
    from collections.abc import Callable

JSON_SERDE = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"
HOURS = 48


def _hourly(athena: Athena) -> bytes:
    """Two days of hourly Parquet partitions, projected; returns one partition's file."""
    data = parquet({"id": list(range(100)), "url": [f"http://host/{n}" for n in range(100)]})
    for hour in range(HOURS):
        moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        athena.put(f"mails/dt={moment:%Y-%m-%d-%H}/part-0.parquet", data)
    athena.ok(
        "CREATE EXTERNAL TABLE mails (id bigint, url string, missing double) PARTITIONED BY (dt string) "
        f"STORED AS PARQUET LOCATION 's3://{athena.bucket}/mails/' "
        "TBLPROPERTIES ('projection.enabled'='true', 'projection.dt.type'='date', "
        "'projection.dt.format'='yyyy-MM-dd-HH', 'projection.dt.range'='2024-01-01-00,NOW', "
        "'projection.dt.interval'='1', 'projection.dt.interval.unit'='HOURS')"
    )
    return data


def test_bytes_scanned_are_the_read_columns_of_the_partitions_asked_for(athena: Athena) -> None:
    one = _hourly(athena)
    last_day = "dt >= '2024-01-02-00'"

    counted = athena.ok(f"SELECT count(*) FROM mails WHERE {last_day}")
    ids = athena.ok(f"SELECT sum(id) FROM mails WHERE {last_day}")
    both = athena.ok("SELECT max(url), sum(id) FROM mails WHERE dt = '2024-01-02-05'")
    everything = athena.ok("SELECT max(url), sum(id), max(dt) FROM mails")

    assert (counted.rows, counted.scanned) == ([("2400",)], 0)
    assert (ids.rows, ids.scanned) == ([(str(24 * 4950),)], 24 * column_bytes(one, "id"))
    assert both.scanned == column_bytes(one, "id", "url")
    assert everything.rows == [("http://host/99", str(48 * 4950), "2024-01-02-23")]
    assert everything.scanned == HOURS * column_bytes(one, "id", "url")


def test_the_path_of_a_row_prunes_and_names_its_object(athena: Athena) -> None:
    one = _hourly(athena)

    result = athena.ok("""SELECT "$path", sum(id) FROM mails WHERE "$path" LIKE '%-03/part%' GROUP BY 1 ORDER BY 1""")

    paths = [f"s3://{athena.bucket}/mails/dt=2024-01-0{day}-03/part-0.parquet" for day in (1, 2)]
    assert result.rows == [(path, "4950") for path in paths]
    assert result.scanned == 2 * column_bytes(one, "id")


def test_a_column_that_a_file_lacks_is_null(athena: Athena) -> None:
    _hourly(athena)

    assert athena.ok("SELECT missing, id FROM mails WHERE dt = '2024-01-01-00' AND id = 7").rows == [(None, "7")]


def test_a_query_that_does_not_bind_scans_nothing(athena: Athena) -> None:
    _hourly(athena)

    result = athena.run("SELECT id, nowhere FROM mails")

    assert (result.state, result.scanned) == ("FAILED", 0)
    assert result.reason == (
        "COLUMN_NOT_FOUND: line 1:12: Column 'nowhere' cannot be resolved or requester is not authorized to access "
        "requested resources"
    )
    assert result.execution["Status"]["AthenaError"]["ErrorMessage"] == result.reason


def test_a_missing_table_is_said_in_athenas_words(athena: Athena) -> None:
    result = athena.run("SELECT * FROM nowhere")

    assert "TABLE_NOT_FOUND" in result.reason
    assert f"Table 'awsdatacatalog.{athena.database}.nowhere' does not exist" in result.reason


def test_a_column_of_another_kind_than_declared_is_bad_data(athena: Athena) -> None:
    uri = athena.put("typed/a.parquet", parquet({"id": ["text"]}))
    athena.ok(f"CREATE EXTERNAL TABLE typed (id bigint) STORED AS PARQUET LOCATION 's3://{athena.bucket}/typed/'")

    result = athena.run("SELECT id FROM typed")

    assert result.reason.startswith("HIVE_BAD_DATA: Field id's type STRING in parquet file")
    assert uri in result.reason


def test_files_of_different_columns_are_read_by_name(athena: Athena) -> None:
    athena.put("evolved/a.parquet", parquet({"id": [1], "old": ["x"]}))
    athena.put("evolved/b.parquet", parquet({"new": [2.5], "id": [2]}))
    where = f"LOCATION 's3://{athena.bucket}/evolved/'"
    athena.ok(f"CREATE EXTERNAL TABLE evolved (id bigint, old string, new double) STORED AS PARQUET {where}")

    assert athena.ok("SELECT * FROM evolved ORDER BY id").rows == [("1", "x", None), ("2", None, "2.5")]


def test_nested_parquet_is_printed_as_athena_prints_it(athena: Athena) -> None:
    rows = [{"kind": "a", "sizes": [1, 2]}, {"kind": None, "sizes": []}]
    athena.put("nested/a.parquet", parquet({"s": pa.array(rows)}))
    kind = "struct<kind:string,sizes:array<bigint>>"
    athena.ok(f"CREATE EXTERNAL TABLE nested (s {kind}) STORED AS PARQUET LOCATION 's3://{athena.bucket}/nested/'")

    result = athena.ok("SELECT s, s.sizes FROM nested")

    assert result.rows == [("{kind=a, sizes=[1, 2]}", "[1, 2]"), ("{kind=null, sizes=[]}", "[]")]
    assert result.types == ["row", "array"]


def test_json_keys_match_in_any_case_plain_and_gzipped(athena: Athena) -> None:
    mail = {"Id": 1, "Sender": {"Domain": "a.example", "Links": [{"Url": "u", "Size": 3}]}, "extra": 3}
    athena.put("json/a.json", json.dumps(mail).encode() + b"\n" + b'{"Id":2,"Sender":{"Domain":"b.example"}}\n')
    athena.put("json/b.json.gz", gzip.compress(b'{"Id":3}\n'))
    athena.put("json/_hidden.json", b"not read\n")
    columns = "id bigint, sender struct<domain:string,links:array<struct<url:string,size:int>>>"
    athena.ok(f"CREATE EXTERNAL TABLE j ({columns}) {JSON_SERDE} LOCATION 's3://{athena.bucket}/json/'")

    result = athena.ok("SELECT id, sender.domain, sender.links[1].size FROM j WHERE id < 3 ORDER BY id")

    assert result.rows[0] == ("1", "a.example", "3")
    assert athena.ok("SELECT id, sender FROM j WHERE id > 1 ORDER BY id").rows == [
        ("2", "{domain=b.example, links=null}"),
        ("3", None),
    ]
    assert result.scanned == sum(
        len(athena.read(f"s3://{athena.bucket}/json/{name}")) for name in ("a.json", "b.json.gz")
    )


def test_malformed_json_fails_the_query_unless_the_table_ignores_it(athena: Athena) -> None:
    uri = athena.put("bad/a.json", b'{"id":1}\n{broken\n{"id":3}\n')
    for name, more in (("strict", ""), ("lenient", "WITH SERDEPROPERTIES ('ignore.malformed.json'='true')")):
        athena.ok(f"CREATE EXTERNAL TABLE {name} (id bigint) {JSON_SERDE} {more} LOCATION 's3://{athena.bucket}/bad/'")

    strict, lenient = athena.run("SELECT id FROM strict"), athena.ok("SELECT id FROM lenient ORDER BY id")

    assert strict.reason.startswith("HIVE_BAD_DATA: Row is not a valid JSON Object")
    assert uri in strict.reason
    assert lenient.rows == [("1",), ("3",), (None,)]


def test_cloudfront_logs_are_read_past_their_headers(athena: Athena) -> None:
    lines = '#Version: 1.0\n#Fields: date time bytes uri\n2024-01-01\t00:00:01\t12\t/a"b\n2024-01-01\t00:00:02\t-\t-\n'
    athena.put("cf/log.gz", gzip.compress(lines.encode()))
    athena.ok(
        "CREATE EXTERNAL TABLE cf (`date` date, time string, bytes bigint, uri string) ROW FORMAT DELIMITED FIELDS "
        rf"TERMINATED BY '\t' LOCATION 's3://{athena.bucket}/cf/' TBLPROPERTIES ('skip.header.line.count'='2')"
    )

    result = athena.ok('SELECT "date", time, bytes, uri FROM cf ORDER BY time')

    assert result.rows == [("2024-01-01", "00:00:01", "12", '/a"b'), ("2024-01-01", "00:00:02", None, "-")]
    assert result.types == ["date", "varchar", "bigint", "varchar"]


def test_regex_rows_that_do_not_match_are_null(athena: Athena) -> None:
    athena.put("alb/log", b'http 12 "GET /x HTTP/1.1"\nunparsable\n')
    athena.ok(
        "CREATE EXTERNAL TABLE alb (type string, n int, request string) "
        "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe' "
        r"""WITH SERDEPROPERTIES ('input.regex'='([a-z]+) (\\d+) \"([^\"]*)\"') """
        f"LOCATION 's3://{athena.bucket}/alb/'"
    )

    rows = athena.ok("SELECT type, n, request FROM alb").rows

    assert sorted(rows, key=str) == [("http", "12", "GET /x HTTP/1.1"), (None, None, None)]


def test_quoted_csv_is_read_by_opencsv(athena: Athena) -> None:
    athena.put("csv/a.csv", b'name,n\n"x, ""y""",2\n')
    athena.ok(
        "CREATE EXTERNAL TABLE c (name string, n int) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' "
        f"LOCATION 's3://{athena.bucket}/csv/' TBLPROPERTIES ('skip.header.line.count'='1')"
    )

    assert athena.ok("SELECT name, n FROM c").rows == [('x, "y"', "2")]


@pytest.mark.parametrize(
    "serde", ["org.apache.hadoop.hive.ql.io.orc.OrcSerde", "org.apache.hadoop.hive.serde2.avro.AvroSerDe"]
)
def test_a_serde_that_is_not_modelled_is_refused(athena: Athena, serde: str) -> None:
    athena.put("orc/a", b"x")
    athena.ok(f"CREATE EXTERNAL TABLE o (id int) ROW FORMAT SERDE '{serde}' LOCATION 's3://{athena.bucket}/orc/'")

    result = athena.run("SELECT id FROM o")

    assert result.reason == f"NOT_SUPPORTED: The SerDe {serde} is not modelled by the local Athena"


def test_a_table_without_objects_has_no_rows(athena: Athena) -> None:
    athena.ok(
        f"CREATE EXTERNAL TABLE e (id int) PARTITIONED BY (dt string) STORED AS PARQUET LOCATION 's3://{athena.bucket}/e/'"
    )

    assert athena.ok("SELECT * FROM e").rows == []
    assert athena.ok("SELECT count(*) FROM e WHERE dt = 'x'").rows == [("0",)]


def _json_partitions(athena: Athena, prefix: str, places: dict[str, int]) -> None:
    for place, number in places.items():
        athena.put(f"{prefix}/{place}/a.json", json.dumps({"n": number}).encode() + b"\n")


@pytest.fixture
def projected(athena: Athena) -> Callable[[str, str, str], Athena]:
    """Make a JSON table `p` with given partition columns and projection properties."""

    def make(columns: str, properties: str, template: str) -> Athena:
        place = f"'storage.location.template'='s3://{athena.bucket}/{template}'"
        athena.ok(
            f"CREATE EXTERNAL TABLE p (n int) PARTITIONED BY ({columns}) {JSON_SERDE} "
            f"LOCATION 's3://{athena.bucket}/p/' "
            f"TBLPROPERTIES ('projection.enabled'='true', {properties}, {place})"
        )
        return athena

    return make


def test_enum_and_integer_projection_see_only_their_values(projected: Callable[[str, str, str], Athena]) -> None:
    athena = projected(
        "region string, hour int",
        "'projection.region.type'='enum', 'projection.region.values'='eu,us', 'projection.hour.type'='integer', "
        "'projection.hour.range'='0,23', 'projection.hour.digits'='2'",
        "p/${region}/${hour}/",
    )
    _json_partitions(athena, "p", {"eu/03": 1, "us/23": 2, "ap/03": 4, "eu/24": 8, "eu/3": 16})

    assert athena.ok("SELECT n, region, hour FROM p ORDER BY n").rows == [("1", "eu", "3"), ("2", "us", "23")]
    assert athena.ok("SELECT n FROM p WHERE hour > 10").rows == [("2",)]


def test_a_date_range_to_now_leaves_out_the_future(projected: Callable[[str, str, str], Athena]) -> None:
    athena = projected(
        "day string",
        "'projection.day.type'='date', 'projection.day.format'='yyyy/MM/dd', 'projection.day.range'='NOW-2DAYS,NOW'",
        "p/${day}/",
    )
    today = datetime.now(UTC)
    days = {age: (today - timedelta(days=age)).strftime("%Y/%m/%d") for age in (-2, 0, 1, 9)}
    _json_partitions(athena, "p", {day: age for age, day in days.items()})

    assert athena.ok("SELECT n, day FROM p ORDER BY n").rows == [("0", days[0]), ("1", days[1])]


def test_an_injected_column_needs_an_equality(projected: Callable[[str, str, str], Athena]) -> None:
    athena = projected("device string", "'projection.device.type'='injected'", "p/${device}/")
    _json_partitions(athena, "p", {"a": 1, "b": 2, "c": 4})

    refused = athena.run("SELECT n FROM p WHERE device > 'a'")

    assert refused.reason.startswith("CONSTRAINT_VIOLATION: For the injected projected partition column device")
    assert athena.ok("SELECT n FROM p WHERE device = 'b'").rows == [("2",)]
    assert athena.ok("SELECT sum(n) FROM p WHERE device IN ('a', 'c')").rows == [("5",)]


def test_registered_partitions_are_read_where_they_were_added(athena: Athena) -> None:
    _json_partitions(athena, "reg", {"dt=1": 1, "dt=2": 2})
    _json_partitions(athena, "elsewhere", {"x": 4})
    location = f"LOCATION 's3://{athena.bucket}/reg/'"
    athena.ok(f"CREATE EXTERNAL TABLE reg (n int) PARTITIONED BY (dt int) {JSON_SERDE} {location}")

    assert athena.ok("SELECT * FROM reg").rows == []
    repaired = athena.ok("MSCK REPAIR TABLE reg")
    athena.ok(f"ALTER TABLE reg ADD IF NOT EXISTS PARTITION (dt = 3) LOCATION 's3://{athena.bucket}/elsewhere/x/'")

    assert len(repaired.rows) == 2
    assert athena.ok("SELECT n, dt FROM reg ORDER BY dt").rows == [("1", "1"), ("2", "2"), ("4", "3")]
    assert athena.ok("SELECT sum(n) FROM reg WHERE dt >= 2").scanned == 2 * len(b'{"n": 1}\n')
    athena.ok("ALTER TABLE reg DROP PARTITION (dt = 3)")
    assert athena.ok("SHOW PARTITIONS reg").rows == [("dt=1",), ("dt=2",)]
