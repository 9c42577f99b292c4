"""Lines of the three kinds of logs, well formed or with one odd field, for the tests that count them."""

from __future__ import annotations

import json

from include.scanner_block.logs.cloudfront import STANDARD_ORDER

HEADER = ("#Version: 1.0\n#Fields: " + " ".join(STANDARD_ORDER) + "\n").encode()


def cloudfront(names: tuple[str, ...] = STANDARD_ORDER, **fields: str) -> bytes:
    """One line of CloudFront's; keywords are `day`, `clock`, `client`, `path`, `status` and `detail`."""
    values = {
        "date": fields.get("day", "2026-11-24"),
        "time": fields.get("clock", "05:06:07"),
        "c-ip": fields.get("client", "192.0.2.1"),
        "cs-uri-stem": fields.get("path", "/a"),
        "sc-status": fields.get("status", "404"),
        "x-edge-detailed-result-type": fields.get("detail", "Error"),
    }
    return "\t".join(values.get(name, "-") for name in names).encode("utf-8", "surrogateescape") + b"\n"


def alb(**fields: str) -> bytes:
    """One line of a load balancer's; keywords are `at`, `client`, `status`, `request` and `rest`."""
    at, client = fields.get("at", "2026-11-24T05:06:07.123456Z"), fields.get("client", "192.0.2.1:4711")
    request = fields.get("request", '"GET https://shop.example:443/a?b=c HTTP/1.1"')
    rest = fields.get("rest", '"agent" - -')
    head = f"https {at} app/shop/1 {client} 10.0.0.1:80 0.1 0.1 0.1 502 {fields.get('status', '404')} 5 6"
    return f"{head} {request} {rest}\n".encode("utf-8", "surrogateescape")


def waf(**fields: object) -> bytes:
    """One line of WAF's; keywords are `timestamp`, `client`, `uri` and `agent`; None leaves a member out."""
    request = {"clientIp": fields.get("client", "192.0.2.1"), "uri": fields.get("uri", "/a")}
    headers = [{"name": "agent", "value": fields.get("agent", "x")}]
    whole = {"timestamp": fields.get("timestamp", 1_795_496_767_123), "action": "ALLOW"}
    known = {key: value for key, value in whole.items() if value is not None}
    asked = {"headers": headers, **{key: value for key, value in request.items() if value is not None}}
    return json.dumps({**known, "httpRequest": asked}, separators=(",", ":")).encode() + b"\n"
