"""Athena's API: each operation a method, each answer in the shape of the botocore model."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from include.standins.aws.athena_catalog_api import CATALOG, CATALOG_OPERATIONS, CatalogApi, paged
from include.standins.aws.athena_errors import QueryFailedError
from include.standins.aws.athena_executions import Execution, Executions
from include.standins.aws.athena_results import PAGE_LIMIT, Column, read_page, result_rows
from include.standins.aws.athena_statements import parse_statement, statement_type
from include.standins.aws.errors import AwsError, not_modelled
from include.standins.aws.object_store import NoSuchBucketError, ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.standins.aws.athena_catalog import Catalog
    from include.standins.aws.athena_engine import QueryEngine
    from include.standins.aws.athena_prepared import PreparedStatements
    from include.standins.aws.athena_workgroups import WorkGroups
    from include.standins.aws.calls import Call

Parameters = dict[str, Any]
QUERY_LIMIT_BYTES = 262_144


class AthenaApi:
    """Answers Athena calls."""

    def __init__(
        self,
        *,
        executions: Executions,
        engine: QueryEngine,
        workgroups: WorkGroups,
        prepared: PreparedStatements,
        store: ObjectStore,
        catalog: Callable[[], Catalog],
    ) -> None:
        self._executions = executions
        self._engine = engine
        self._workgroups = workgroups
        self._prepared = prepared
        self._store = store
        self._catalog_api = CatalogApi(catalog)

    def answer(self, call: Call, parameters: Parameters) -> Parameters:
        """Run one operation; raises AwsError, also for operations that are not modelled."""
        about_catalog = CATALOG_OPERATIONS.get(call.operation)
        if about_catalog is not None:
            return about_catalog(self._catalog_api, parameters)
        method = _OPERATIONS.get(call.operation)
        if method is None:
            raise not_modelled(call)
        return method(self, parameters)

    def start(self, parameters: Parameters) -> Parameters:
        """StartQueryExecution; the same token gives the same execution."""
        query = parameters["QueryString"]
        workgroup = parameters.get("WorkGroup", "primary")
        self._check_start(query, workgroup)
        context = parameters.get("QueryExecutionContext") or {}
        asked = (parameters.get("ResultConfiguration") or {}).get("OutputLocation")
        output = self._workgroups.output_location(workgroup, asked)
        self._require_bucket(output)
        execution = Execution(
            id=str(uuid4()),
            query=query,
            workgroup=workgroup,
            output=output,
            submitted=time.time(),
            statement_type=statement_type(query),
            database=str(context.get("Database") or "default").lower(),
            catalog=context.get("Catalog") or CATALOG,
            parameters=parameters.get("ExecutionParameters") or [],
            token=parameters.get("ClientRequestToken"),
            scan_limit=self._workgroups.get(workgroup)["Configuration"].get("BytesScannedCutoffPerQuery"),
        )
        execution.output = f"{output}{execution.id}{'.csv' if execution.statement_type == 'DML' else '.txt'}"
        held = self._executions.add(execution)
        if held is execution:
            self._engine.submit(execution)
        elif _differ(held, execution):
            raise _invalid("Idempotent parameters do not match")
        return {"QueryExecutionId": held.id}

    def _check_start(self, query: str, workgroup: str) -> None:
        if len(query.encode()) > QUERY_LIMIT_BYTES:
            raise _invalid(f"The query is longer than {QUERY_LIMIT_BYTES} bytes.")
        if self._workgroups.get(workgroup)["State"] != "ENABLED":
            raise _invalid(f"WorkGroup {workgroup} is disabled.")
        try:
            parse_statement(query)
        except QueryFailedError as error:
            raise _invalid(str(error).removeprefix("SYNTAX_ERROR: ")) from error

    def _require_bucket(self, output: str) -> None:
        try:
            self._store.listing(output.split("://", 1)[-1].split("/", 1)[0])
        except NoSuchBucketError as error:
            raise _invalid(f"Unable to verify/create output bucket {error}") from error

    def _execution(self, parameters: Parameters) -> Execution:
        found = self._executions.get(parameters["QueryExecutionId"])
        if found is None:
            raise _invalid(f"QueryExecution {parameters['QueryExecutionId']} was not found")
        return found

    def get(self, parameters: Parameters) -> Parameters:
        """GetQueryExecution."""
        return {"QueryExecution": self._execution(parameters).describe()}

    def batch_get(self, parameters: Parameters) -> Parameters:
        """BatchGetQueryExecution."""
        found, missing = [], []
        for name in parameters["QueryExecutionIds"]:
            execution = self._executions.get(name)
            if execution is None:
                error = {"QueryExecutionId": name, "ErrorCode": "INTERNAL_FAILURE", "ErrorMessage": "was not found"}
                missing.append(error)
            else:
                found.append(execution.describe())
        return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}

    def list_executions(self, parameters: Parameters) -> Parameters:
        """ListQueryExecutions."""
        return paged("QueryExecutionIds", self._executions.ids(parameters.get("WorkGroup", "primary")), parameters)

    def stop(self, parameters: Parameters) -> Parameters:
        """StopQueryExecution."""
        self._engine.stop(self._execution(parameters))
        return {}

    def results(self, parameters: Parameters) -> Parameters:
        """GetQueryResults; the token is the place in the result object."""
        execution = self._execution(parameters)
        if execution.state != "SUCCEEDED":
            sentence = f"Query has not yet finished. Current state: {execution.state}"
            if execution.ended:
                sentence = f"Query did not finish successfully. Final query state: {execution.state}"
            raise _invalid(sentence)
        columns = [Column(name, kind) for name, kind in execution.columns]
        answer: Parameters = {
            "ResultSet": {"Rows": [], "ResultSetMetadata": {"ColumnInfo": [c.info() for c in columns]}}
        }
        answer["UpdateCount"] = execution.update_count or 0
        if execution.update_count is not None:
            return answer
        stored = self._store.get(execution.output)
        if stored is None:
            raise _invalid(f"The result {execution.output} of the query is gone")
        page = read_page(
            stored.path,
            offset=int(parameters.get("NextToken") or 0),
            limit=min(int(parameters.get("MaxResults") or PAGE_LIMIT), PAGE_LIMIT),
            is_csv=execution.output.endswith(".csv"),
        )
        answer["ResultSet"]["Rows"] = result_rows(page.rows)
        if page.next_offset is not None:
            answer["NextToken"] = str(page.next_offset)
        return answer

    def runtime(self, parameters: Parameters) -> Parameters:
        """GetQueryRuntimeStatistics: times, and rows as far as they are counted."""
        execution = self._execution(parameters)
        timeline = {name: value for name, value in execution.statistics().items() if name.endswith("InMillis")}
        rows = {"InputBytes": execution.scanned_bytes, "OutputRows": execution.output_rows}
        return {"QueryRuntimeStatistics": {"Timeline": timeline, "Rows": rows}}

    def create_workgroup(self, parameters: Parameters) -> Parameters:
        """CreateWorkGroup."""
        configuration = parameters.get("Configuration") or {}
        self._workgroups.create(parameters["Name"], configuration, parameters.get("Description", ""), at=time.time())
        return {}

    def update_workgroup(self, parameters: Parameters) -> Parameters:
        """UpdateWorkGroup."""
        self._workgroups.update(parameters["WorkGroup"], parameters)
        return {}

    def get_workgroup(self, parameters: Parameters) -> Parameters:
        """GetWorkGroup."""
        return {"WorkGroup": self._workgroups.get(parameters["WorkGroup"])}

    def list_workgroups(self, parameters: Parameters) -> Parameters:
        """ListWorkGroups."""
        return paged("WorkGroups", self._workgroups.summaries(), parameters)

    def delete_workgroup(self, parameters: Parameters) -> Parameters:
        """DeleteWorkGroup."""
        self._workgroups.delete(parameters["WorkGroup"])
        return {}

    def create_prepared(self, parameters: Parameters) -> Parameters:
        """CreatePreparedStatement."""
        group, name = parameters["WorkGroup"], parameters["StatementName"]
        self._workgroups.get(group)
        if self._prepared.get(group, name) is not None:
            raise _invalid(f"PreparedStatement {name} already exists in WorkGroup {group}")
        return self._put_prepared(parameters)

    def update_prepared(self, parameters: Parameters) -> Parameters:
        """UpdatePreparedStatement."""
        self._described(parameters)
        return self._put_prepared(parameters)

    def _put_prepared(self, parameters: Parameters) -> Parameters:
        self._prepared.put(
            parameters["WorkGroup"],
            parameters["StatementName"].lower(),
            parameters["QueryStatement"],
            description=parameters.get("Description", ""),
            at=time.time(),
        )
        return {}

    def _described(self, parameters: Parameters) -> Parameters:
        group, name = parameters["WorkGroup"], parameters["StatementName"]
        found = self._prepared.describe(group, name.lower())
        if found is None:
            raise AwsError("ResourceNotFoundException", f"PreparedStatement {name} was not found in workgroup {group}")
        return found

    def get_prepared(self, parameters: Parameters) -> Parameters:
        """GetPreparedStatement."""
        return {"PreparedStatement": self._described(parameters)}

    def list_prepared(self, parameters: Parameters) -> Parameters:
        """ListPreparedStatements."""
        names = [{"StatementName": name} for name in self._prepared.names(parameters["WorkGroup"])]
        return paged("PreparedStatements", names, parameters)

    def delete_prepared(self, parameters: Parameters) -> Parameters:
        """DeletePreparedStatement."""
        self._described(parameters)
        self._prepared.delete(parameters["WorkGroup"], parameters["StatementName"].lower())
        return {}


def _invalid(sentence: str) -> AwsError:
    return AwsError("InvalidRequestException", sentence)


def _differ(held: Execution, asked: Execution) -> bool:
    return any(getattr(held, name) != getattr(asked, name) for name in ("query", "database", "workgroup", "parameters"))


_OPERATIONS: dict[str, Callable[[AthenaApi, Parameters], Parameters]] = {
    "StartQueryExecution": AthenaApi.start,
    "GetQueryExecution": AthenaApi.get,
    "BatchGetQueryExecution": AthenaApi.batch_get,
    "ListQueryExecutions": AthenaApi.list_executions,
    "StopQueryExecution": AthenaApi.stop,
    "GetQueryResults": AthenaApi.results,
    "GetQueryRuntimeStatistics": AthenaApi.runtime,
    "CreateWorkGroup": AthenaApi.create_workgroup,
    "UpdateWorkGroup": AthenaApi.update_workgroup,
    "GetWorkGroup": AthenaApi.get_workgroup,
    "ListWorkGroups": AthenaApi.list_workgroups,
    "DeleteWorkGroup": AthenaApi.delete_workgroup,
    "CreatePreparedStatement": AthenaApi.create_prepared,
    "UpdatePreparedStatement": AthenaApi.update_prepared,
    "GetPreparedStatement": AthenaApi.get_prepared,
    "ListPreparedStatements": AthenaApi.list_prepared,
    "DeletePreparedStatement": AthenaApi.delete_prepared,
}
