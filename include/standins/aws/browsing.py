"""Objects in a browser: what people open in the S3 console they open here by its plain address.

S3 itself refuses an unsigned GET of a private object; whoever reaches this loopback port by its loopback name counts
as the owner. A foreign name in Host is a web page that had its own name point here, and gets what S3 would give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.standins.aws.calls import Call, Environ
    from include.standins.aws.errors import Reply

OWNER = "AWS4-HMAC-SHA256 Credential=local/20000101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none"

LOOPBACK_NAMES = ("127.0.0.1", "localhost")


def sign_plain_reads(call: Call, environ: Environ, inner: Callable[[], Reply]) -> Reply:
    """Gateway step: let an unsigned GET or HEAD of an object pass as the owner's."""
    plain = environ["REQUEST_METHOD"] in ("GET", "HEAD") and not _is_signed(environ)
    if call.service == "s3" and plain and environ.get("HTTP_HOST", "").partition(":")[0] in LOOPBACK_NAMES:
        environ["HTTP_AUTHORIZATION"] = OWNER
    return inner()


def _is_signed(environ: Environ) -> bool:
    query = environ.get("QUERY_STRING", "")
    return "HTTP_AUTHORIZATION" in environ or "X-Amz-Signature=" in query or "Signature=" in query
