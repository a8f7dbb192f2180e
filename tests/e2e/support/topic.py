"""The topic by hand: what another program, or a broken one, might write there."""

import json
import time

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

NAME = "cdc.reservations"


class Topic:
    def __init__(self, stack):
        self._servers = stack.env["RR_KAFKA_BOOTSTRAP"]
        self._producer = Producer({"bootstrap.servers": self._servers, "message.max.bytes": 2000000})

    def send(self, key, value) -> int:
        """Writes one message; texts and bytes as they are, all else as JSON. Returns its offset."""
        told = []
        self._producer.produce(
            NAME,
            key=_bytes(key),
            value=_bytes(value),
            partition=0,
            on_delivery=lambda error, message: told.append((error, message)),
        )
        assert self._producer.flush(30) == 0, "Kafka does not take it"
        error, message = told[0]
        assert error is None, error
        return message.offset()

    def end(self) -> int:
        consumer = Consumer({"bootstrap.servers": self._servers, "group.id": "looks"})
        try:
            return consumer.get_watermark_offsets(TopicPartition(NAME, 0), timeout=30)[1]
        finally:
            consumer.close()

    def read(self, offset: int, topic: str = NAME) -> list[str]:
        """The values from there to the end."""
        settings = {"group.id": "reads", "enable.auto.commit": False, "enable.partition.eof": True}
        consumer = Consumer({"bootstrap.servers": self._servers, **settings})
        values = []
        try:
            consumer.assign([TopicPartition(topic, 0, offset)])
            while (message := consumer.poll(30)) is not None and not message.error():
                if message.value():
                    values.append(message.value().decode())
            assert message is not None and message.error().code() == KafkaError._PARTITION_EOF, (
                "Kafka does not answer"
            )
            return values
        finally:
            consumer.close()


def _bytes(thing):
    if thing is None or isinstance(thing, bytes):
        return thing
    return (thing if isinstance(thing, str) else json.dumps(thing)).encode()


def reservation_key(reservation) -> dict:
    return {"reservation_id": _hex(reservation)}


def room_key(room) -> dict:
    return {"id": room["id"]}


def event(reservation, version: int, kind: str = "changed", **columns) -> dict:
    """A journal row as Debezium tells of it; of a reservation as the API shows it."""
    row = {
        "reservation_id": _hex(reservation),
        "version": version,
        "kind": kind,
        "room_id": reservation["room_id"],
        "user_id": reservation["user_id"],
        "title": reservation["title"],
        "starts_at": _micros(reservation["starts_at"]),
        "ends_at": _micros(reservation["ends_at"]),
        "state": reservation["state"],
        "created_at": _micros(reservation["created_at"]),
        "recorded_at": now(),
        "recorded_by": "admin",
        "reason": None,
        "trace_id": None,
    }
    return change("reservation_event", row | columns)


def room_event(room, version: int, **columns) -> dict:
    row = {name: room[name] for name in ("id", "name", "location", "capacity")}
    row |= {"active": 1, "version": version, "created_at": _micros(room["created_at"]), "updated_at": now()}
    return change("room", row | columns)


def change(table: str, row, op: str = "c", **source) -> dict:
    source = {"snapshot": None, "db": "reservations", "ts_us": now(), "table": table} | source
    return {"before": None, "after": row, "source": source, "op": op, "ts_ms": now() // 1000}


def now() -> int:
    return time.time_ns() // 1000


def _hex(reservation) -> str:
    return reservation["id"].replace("-", "")


def _micros(text: str) -> int:
    from datetime import datetime

    moment = datetime.fromisoformat(text)
    return int(moment.timestamp()) * 1000000 + moment.microsecond
