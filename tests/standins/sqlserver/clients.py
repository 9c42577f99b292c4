"""Connections of three independent client stacks to a scripted server."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.standins.sqlserver.scripted_instance import PASSWORD

ROOT = Path(__file__).resolve().parents[3]


def pymssql_connection(port: int, **options):
    import pymssql

    options = {"encryption": "off", "autocommit": True, "login_timeout": 15, "password": PASSWORD, **options}
    return pymssql.connect(server="127.0.0.1", port=str(port), user="sa", **options)


def refusal_of_pymssql(port: int, **options) -> int:
    """The number of a refused connection, asked in a process of its own: pymssql keeps the worst one of its process."""
    program = (
        "import json, sys; from tests.standins.sqlserver.clients import *\nimport pymssql\n"
        "try: pymssql_connection(int(sys.argv[1]), **json.loads(sys.argv[2]))\n"
        "except pymssql.OperationalError as error: print(error.args[0][0])"
    )
    command = [sys.executable, "-c", program, str(port), json.dumps(options)]
    return int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def pytds_connection(port: int, **options):
    import pytds

    options = {"autocommit": True, "login_timeout": 15, "password": PASSWORD, **options}
    return pytds.connect("127.0.0.1", port=port, user="sa", **options)


def odbc_connection(port: int, *, encrypt: str = "no", autocommit: bool = True):
    try:
        ctypes.CDLL("libltdl.so.7")
    except OSError:
        pytest.skip("mssql-python's driver needs the system library libltdl7")
    import mssql_python

    server = f"Server=127.0.0.1,{port};UID=sa;PWD={PASSWORD};Encrypt={encrypt};TrustServerCertificate=yes"
    return mssql_python.connect(server, autocommit=autocommit)


def connection(driver: str, server):
    """Connect as DRIVERS names it."""
    return DRIVERS[driver](server)


def _pytds_with_tls(server):
    pytest.importorskip("OpenSSL", reason="python-tds does TLS with pyOpenSSL")
    certificate = Path(server.log).parent / "certificate.pem"
    return pytds_connection(server.port, cafile=str(certificate), validate_host=False)


DRIVERS = {
    "pymssql": lambda server: pymssql_connection(server.port),
    "pymssql TLS login": lambda server: pymssql_connection(server.port, encryption="request"),
    "pymssql TLS": lambda server: pymssql_connection(server.port, encryption="require"),
    "pytds": lambda server: pytds_connection(server.port),
    "pytds TLS": _pytds_with_tls,
    "mssql-python": lambda server: odbc_connection(server.port),
    "mssql-python TLS": lambda server: odbc_connection(server.port, encrypt="yes"),
}
