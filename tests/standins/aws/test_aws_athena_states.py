"""Athena's executions: states, tokens, limits, results, workgroups, prepared statements, catalog."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.standins.aws.athena_client import Athena, parquet
from tests.standins.aws.conftest import new_athena

if TYPE_CHECKING:
    from tests.local_aws import LocalAws

SLOW = (
    "SELECT count(*) FROM UNNEST(sequence(1, 10000)) AS a(x), UNNEST(sequence(1, 10000)) AS b(y), "
    "UNNEST(sequence(1, 500)) AS c(z) WHERE x * y % 7 = z % 5"
)
CUT_OFF = 10_000_000


def _refused(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"
    return str(refused.value.response["Error"]["Message"])


def test_the_same_token_and_query_is_the_same_execution(athena: Athena) -> None:
    token = uuid4().hex * 2

    first = athena.start("SELECT 1", ClientRequestToken=token)
    second = athena.start("SELECT 1", ClientRequestToken=token)
    other = _refused(athena.start, sql="SELECT 2", ClientRequestToken=token)

    assert first == second
    assert other == "Idempotent parameters do not match"


def test_an_unknown_execution_is_an_invalid_request(athena: Athena) -> None:
    missing = str(uuid4())

    assert _refused(athena.execution, execution_id=missing) == f"QueryExecution {missing} was not found"


def test_a_statement_that_does_not_parse_is_refused_at_the_start(athena: Athena) -> None:
    assert "mismatched input 'SELEKT'" in _refused(athena.start, sql="SELEKT 1")
    assert "EXPLAIN SELECT is not modelled" in _refused(athena.start, sql="EXPLAIN SELECT 1")


def test_a_running_query_can_be_stopped_and_says_so(athena: Athena) -> None:
    execution_id = athena.start(SLOW)
    athena.wait(execution_id, states=("RUNNING",))

    athena.aws.client("athena").stop_query_execution(QueryExecutionId=execution_id)

    status = athena.execution(execution_id)["Status"]
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Query cancelled by user")
    assert athena.ok("SELECT 1").rows == [("1",)]
    assert athena.execution(execution_id)["Status"] == status


def test_stopping_an_ended_query_changes_nothing(athena: Athena) -> None:
    ended = athena.ok("SELECT 1").execution

    athena.aws.client("athena").stop_query_execution(QueryExecutionId=ended["QueryExecutionId"])

    assert athena.execution(ended["QueryExecutionId"]) == ended


@pytest.mark.parametrize(
    ("fault", "state", "reason"),
    [
        ({"kind": "query_fail", "error": "EXCEEDED_MEMORY_LIMIT: too big"}, "FAILED", "EXCEEDED_MEMORY_LIMIT: too big"),
        ({"kind": "query_cancel"}, "CANCELLED", "Query was cancelled by a fault of the local AWS"),
    ],
)
def test_an_injected_query_fault_ends_one_query(
    no_faults: LocalAws, fault: dict[str, str], state: str, reason: str
) -> None:
    athena = new_athena(no_faults)
    no_faults.control("POST", "faults", {**fault, "times": 1})

    struck, next_one = athena.run("SELECT 1"), athena.run("SELECT 1")

    assert (struck.state, struck.reason) == (state, reason)
    assert next_one.state == "SUCCEEDED"


def test_a_stuck_query_runs_until_it_is_stopped(no_faults: LocalAws) -> None:
    athena = new_athena(no_faults)
    no_faults.control("POST", "faults", {"kind": "query_stuck", "times": 1})
    execution_id = athena.start("SELECT 1")
    athena.wait(execution_id, states=("RUNNING",))

    no_faults.client("athena").stop_query_execution(QueryExecutionId=execution_id)

    assert athena.execution(execution_id)["Status"]["State"] == "CANCELLED"


def test_a_query_over_the_workgroups_limit_is_cancelled(athena: Athena) -> None:
    data = parquet({"noise": [os.urandom(1000) for _ in range(12_000)]}, compression="none")
    athena.put("big/a.parquet", data)
    athena.ok(f"CREATE EXTERNAL TABLE big (noise binary) STORED AS PARQUET LOCATION 's3://{athena.bucket}/big/'")
    group = f"limit-{athena.database}"
    configuration = {
        "ResultConfiguration": {"OutputLocation": f"s3://{athena.bucket}/limited/"},
        "BytesScannedCutoffPerQuery": CUT_OFF,
    }
    athena.aws.client("athena").create_work_group(Name=group, Configuration=configuration)

    cut = athena.run("SELECT max(length(noise)) FROM big", WorkGroup=group)
    counted = athena.run("SELECT count(*) FROM big", WorkGroup=group)

    assert (cut.state, cut.reason) == ("CANCELLED", "Bytes scanned limit was exceeded")
    assert cut.scanned == CUT_OFF
    assert counted.rows == [("12000",)]
    assert counted.output.startswith(f"s3://{athena.bucket}/limited/")


def test_results_lie_where_the_execution_says_quoted_as_athena_quotes(athena: Athena) -> None:
    result = athena.ok("""SELECT 'a"b' AS "x y", CAST(NULL AS varchar) AS n, '' AS e, 1.5e10 AS d, true AS t""")

    assert result.output == f"s3://{athena.bucket}/athena/{result.execution['QueryExecutionId']}.csv"
    content = athena.read(result.output).decode()
    assert content == '"x y","n","e","d","t"\n"a""b",,"","1.5E10","true"\n'
    assert athena.read(f"{result.output}.metadata")
    assert result.rows == [('a"b', None, "", "1.5E10", "true")]
    assert result.types == ["varchar", "varchar", "varchar", "double", "boolean"]


def test_many_rows_come_in_pages_without_loss(athena: Athena) -> None:
    result = athena.ok(
        "SELECT n, 'line' || chr(10) || CAST(n AS varchar) AS v FROM UNNEST(sequence(1, 2500)) AS t(n) ORDER BY n"
    )

    assert [row[0] for row in result.rows] == [str(number) for number in range(1, 2501)]
    assert result.rows[2499][1] == "line\n2500"
    ask = {"QueryExecutionId": result.execution["QueryExecutionId"], "MaxResults": 10}
    page = athena.aws.client("athena").get_query_results(**ask)
    assert len(page["ResultSet"]["Rows"]) == 10
    assert page["NextToken"]


def test_results_of_an_unfinished_or_failed_query_are_refused(athena: Athena) -> None:
    failed = athena.run("SELECT nowhere")

    call = athena.aws.client("athena").get_query_results
    message = _refused(call, QueryExecutionId=failed.execution["QueryExecutionId"])

    assert message == "Query did not finish successfully. Final query state: FAILED"


def test_without_an_output_location_nothing_starts(athena: Athena) -> None:
    client = athena.aws.client("athena")

    assert _refused(client.start_query_execution, QueryString="SELECT 1").startswith("No output location provided")
    nowhere = {"OutputLocation": "s3://no-such-bucket-anywhere/x/"}
    message = _refused(client.start_query_execution, QueryString="SELECT 1", ResultConfiguration=nowhere)
    assert message == "Unable to verify/create output bucket no-such-bucket-anywhere"


def test_an_enforcing_workgroup_overrides_the_clients_location(athena: Athena) -> None:
    name, client = f"wg-{athena.database}", athena.aws.client("athena")
    configuration = {"ResultConfiguration": {"OutputLocation": f"s3://{athena.bucket}/forced"}}
    client.create_work_group(Name=name, Configuration=configuration)

    forced = athena.ok("SELECT 1", WorkGroup=name)
    client.update_work_group(WorkGroup=name, ConfigurationUpdates={"EnforceWorkGroupConfiguration": False})
    free = athena.ok("SELECT 1", WorkGroup=name)

    assert forced.output.startswith(f"s3://{athena.bucket}/forced/")
    assert free.output.startswith(f"s3://{athena.bucket}/athena/")
    listed = client.list_query_executions(WorkGroup=name)["QueryExecutionIds"]
    assert listed == [free.execution["QueryExecutionId"], forced.execution["QueryExecutionId"]]
    described = client.batch_get_query_execution(QueryExecutionIds=[*listed, "missing"])
    assert [found["WorkGroup"] for found in described["QueryExecutions"]] == [name, name]
    assert described["UnprocessedQueryExecutionIds"][0]["QueryExecutionId"] == "missing"


def test_parameters_are_values_never_text(athena: Athena) -> None:
    given = ["'it''s ? a value'", "7"]

    result = athena.ok("SELECT ?, '?' AS literal, ? + 1", ExecutionParameters=given)

    assert result.rows == [("it's ? a value", "?", "8")]
    assert result.execution["ExecutionParameters"] == given


def test_a_prepared_statement_is_one_in_sql_and_in_the_api(athena: Athena) -> None:
    name, client = f"p_{athena.database}", athena.aws.client("athena")
    athena.ok(f"PREPARE {name} FROM SELECT ? * 2 AS doubled")

    by_sql = athena.ok(f"EXECUTE {name} USING 21")
    by_api = client.get_prepared_statement(StatementName=name, WorkGroup="primary")["PreparedStatement"]
    athena.ok(f"DEALLOCATE PREPARE {name}")

    assert by_sql.rows == [("42",)]
    assert by_api["QueryStatement"] == "SELECT ? * 2 AS doubled"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_prepared_statement(StatementName=name, WorkGroup="primary")


def test_the_catalog_api_shows_what_ddl_made(athena: Athena) -> None:
    columns = "id bigint, s struct<a:string,b:array<int>>"
    athena.ok(
        f"CREATE EXTERNAL TABLE seen ({columns}) PARTITIONED BY (dt string) STORED AS PARQUET LOCATION 's3://{athena.bucket}/s/'"
    )
    client, where = athena.aws.client("athena"), {"CatalogName": "AwsDataCatalog", "DatabaseName": athena.database}

    table = client.get_table_metadata(**where, TableName="seen")["TableMetadata"]
    listed = client.list_table_metadata(**where)["TableMetadataList"]

    assert [(column["Name"], column["Type"]) for column in table["Columns"]] == [
        ("id", "bigint"),
        ("s", "struct<a:string,b:array<int>>"),
    ]
    assert [found["Name"] for found in listed] == ["seen"]
    with pytest.raises(client.exceptions.MetadataException):
        client.get_table_metadata(**where, TableName="unseen")


def test_show_create_table_makes_the_same_table_again(athena: Athena) -> None:
    athena.ok(
        "CREATE EXTERNAL TABLE first (a string COMMENT 'x', n int) PARTITIONED BY (dt string) ROW FORMAT DELIMITED "
        rf"FIELDS TERMINATED BY '\t' LOCATION 's3://{athena.bucket}/f/' TBLPROPERTIES ('skip.header.line.count'='1')"
    )
    statement = "\n".join(str(row[0]) for row in athena.ok("SHOW CREATE TABLE first").rows)

    athena.ok(statement.replace(f"`{athena.database}.first`", "second"))

    tables = [
        athena.aws.client("glue").get_table(DatabaseName=athena.database, Name=n)["Table"] for n in ("first", "second")
    ]
    assert tables[0]["StorageDescriptor"]["SerdeInfo"] == tables[1]["StorageDescriptor"]["SerdeInfo"]
    assert tables[0]["Parameters"] == tables[1]["Parameters"]
    assert athena.ok("DESCRIBE second").rows[0] == ("a".ljust(20), "string".ljust(20), " " * 20)


def test_ddl_that_contradicts_the_catalog_fails_with_hives_words(athena: Athena) -> None:
    athena.ok(f"CREATE EXTERNAL TABLE t (a int) STORED AS PARQUET LOCATION 's3://{athena.bucket}/t/'")

    again = athena.run(f"CREATE EXTERNAL TABLE t (a int) STORED AS PARQUET LOCATION 's3://{athena.bucket}/t/'")
    filled = athena.run(f"DROP DATABASE {athena.database}")
    missing = athena.run("DROP TABLE nowhere")

    assert "AlreadyExistsException" in again.reason
    assert "is not empty" in filled.reason
    assert "Table not found nowhere" in missing.reason
    assert athena.ok("DROP TABLE IF EXISTS nowhere").state == "SUCCEEDED"
    athena.ok(f"DROP DATABASE {athena.database} CASCADE")
    assert (athena.database,) not in athena.ok("SHOW DATABASES").rows
