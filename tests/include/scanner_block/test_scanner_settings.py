"""Names of resources come from the environment, and everything of the family lies below one folder."""

import pytest

from include.scanner_block.settings import ScannerSettings


def test_every_field_is_set_by_its_variable_and_an_empty_one_keeps_its_default() -> None:
    environ = {
        "LANDFALL_SCANNER_BLOCK_BUCKET": "other-lake",
        "LANDFALL_SCANNER_BLOCK_DATABASE": "other_database",
        "LANDFALL_SCANNER_BLOCK_WORKGROUP": "other",
        "LANDFALL_SCANNER_BLOCK_QUEUE": "",
        "LANDFALL_SCANNER_BLOCK_ALERT_TOPIC": "arn:aws:sns:us-east-1:111122223333:security",
        "LANDFALL_SCANNER_BLOCK_METRIC_NAMESPACE": "Other",
    }
    assert ScannerSettings.from_environment(environ) == ScannerSettings(
        bucket="other-lake",
        database="other_database",
        workgroup="other",
        queue="landfall-scanner-logs",
        alert_topic="arn:aws:sns:us-east-1:111122223333:security",
        metric_namespace="Other",
    )


def test_a_setting_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="unknown scanner setting 'buckets': known are alert_topic, bucket, database"):
        ScannerSettings.from_mapping({"buckets": "lake"})


def test_the_store_and_the_settings_name_the_same_keys() -> None:
    settings = ScannerSettings(bucket="lake")
    store = settings.store(client=None)
    assert settings.policy_key == store.key("policy.yaml") == "scanner/policy.yaml"
    assert settings.approved_key == store.key("approved.json") == "scanner/approved.json"
    assert settings.uri("counts", "") == store.uri("counts", "") == "s3://lake/scanner/counts/"
