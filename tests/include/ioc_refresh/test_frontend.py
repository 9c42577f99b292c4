"""The front-end function keeps every record before it answers, and answers with one report or one sentence."""

import base64
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import EndpointConnectionError

from include.ioc_refresh import frontend
from include.ioc_refresh.catalog import COLUMNS
from include.ioc_refresh.changes import Changes
from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.front_door import FrontDoor
from include.ioc_refresh.frontend import answer
from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.settings import IocSettings
from include.ioc_refresh.throttling import Backoff
from include.ioc_refresh.verdicts import receipt_of
from tests.include.ioc_refresh.faulty_client import FaultyClient, throttled
from tests.include.ioc_refresh.moto_lake import Place, moto_place
from tests.include.ioc_refresh.table_entries import NOW, indicator

NAMES = IocSettings()
POPULARITY = Popularity(frozenset({"popular.com"}), "test", "2026-02-01")
MAIL: dict[str, Any] = {
    "id": "mail-1",
    "time": "2026-03-01T11:59:58.1234Z",
    "sender": {"domain": "sender.com", "envelope_domain": "bounce.sender.com", "reply_to_domain": None},
    "receiver": {"domains": ["Us.example"], "count": 2},
    "auth": {"spf": "pass", "dkim": "none", "dmarc": "none"},
    "Attachments": [
        {"Sha256Hash": "AB" * 32, "Classification": 1, "Filename": "bill_1.pdf", "DetectedMimeType": "x/y", "Size": 5}
    ],
    "Urls": [
        {"Url": "https://login.evil.work/parcel/1?id=2", "Classification": 0},
        {"Url": "https://www.popular.com/logo.png", "Classification": 0, "Kind": "res"},
    ],
}
VERDICT = {"id": "mail-1", "verdict": "malicious", "reported_at": "2026-03-01T11:00:00Z"}


class Streams:
    """A Firehose that keeps what it takes, and refuses what a test tells it to."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self.refusals: list[set[int]] = []

    def put_record(self, *, DeliveryStreamName: str, Record: dict[str, bytes]) -> dict[str, Any]:  # noqa: N803 - boto3
        self.taken.append((DeliveryStreamName, json.loads(Record["Data"])))
        return {}

    def put_record_batch(self, *, DeliveryStreamName: str, Records: list[dict[str, bytes]]) -> dict[str, Any]:  # noqa: N803
        refused = self.refusals.pop(0) if self.refusals else set()
        responses = []
        for number, record in enumerate(Records):
            if number in refused:
                responses.append({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."})
            else:
                self.put_record(DeliveryStreamName=DeliveryStreamName, Record=record)
                responses.append({"RecordId": str(number)})
        return {"FailedPutCount": len(refused), "RequestResponses": responses}

    def rows(self, stream: str) -> list[dict[str, Any]]:
        return [row for name, row in self.taken if name == stream]


class Front(NamedTuple):
    """A front door on empty AWS services, each behind a client that can be spoilt."""

    door: FrontDoor
    place: Place
    streams: Streams
    firehose: FaultyClient
    dynamodb: FaultyClient
    s3: FaultyClient

    def call(self, path: str, body: object, *, method: str = "POST", **event: Any) -> tuple[int, dict[str, Any]]:
        text = body if isinstance(body, str) else json.dumps(body)
        request = {"rawPath": path, "requestContext": {"http": {"method": method}}, "body": text, **event}
        found = answer(request, door=self.door, now=NOW)
        return found.status, found.document

    def call_bytes(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        return self.call(path, base64.b64encode(body).decode(), isBase64Encoded=True)

    def letters(self) -> list[dict[str, Any]]:
        return [self.place.lake.get_json(key) for key in self.place.keys("dead-letter/")]

    def receipt(self, mail_id: str = "mail-1") -> Any:
        item = self.place.receipts.client.get_item(TableName=NAMES.receipts_table, Key={"mail_id": {"S": mail_id}})
        return receipt_of(item["Item"]) if "Item" in item else None


@pytest.fixture
def front() -> Iterator[Front]:
    with moto_place() as place:
        streams = Streams()
        clients = {
            "firehose": FaultyClient(streams),
            "dynamodb": FaultyClient(place.table.client),
            "s3": FaultyClient(place.lake.client),
        }
        backoff = Backoff(tries=3, sleep=lambda _: None)
        door = FrontDoor(NAMES, POPULARITY, client=clients.__getitem__, backoff=backoff)
        yield Front(door, place, streams, **clients)


def test_a_clean_mail_is_stored_and_reported_clean(front: Front) -> None:
    status, report = front.call("/mails", MAIL)
    assert (status, report["Verdict"], report["MailId"], report["Stored"]) == (200, "clean", "mail-1", True)
    assert (report["Hits"], report["Notes"], front.letters()) == ([], [], [])


def test_an_indicator_hits_the_next_mail_with_its_key(front: Front) -> None:
    live = [indicator("evil.work"), indicator("login.evil.work"), indicator("ab" * 32, Kind.ATTACHMENT_HASH)]
    front.place.table.apply(Changes(as_of=NOW, added=tuple(live)), refresh=1)
    _, report = front.call("/mails", MAIL)
    assert (report["Reason"], report["Identifier"]) == ("realtimeMaliciousAttachment", "ab" * 32)
    assert [hit["Identifier"] for hit in report["Hits"]] == ["ab" * 32, "evil.work", "login.evil.work"]


def test_all_keys_of_a_mail_are_one_read(front: Front) -> None:
    front.call("/mails", MAIL)
    assert front.dynamodb.calls == {"batch_get_item": 1, "put_item": 1}


def test_the_lake_row_has_exactly_the_columns_of_the_mails_table(front: Front) -> None:
    front.call("/mails", MAIL)
    (row,) = front.streams.rows("landfall-mails")
    assert set(row) == set(COLUMNS["mails"])
    assert (row["received_at"], row["arrived_at"]) == ("2026-03-01 11:59:58.123", "2026-03-01 12:00:00.000")
    assert row["urls"][1] == {"url": "https://www.popular.com/logo.png", "classification": 0, "kind": "res"}
    assert row["attachments"] == [
        {"sha256": "ab" * 32, "classification": 1, "filename": "bill_1.pdf", "mime_type": "x/y", "size": 5}
    ]
    assert {"kind": "link_domain", "value": "evil.work", "domain": "evil.work"} in row["keys"]
    assert not any(key["value"] == "login.evil.work" for key in row["keys"])


def test_the_receipt_holds_the_instants_and_keys_of_the_lake_row(front: Front) -> None:
    front.call("/mails", MAIL)
    (row,) = front.streams.rows("landfall-mails")
    receipt = front.receipt()
    assert receipt.received_at == datetime(2026, 3, 1, 11, 59, 58, 123_000, tzinfo=UTC)
    assert receipt.arrived_at == NOW
    assert [list(key) for key in receipt.keys] == [[key["kind"], key["value"], key["domain"]] for key in row["keys"]]


def test_the_receipt_of_the_first_copy_of_a_mail_stays(front: Front) -> None:
    front.call("/mails", MAIL)
    first = front.receipt()
    status, report = front.call("/mails", {**MAIL, "Urls": []})
    assert (status, report["Stored"], front.receipt()) == (200, True, first)
    assert len(front.streams.rows("landfall-mails")) == 2


def broken(**fields: Any) -> bytes:
    return json.dumps({**MAIL, **fields}).encode()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b"[1]", "a JSON object is expected"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"id":' + b"9" * 5_000 + b"}", "not JSON"),
        (broken(id=None), "id:"),
        (broken(id=7), "id:"),
        (broken(id="x" * 201), "id:"),
        (broken(time=None), "time:"),
        (broken(time=17), "time:"),
        (broken(time="yesterday"), "time:"),
        (broken(time="1970-01-01T00:00:00Z"), "time:"),
        (broken(time="2027-03-01T00:00:00Z"), "time:"),
        (broken(time="0001-01-01T00:00:00+14:00"), "time:"),
        (broken(padding="x" * 3_000_000), "3000"),
    ],
)
def test_a_mail_that_cannot_be_used_gets_a_sentence_and_a_dead_letter(front: Front, body: bytes, says: str) -> None:
    status, document = front.call_bytes("/mails", body)
    assert (status, list(document)) == (422, ["error"])
    assert says in document["error"]
    (letter,) = front.letters()
    assert (letter["reason"], letter["source"], letter["raw_bytes"]) == (document["error"], "mail", len(body))
    assert len(letter["raw"]) <= 90_000
    assert (front.streams.taken, front.receipt()) == ([], None)


@pytest.mark.parametrize(
    ("fields", "noted"),
    [
        ({"sender": "sender.com"}, "sender"),
        ({"sender": {"domain": 5}}, "sender.domain"),
        ({"auth": [1], "receiver": None}, "auth"),
        ({"Urls": {"Url": "x"}}, "Urls"),
        ({"Urls": [None, {"Url": 5}, {"Url": "https://[bad/"}]}, "Urls"),
        ({"Urls": [{"Url": f"https://u{number}.com/parcel/{number}"} for number in range(1_000)]}, "Urls: 1000 items"),
        ({"Attachments": [{"Sha256Hash": "abc", "Filename": "a\ud800.pdf"}]}, "Sha256Hash"),
    ],
)
def test_the_good_part_of_a_mail_is_used_and_the_rest_is_noted(
    front: Front, fields: dict[str, Any], noted: str
) -> None:
    status, report = front.call_bytes("/mails", broken(**fields))
    assert (status, report["Stored"]) == (200, True)
    assert any(note.startswith(noted) or noted in note for note in report["Notes"])
    assert front.streams.rows("landfall-mails")[0]["notes"] == report["Notes"]
    assert front.letters() == []


@pytest.mark.parametrize(
    "url", ["http://bücher.com/", "http://192.0.2.7/a", "http://[2001:db8::1]/", "http://xn--/", "http://\udcff.com/"]
)
def test_unusual_hosts_are_stored_and_reported_like_any(front: Front, url: str) -> None:
    status, report = front.call_bytes("/mails", broken(Urls=[{"Url": url}]))
    assert (status, report["Stored"]) == (200, True)


def test_names_that_are_not_utf_8_are_kept_with_marks(front: Front) -> None:
    body = json.dumps(MAIL).encode().replace(b"bill_1.pdf", b"b\xfcll_1.pdf")
    assert front.call_bytes("/mails", body)[0] == 200
    assert front.streams.rows("landfall-mails")[0]["attachments"][0]["filename"] == "b\ufffdll_1.pdf"


def test_a_row_that_grew_over_firehoses_limit_loses_urls_but_no_key(front: Front) -> None:
    urls = [{"Url": f"https://h{number}.com/" + "\udcff" * 1_900} for number in range(240)]
    body = broken(Urls=urls).replace(b"\\udcff", b"\xff")  # each byte becomes three
    assert len(body) < 1_000_000
    status, report = front.call_bytes("/mails", body)
    assert (status, report["Stored"]) == (200, True)
    (row,) = front.streams.rows("landfall-mails")
    assert len(json.dumps(row, ensure_ascii=False).encode()) <= 1_024_000
    assert any(note.startswith("urls: only the first 1") for note in row["notes"])
    assert {"kind": "link_domain", "value": "h239.com", "domain": "h239.com"} in row["keys"]


def test_firehose_throttled_twice_only_delays(front: Front) -> None:
    front.firehose.fail("put_record", throttled("ServiceUnavailableException", 503), times=2)
    assert front.call("/mails", MAIL)[1]["Stored"] is True
    assert front.letters() == []


@pytest.mark.parametrize(
    "error",
    [
        throttled("ServiceUnavailableException", 503),
        throttled("ResourceNotFoundException"),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
    ],
)
def test_a_mail_that_firehose_does_not_take_is_reported_and_kept_whole(front: Front, error: Exception) -> None:
    front.firehose.fail("put_record", error, times=9)
    long_mail = {**MAIL, "padding": "x" * 100_000}
    status, report = front.call("/mails", long_mail)
    assert (status, report["Verdict"], report["Stored"]) == (200, "clean", False)
    (letter,) = front.letters()
    assert letter["reason"].startswith("not delivered: ")
    assert json.loads(letter["raw"]) == long_mail
    assert front.receipt() is None  # or a verdict would count a mail that the lake does not hold


def test_a_mail_whose_receipt_fails_is_kept_whole(front: Front) -> None:
    front.dynamodb.fail("put_item", throttled(), times=9)
    assert front.call("/mails", MAIL)[1]["Stored"] is False
    assert [json.loads(letter["raw"]) for letter in front.letters()] == [MAIL]


def test_a_mail_that_nothing_takes_is_given_back(front: Front) -> None:
    front.firehose.fail("put_record", throttled(), times=9)
    front.s3.fail("put_object", throttled("SlowDown", 503), times=9)
    status, document = front.call("/mails", MAIL)
    assert (status, document) == (503, {"error": "The record could not be stored; send it again later."})


def test_a_throttled_look_up_is_tried_again(front: Front) -> None:
    front.dynamodb.fail("batch_get_item", throttled(), times=2)
    front.dynamodb.unprocessed = [1]
    assert front.call("/mails", MAIL)[0] == 200


def test_a_look_up_that_stays_throttled_says_that_the_mail_is_kept(front: Front) -> None:
    front.dynamodb.fail("batch_get_item", throttled(), times=3)
    request = {"rawPath": "/mails", "requestContext": {"http": {"method": "POST"}}, "body": json.dumps(MAIL)}
    found = answer(request, door=front.door, now=NOW).to_event()
    assert (found["statusCode"], found["headers"]["retry-after"]) == (503, "1")
    assert "mail is kept" in json.loads(found["body"])["error"]
    assert len(front.streams.rows("landfall-mails")) == 1
    assert front.call("/mails", MAIL)[0] == 200


def test_a_fault_of_the_function_itself_shows_the_caller_no_traceback(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front.door, "report", lambda *_, **__: 1 / 0)
    status, document = front.call("/mails", MAIL)
    assert (status, list(document)) == (500, ["error"])
    assert "division" not in document["error"]


def test_a_single_verdict_goes_to_its_stream(front: Front) -> None:
    assert front.call("/verdicts", VERDICT) == (202, {"accepted": 1, "rejected": [], "kept": 0})
    assert front.streams.rows("landfall-verdicts") == [
        {
            "mail_id": "mail-1",
            "verdict": "malicious",
            "reported_at": "2026-03-01 11:00:00.000",
            "arrived_at": "2026-03-01 12:00:00.000",
        }
    ]
    assert set(front.streams.rows("landfall-verdicts")[0]) == set(COLUMNS["verdicts"])


BAD_VERDICTS = [
    (5, "object"),
    ({}, "id:"),
    ({**VERDICT, "id": ""}, "id:"),
    ({**VERDICT, "verdict": "bad"}, "verdict:"),
    ({**VERDICT, "verdict": ["malicious"]}, "verdict:"),
    ({**VERDICT, "reported_at": None}, "reported_at:"),
    ({**VERDICT, "reported_at": "2026-01-01T00:00:00Z"}, "reported_at:"),
    ({**VERDICT, "reported_at": "2026-03-01T14:00:00Z"}, "reported_at:"),
]


def test_of_a_list_the_good_verdicts_go_on_and_the_others_are_named_and_kept(front: Front) -> None:
    status, outcome = front.call("/verdicts", [VERDICT, *(bad for bad, _ in BAD_VERDICTS), VERDICT])
    assert (status, outcome["accepted"], outcome["kept"]) == (202, 2, 0)
    assert [found["index"] for found in outcome["rejected"]] == list(range(1, len(BAD_VERDICTS) + 1))
    assert all(says in found["reason"] for found, (_, says) in zip(outcome["rejected"], BAD_VERDICTS, strict=True))
    assert len(front.letters()) == len(BAD_VERDICTS)
    assert {letter["source"] for letter in front.letters()} == {"verdict"}


@pytest.mark.parametrize(("body", "says"), BAD_VERDICTS)
def test_a_single_bad_verdict_gets_a_sentence(front: Front, body: object, says: str) -> None:
    status, document = front.call("/verdicts", body)
    assert (status, says in document["error"]) == (422, True)


@pytest.mark.parametrize(("body", "says"), [("nothing", "not JSON"), ([VERDICT] * 501, "at most 500")])
def test_verdicts_that_cannot_be_taken_apart_are_refused_as_a_whole(front: Front, body: object, says: str) -> None:
    status, document = front.call("/verdicts", body)
    assert (status, says in document["error"]) == (422, True)
    assert len(front.letters()) == 1


def test_verdicts_that_firehose_left_out_are_sent_again(front: Front) -> None:
    front.streams.refusals = [{0, 2}, {1}]
    verdicts = [{**VERDICT, "id": str(number)} for number in range(4)]
    assert front.call("/verdicts", verdicts)[1] == {"accepted": 4, "rejected": [], "kept": 0}
    assert sorted(row["mail_id"] for row in front.streams.rows("landfall-verdicts")) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("down", [False, True])
def test_verdicts_that_firehose_never_takes_wait_among_the_dead_letters(front: Front, down: bool) -> None:
    if down:
        front.firehose.fail("put_record_batch", throttled(), times=9)
    front.streams.refusals = [{0, 1}] * 9
    verdicts = [VERDICT, {**VERDICT, "id": "other"}]
    assert front.call("/verdicts", verdicts) == (202, {"accepted": 2, "rejected": [], "kept": 2})
    assert sorted(json.loads(letter["raw"])["id"] for letter in front.letters()) == ["mail-1", "other"]
    assert all(letter["reason"].startswith("not delivered: ") for letter in front.letters())


def test_the_dead_letter_names_the_record_where_it_can(front: Front) -> None:
    front.call_bytes("/mails", broken(time=None))
    front.call_bytes("/mails", broken(id="../../etc", time=None))
    front.call_bytes("/mails", gzip.compress(b"{}", mtime=0))
    named, *nameless = sorted(front.place.keys("dead-letter/"), key=lambda key: "mail-1" not in key)
    assert named.startswith("ioc/dead-letter/dt=2026-03-01-12/mail-1-")
    assert all(".." not in key and len(key.rpartition("/")[2]) == 21 for key in nameless)
    assert {letter["raw_encoding"] for letter in front.letters()} == {"utf-8", "base64"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/health", 200), ("GET", "/mails", 405), ("POST", "/health", 405), ("POST", "/", 404), ("PUT", "/x", 404)],
)
def test_only_the_three_routes_answer(front: Front, method: str, path: str, status: int) -> None:
    assert front.call(path, "", method=method)[0] == status


@pytest.mark.parametrize("event", [{}, {"rawPath": "/mails", "requestContext": {"http": {"method": "POST"}}}])
def test_an_event_without_a_body_is_answered(front: Front, event: dict[str, Any]) -> None:
    assert answer(event, door=front.door, now=NOW).status in (404, 422)


def test_a_body_wrongly_marked_as_base64_is_refused_and_kept(front: Front) -> None:
    assert front.call("/mails", "é{}", isBase64Encoded=True)[0] == 422
    assert front.letters()[0]["raw"] == "é{}"


def test_the_handler_reads_names_and_popularity_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "popular.txt").write_text("evil.work\n")
    environment = {
        "LANDFALL_IOC_BUCKET": "other-lake",
        "LANDFALL_POPULAR_FILE": str(tmp_path / "popular.txt"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "t",
        "AWS_SECRET_ACCESS_KEY": "t",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    frontend.front_door.cache_clear()
    try:
        door = frontend.front_door()
        assert (door.settings.bucket, door.popularity.domains) == ("other-lake", {"evil.work"})
        event = {"rawPath": "/health", "requestContext": {"http": {"method": "GET"}}}
        assert frontend.handler(event, None)["statusCode"] == 200
    finally:
        frontend.front_door.cache_clear()


def test_a_mail_of_the_last_minutes_of_a_day_keeps_its_day(front: Front) -> None:
    late = NOW.replace(hour=0, minute=0) + timedelta(seconds=1)
    request = {"rawPath": "/mails", "requestContext": {"http": {"method": "POST"}}}
    body = json.dumps({**MAIL, "time": "2026-03-01T01:59:59+02:00"})
    assert answer({**request, "body": body}, door=front.door, now=late).status == 200
    assert front.receipt().received_at.date() == date(2026, 2, 28)
