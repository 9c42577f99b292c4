"""The keys and passwords of one local stack: made once, readable by their owner only."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from include.cli.refusal import RefusalError
from include.cli.settings import StackSettings

# SimpleAuthManager knows viewer < user < op < admin: a user triggers and approves, an op also edits connections,
# pools and variables. All-admins stays off: it would let anybody answer anybody's approval.
USER_ROLES: Mapping[str, str] = {"admin": "admin", "oncall": "op", "analyst": "user", "viewer": "viewer"}


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Fernet key (32 bytes, URL-safe base64), two signing secrets (64 characters or more), passwords.

    ``passwords`` are of Airflow's users, ``sqlserver_password`` is of the login of both SQL Servers; it is empty when
    the file is older than they are, until the next :func:`ensure_credentials`.
    """

    fernet_key: str
    jwt_secret: str
    api_secret_key: str
    passwords: Mapping[str, str]
    sqlserver_password: str

    def __repr__(self) -> str:
        return f"Credentials(users={sorted(self.passwords)})"


def new_credentials() -> Credentials:
    """Draw fresh keys and one password per named user."""
    return Credentials(
        fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        jwt_secret=secrets.token_urlsafe(64),
        api_secret_key=secrets.token_urlsafe(64),
        passwords={user: secrets.token_urlsafe(12) for user in USER_ROLES},
        sqlserver_password=_new_sqlserver_password(),
    )


def read_credentials(path: Path) -> Credentials:
    """Read what :func:`ensure_credentials` wrote.

    :raises RefusalError: the file is missing, is not ours, or lacks a key.
    """
    try:
        document = json.loads(path.read_text())
        return Credentials(
            fernet_key=document["fernet_key"],
            jwt_secret=document["jwt_secret"],
            api_secret_key=document["api_secret_key"],
            passwords={user: document["passwords"][user] for user in USER_ROLES},
            sqlserver_password=str(document.get("sqlserver_password", "")),
        )
    except FileNotFoundError:
        raise RefusalError(f"{path} does not exist: run `landfall up` first.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise RefusalError(
            f"{path} cannot be read as the stack's secrets ({error!r}): restore it, or move the folder"
            f" {path.parent} away to start anew."
        ) from error


def ensure_credentials(settings: StackSettings) -> Credentials:
    """Read the stack's credentials, make what is missing of them, and keep both files at mode 0600."""
    path = settings.secrets_file
    if path.exists():
        path.chmod(0o600)
        credentials = read_credentials(path)
        if not credentials.sqlserver_password:
            credentials = replace(credentials, sqlserver_password=_new_sqlserver_password())
            _write(path, credentials)
    else:
        credentials = new_credentials()
        _write(path, credentials)
    # SimpleAuthManager wants its own file of {user: password}; it rewrites it only when a user is missing.
    write_private(settings.passwords_file, json.dumps(dict(credentials.passwords)) + "\n")
    return credentials


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` in one step by a file only its owner can read, so that no reader sees half of it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _new_sqlserver_password() -> str:
    """Draw a password that SQL Server's policy takes: upper and lower case, digits, a sign."""
    return f"Lf1-{secrets.token_urlsafe(18)}"


def _write(path: Path, credentials: Credentials) -> None:
    document = {
        "fernet_key": credentials.fernet_key,
        "jwt_secret": credentials.jwt_secret,
        "api_secret_key": credentials.api_secret_key,
        "passwords": dict(credentials.passwords),
        "sqlserver_password": credentials.sqlserver_password,
    }
    write_private(path, json.dumps(document, indent=2) + "\n")
