"""The connector: what it was given to get in with is nobody else's."""

from confluent_kafka import OFFSET_BEGINNING
from stacklib import connector, mysql
from stacklib.server import http_get


def test_the_connectors_password_can_be_read_neither_from_the_worker_nor_from_its_topic(stack, topic):
    url = f"{stack.connect.url}/connectors"
    told = [f"/{connector.NAME}{path}" for path in ("", "/config", "/tasks", "/status")]
    answers = [http_get(url + path, 30) for path in [*told, "?expand=info&expand=status"]]
    assert [status for status, _ in answers] == [200] * len(answers)
    stored = topic.read(OFFSET_BEGINNING, "connect-configs")
    assert any('"database.password"' in value for value in stored)
    for text in [text for _, text in answers] + stored:
        assert stack.mysql.password(mysql.DEBEZIUM_USER) not in text
