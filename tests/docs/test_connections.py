"""Every connection and setting that code asks for stands in env.template and in docs/connections.md."""

import re
from dataclasses import fields

import pytest

from include.discovery import lake as discovery
from include.fsx_migration import settings as fsx_migration
from include.ioc_refresh import settings as ioc_refresh
from include.log_shipping import settings as log_shipping
from include.scanner_block import settings as scanner_block
from tests.dags.conftest import ROOT

PAGES = pytest.mark.parametrize("page", ["env.template", "docs/connections.md"])


def connections() -> set[str]:
    source = (ROOT / "plugins" / "landfall" / "connections.py").read_text()
    return set(re.findall(r'^[A-Z_]+ = "([a-z_]+)"$', source, flags=re.MULTILINE))


def test_plugins_name_connections_in_one_place() -> None:
    assert connections() == {"aws_default"}


@PAGES
def test_every_connection_is_documented(page: str) -> None:
    text = (ROOT / page).read_text()
    for name in connections():
        assert name in text or f"AIRFLOW_CONN_{name.upper()}" in text


SETTINGS = (
    (ioc_refresh.IocSettings, ioc_refresh.ENVIRONMENT_PREFIX),
    (log_shipping.LogShippingSettings, log_shipping.ENVIRONMENT_PREFIX),
    (fsx_migration.FsxMigrationSettings, fsx_migration.ENVIRONMENT_PREFIX),
    (discovery.DiscoverySettings, discovery.ENVIRONMENT_PREFIX),
    (scanner_block.ScannerSettings, scanner_block.ENVIRONMENT_PREFIX),
)


@PAGES
@pytest.mark.parametrize(("settings", "prefix"), SETTINGS)
def test_every_setting_is_documented(page: str, settings: type, prefix: str) -> None:
    text = (ROOT / page).read_text()
    assert [field.name for field in fields(settings) if f"{prefix}{field.name.upper()}" not in text] == []
