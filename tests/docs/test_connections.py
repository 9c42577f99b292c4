"""Every connection and setting that code asks for stands in env.template and in docs/connections.md."""

import re
from dataclasses import fields

import pytest

from include.ioc_refresh.settings import ENVIRONMENT_PREFIX, IocSettings
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


@PAGES
def test_every_setting_of_ioc_refresh_is_documented(page: str) -> None:
    text = (ROOT / page).read_text()
    missing = [field.name for field in fields(IocSettings) if f"{ENVIRONMENT_PREFIX}{field.name.upper()}" not in text]
    assert missing == []
