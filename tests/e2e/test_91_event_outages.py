"""An event stream stays open while servers behind it go down, and goes on where it was when they are back."""

import pytest
from support.events import Stream
from support.outages import down, reconnects
from support.times import on
from support.waiting import PATIENCE_SECONDS, eventually


@pytest.mark.parametrize("name", ["postgres", "projector"])
def test_a_stream_outlives_a_server_that_is_killed(stack, command, query, room, user, name):
    with reconnects(query), Stream(query.url, user_id=user) as stream:
        made = [command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)["id"]]
        stream.wait_for(1)
        with down(stack, name, "killed"):
            made.append(command.reserve(room, on(4, "10:00"), on(4, "11:00"), user)["id"])
        made.append(command.reserve(room, on(5, "10:00"), on(5, "11:00"), user)["id"])
        stream.wait_for(3, PATIENCE_SECONDS)
        assert stream.seen == [(number, 1) for number in made]
        assert not stream.ended
    eventually(query.is_ready, PATIENCE_SECONDS)


def test_a_client_goes_on_with_another_query_svc(stack, command, query, room, user):
    with Stream(query.url, user_id=user) as stream:
        first = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
        stream.wait_for(1)
        stack.kill("query-svc")
        second = command.reserve(room, on(4, "10:00"), on(4, "11:00"), user)
        last_id = stream.last_id
    stack.start(["query-svc"])
    with Stream(query.url, user_id=user, last_id=last_id) as stream:
        stream.wait_for(1, PATIENCE_SECONDS)
        assert stream.seen == [(second["id"], 1)]
        assert first["id"] != second["id"]
