"""Requests as lines of access logs, in the formats that AWS documents.

CloudFront's standard logs (33 fields), Application Load Balancers' access logs, AWS WAF's JSON logs.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from include.scanner_block.policy_model import LogFormat
from include.scanner_block.sample.traffic import AGENTS, EDGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.scanner_block.sample.traffic import Answer, Requests

CLOUDFRONT_FIELDS: Final = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken "
    "x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status "
    "fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end"
).split()
HEADERS: Final = {
    LogFormat.CLOUDFRONT: f"#Version: 1.0\n#Fields: {' '.join(CLOUDFRONT_FIELDS)}\n".encode(),
    LogFormat.ALB: b"",
    LogFormat.WAF: b"",
}
_HOST: Final = "www.example.com"
_TLS: Final = "TLSv1.3\tTLS_AES_128_GCM_SHA256"
_MILLISECONDS: Final = 1000


def line_writer(log_format: LogFormat, *, seed: tuple[int, ...]) -> Callable[[Requests], list[str]]:
    """Return what writes requests as lines (with their newlines); `seed` makes request ids and ports."""

    def write(requests: Requests) -> list[str]:
        return _WRITERS[log_format](requests, seed)

    return write


def _ids(count: int, seed: tuple[int, ...]) -> list[str]:
    """Return texts like CloudFront's request ids, which no packing makes small."""
    import base64

    import numpy as np

    text = base64.urlsafe_b64encode(np.random.Generator(np.random.PCG64(seed)).bytes(39 * count)).decode()
    return [text[place : place + 52] + "_A==" for place in range(0, 52 * count, 52)]


def _cloudfront(requests: Requests, seed: tuple[int, ...]) -> list[str]:
    edges = [f"\t{edge}\t" for edge in EDGES]
    agents = [f"{quote(agent, safe='/:;,.()+')}\t" for agent in AGENTS]
    heads, tails = zip(*map(_cloudfront_answer, requests.answers), strict=True)
    sizes = [answer.size + 400 for answer in requests.answers]
    seconds = (requests.milliseconds // _MILLISECONDS).tolist()
    times = {second: f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d\t%H:%M:%S}" for second in set(seconds)}
    # fmt: off
    return [
        f"{times[second]}{edges[edge]}{sizes[answer]}\t{requests.addresses[client]}{heads[answer]}{agents[agent]}"
        f"-\t-\t{tails[answer][0]}{one}{tails[answer][1]}{1024 + milliseconds % 60000}{tails[answer][2]}"
        for second, edge, client, answer, agent, one, milliseconds in zip(
            seconds, requests.edge.tolist(), requests.client.tolist(), requests.answer.tolist(),
            requests.agent.tolist(), _ids(len(seconds), seed), requests.milliseconds.tolist(), strict=True,
        )
    ]
    # fmt: on


def _cloudfront_answer(answer: Answer) -> tuple[str, tuple[str, str, str]]:
    """Return the texts of a line between address and agent, and around request id and port."""
    result = "Hit" if answer.status in (200, 304) else "Error"
    taken = f"{0.001 * (3 + answer.size % 97):.3f}"
    return (
        f"\tGET\td111111abcdef8.cloudfront.net\t{answer.path}\t{answer.status}\thttps://{_HOST}/\t",
        (
            f"{result}\t",
            f"\t{_HOST}\thttps\t{180 + len(answer.path)}\t{taken}\t-\t{_TLS}\t{result}\tHTTP/2.0\t-\t-\t",
            f"\t{taken}\t{result}\ttext/html\t{answer.size}\t-\t-\n",
        ),
    )


def _alb(requests: Requests, seed: tuple[int, ...]) -> list[str]:
    lines = []
    for milliseconds, client, answer, agent, one in zip(
        requests.milliseconds.tolist(),
        requests.client.tolist(),
        requests.answer.tolist(),
        requests.agent.tolist(),
        _ids(len(requests.client), seed),
        strict=True,
    ):
        address, found = requests.addresses[client], requests.answers[answer]
        time = f"{datetime.fromtimestamp(milliseconds / _MILLISECONDS, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
        shown = f"[{address}]" if ":" in address else address
        lines.append(
            f"https {time} app/shop/0123456789abcdef {shown}:{1024 + milliseconds % 60000} 192.0.2.250:80 0.001 0.012 "
            f'0.000 {found.status} {found.status} 180 {found.size} "GET https://{_HOST}:443{found.path} HTTP/2.0" '
            f'"{AGENTS[agent]}" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:eu-west-1:111122223333:'
            f'targetgroup/shop/0123456789abcdef "Root=1-{one[:8]}-{one[8:32]}" "{_HOST}" "-" 0 {time} "forward" "-" '
            f'"-" "192.0.2.250:80" "{found.status}" "-" "-" TID_{one[:32]}\n'
        )
    return lines


def _waf(requests: Requests, seed: tuple[int, ...]) -> list[str]:
    return [
        json.dumps(
            {
                "timestamp": milliseconds,
                "formatVersion": 1,
                "webaclId": "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/shop/0123",
                "terminatingRuleId": "Default_Action",
                "terminatingRuleType": "REGULAR",
                "action": "ALLOW",
                "httpSourceName": "ALB",
                "httpSourceId": "111122223333-app/shop/0123456789abcdef",
                "ruleGroupList": [],
                "rateBasedRuleList": [],
                "httpRequest": {
                    "clientIp": requests.addresses[client],
                    "country": "DE",
                    "headers": [{"name": "Host", "value": _HOST}, {"name": "User-Agent", "value": AGENTS[agent]}],
                    "uri": requests.answers[answer].path,
                    "args": "",
                    "httpVersion": "HTTP/2.0",
                    "httpMethod": "GET",
                    "requestId": one,
                },
            },
            separators=(",", ":"),
        )
        + "\n"
        for milliseconds, client, answer, agent, one in zip(
            requests.milliseconds.tolist(),
            requests.client.tolist(),
            requests.answer.tolist(),
            requests.agent.tolist(),
            _ids(len(requests.client), seed),
            strict=True,
        )
    ]


_WRITERS: Final = {LogFormat.CLOUDFRONT: _cloudfront, LogFormat.ALB: _alb, LogFormat.WAF: _waf}
