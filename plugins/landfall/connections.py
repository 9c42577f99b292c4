"""The Airflow connections this project uses, by name, and plain clients over them."""

from __future__ import annotations

from typing import Any

AWS = "aws_default"


def aws_client(service: str, *, aws_conn_id: str = AWS, region_name: str | None = None) -> Any:
    """Return a boto3 client of a service through an Airflow connection; the connection alone says where AWS is.

    :param region_name: for the few services that AWS keeps in one region; None is the connection's.
    """
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    hook = AwsBaseHook(aws_conn_id=aws_conn_id, client_type=service, config=patient_config(), region_name=region_name)
    return hook.get_conn()


def patient_config() -> Any:
    """Return botocore's standard retries, eight of them: throttling must delay a task, not use up its tries.

    Airflow's default is botocore's legacy mode, which takes some services' throttling answers for final errors.
    """
    from botocore.config import Config

    return Config(retries={"mode": "standard", "max_attempts": 8})
