"""Keys and passwords of the stack."""

import base64
import json
import re
from pathlib import Path

import pytest

from include.cli.credentials import USER_ROLES, ensure_credentials, new_credentials, read_credentials, write_private
from include.cli.refusal import RefusalError
from include.cli.settings import StackSettings


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(project_root=tmp_path, home=tmp_path / "state")


def test_only_the_owner_may_read_what_is_secret(settings: StackSettings) -> None:
    ensure_credentials(settings)
    for path in (settings.secrets_file, settings.passwords_file):
        assert path.stat().st_mode & 0o777 == 0o600


def test_file_opened_to_others_is_closed_again(settings: StackSettings) -> None:
    ensure_credentials(settings)
    settings.secrets_file.chmod(0o644)
    ensure_credentials(settings)
    assert settings.secrets_file.stat().st_mode & 0o777 == 0o600


def test_second_start_keeps_keys_and_passwords(settings: StackSettings) -> None:
    assert ensure_credentials(settings) == ensure_credentials(settings)


def test_file_from_before_the_sql_servers_gets_their_password_and_keeps_everything_else(
    settings: StackSettings,
) -> None:
    ensure_credentials(settings)
    document = json.loads(settings.secrets_file.read_text())
    del document["sqlserver_password"]
    write_private(settings.secrets_file, json.dumps(document))
    assert read_credentials(settings.secrets_file).sqlserver_password == ""
    renewed = ensure_credentials(settings)
    assert renewed.sqlserver_password
    written = json.loads(settings.secrets_file.read_text())
    assert written == document | {"sqlserver_password": renewed.sqlserver_password}
    assert settings.secrets_file.stat().st_mode & 0o777 == 0o600


def test_password_of_the_sql_servers_passes_their_policy() -> None:
    word = new_credentials().sqlserver_password
    assert len(word) >= 16
    assert all(re.search(kind, word) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))


def test_airflow_finds_the_same_passwords(settings: StackSettings) -> None:
    credentials = ensure_credentials(settings)
    assert json.loads(settings.passwords_file.read_text()) == dict(credentials.passwords)


def test_keys_are_long_enough_and_never_repeat() -> None:
    first, second = new_credentials(), new_credentials()
    assert len(base64.urlsafe_b64decode(first.fernet_key)) == 32
    assert len(first.jwt_secret) >= 64
    assert set(first.passwords) == set(USER_ROLES)
    assert len({*first.passwords.values(), *second.passwords.values()}) == 2 * len(USER_ROLES)
    assert first.jwt_secret != second.jwt_secret


@pytest.mark.parametrize("text", ["", "{", "[]", '{"fernet_key": "x"}'])
def test_damaged_file_is_refused_and_kept(settings: StackSettings, text: str) -> None:
    write_private(settings.secrets_file, text)
    with pytest.raises(RefusalError, match=r"secrets\.json cannot be read"):
        ensure_credentials(settings)
    assert settings.secrets_file.read_text() == text


def test_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="landfall up"):
        read_credentials(tmp_path / "secrets.json")


def test_crash_before_the_replacement_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    write_private(path, "old")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        write_private(path, "new")
    assert path.read_text() == "old"
