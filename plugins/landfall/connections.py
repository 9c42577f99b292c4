"""The Airflow connections this project uses, by name, and plain clients over them."""

from __future__ import annotations

from typing import Any

AWS = "aws_default"


def aws_client(service: str, *, aws_conn_id: str = AWS) -> Any:
    """Return a boto3 client of a service through an Airflow connection; the connection alone says where AWS is."""
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    return AwsBaseHook(aws_conn_id=aws_conn_id, client_type=service).get_conn()
