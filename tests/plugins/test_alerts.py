"""A message is kept, published where a topic is named, and dropped by a FIFO topic when it comes twice."""

import json

from include.notify.messages import Message
from include.object_store import ObjectStore
from landfall.alerts import AlertTopic
from tests.local_aws import LocalAws

MESSAGE = Message(subject="Log shipping: backup of Sales opened", body="Late.", dedup_id="a-1-opened", group="a")


def store_of(aws: LocalAws) -> ObjectStore:
    aws.client("s3").create_bucket(Bucket="alerts-lake")
    return ObjectStore(aws.client("s3"), bucket="alerts-lake", root="log_shipping")


def test_a_message_reaches_the_topic_and_is_kept(aws: LocalAws) -> None:
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(Name="landfall-test-alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="landfall-test-alerts")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    store = store_of(aws)
    AlertTopic(store, sns=sns, topic_arn=topic)(MESSAGE)
    received = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    assert (received["Subject"], received["Message"]) == (MESSAGE.subject, MESSAGE.body)
    assert received["MessageAttributes"]["dedup_id"]["Value"] == "a-1-opened"
    assert store.get_json(store.key("alerts", "a-1-opened.json"))["body"] == "Late."


def test_a_fifo_topic_is_told_what_is_a_repetition() -> None:
    class Sns:
        def publish(self, **arguments: object) -> None:
            self.arguments = arguments

    class Store:
        def key(self, *parts: str) -> str:
            return "/".join(parts)

        def put_json(self, key: str, document: object) -> None: ...

    sns = Sns()
    AlertTopic(Store(), sns=sns, topic_arn="arn:aws:sns:us-east-1:1:alerts.fifo")(MESSAGE)  # type: ignore[arg-type]
    assert (sns.arguments["MessageDeduplicationId"], sns.arguments["MessageGroupId"]) == ("a-1-opened", "a")


def test_without_a_topic_the_record_is_kept(aws: LocalAws) -> None:
    store = store_of(aws)
    AlertTopic(store, sns=None, topic_arn="")(MESSAGE)
    assert store.find_json(store.key("alerts", "a-1-opened.json"))
