"""Each program by itself: its settings, its health, its metrics."""

from functools import partial

import pytest
from support import programs
from support.held import held_query
from support.times import on
from support.waiting import eventually

ALL = ("command-svc", "query-svc", "projector")


@pytest.fixture(scope="session")
def services(command, query, projector):
    return {"command-svc": command, "query-svc": query, "projector": projector}


@pytest.mark.parametrize("name", ALL)
def test_help_names_every_setting_and_how_to_give_it(stack, name):
    ended = programs.run(stack, name, "--help")
    assert ended.returncode == 0
    for key in ("RR_HTTP_PORT", "RR_AUTH", "RR_LOG_LEVEL"):
        assert key in ended.stdout
    assert "--http-port" in ended.stdout


@pytest.mark.parametrize("name", ALL)
def test_dump_config_shows_what_is_in_force_but_no_secret(stack, name):
    ended = programs.run(stack, name, "--http-idle-s=17", "--dump-config")
    assert ended.returncode == 0
    settings = dict(line.split("=", 1) for line in ended.stdout.splitlines())
    assert settings["RR_HTTP_IDLE_S"] == "17"
    assert settings["RR_HTTP_PORT"] == str(stack.server(name).port)
    for file in (stack.dir / "secrets").glob("*-rr_*"):
        assert file.read_text().strip() not in ended.stdout


@pytest.mark.parametrize(
    ("name", "key", "text"),
    [
        ("command-svc", "RR_HTTP_PORT", "eighty"),
        ("command-svc", "RR_HTTP_PORT", "65536"),
        ("command-svc", "RR_MYSQL_WORKERS", "0"),
        ("command-svc", "RR_AUTH", "perhaps"),
        ("command-svc", "RR_JWT_SKEW_S", "-1"),
        ("query-svc", "RR_HTTP_LOOPS", "-1"),
        ("query-svc", "RR_LOG_LEVEL", "loud"),
        ("query-svc", "RR_PG_TIMEOUT_MS", "2s"),
        ("projector", "RR_READY_LAG_MS", "1e3"),
        ("projector", "RR_BATCH_EVENTS", "many"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(stack, name, key, text):
    ended = programs.run(stack, name, *stack.server(name).arguments, settings={key: text})
    assert ended.returncode == 2
    assert key in ended.stderr
    assert text in ended.stderr


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("command-svc", "RR_MYSQL_USER"),
        ("query-svc", "RR_PG_CONNINFO_FILE"),
        ("projector", "RR_PG_CONNINFO_FILE"),
    ],
)
def test_a_missing_setting_stops_the_start_and_is_named(stack, name, key):
    ended = programs.run(stack, name, *stack.server(name).arguments, settings={key: None})
    assert ended.returncode == 2
    assert key.removesuffix("_FILE") in ended.stderr


@pytest.mark.parametrize("name", ALL)
def test_every_wrong_setting_is_named_at_once(stack, name):
    wrong = {"RR_HTTP_PORT": "x", "RR_HTTP_LOOPS": "y"}
    ended = programs.run(stack, name, *stack.server(name).arguments, settings=wrong)
    assert ended.returncode == 2
    assert "RR_HTTP_PORT" in ended.stderr and "RR_HTTP_LOOPS" in ended.stderr


@pytest.mark.parametrize("name", ALL)
def test_an_unknown_option_stops_the_start(stack, name):
    ended = programs.run(stack, name, "--colour=red", *stack.server(name).arguments)
    assert ended.returncode == 2
    assert "colour" in ended.stderr


@pytest.mark.parametrize("name", ("command-svc", "query-svc"))
def test_a_word_stops_the_start_of_a_program_that_takes_none(stack, name):
    ended = programs.run(stack, name, "start")
    assert ended.returncode == 2
    assert "argument 1 is no option" in ended.stderr


def test_a_secret_that_cannot_be_read_is_named_by_its_file(stack):
    ended = programs.run(stack, "command-svc", settings={"RR_MYSQL_PASSWORD_FILE": "/nonexistent/password"})
    assert ended.returncode == 2
    assert "RR_MYSQL_PASSWORD_FILE" in ended.stderr and "/nonexistent/password" in ended.stderr


@pytest.mark.parametrize("name", ALL)
def test_no_program_listens_beyond_loopback_without_authentication(stack, name):
    settings = {"RR_HTTP_HOST": "0.0.0.0", "RR_HTTP_PORT": str(programs.free_port())}
    ended = programs.run(stack, name, *stack.server(name).arguments, settings=settings)
    assert ended.returncode != 0
    assert "RR_AUTH" in ended.stderr


@pytest.mark.parametrize("name", ALL)
def test_a_port_that_is_taken_ends_the_start_with_a_word(stack, name):
    ended = programs.run(stack, name, *stack.server(name).arguments)
    assert ended.returncode not in (0, 2)
    assert str(stack.server(name).port) in ended.stderr


@pytest.mark.parametrize("name", ALL)
def test_a_healthy_program_says_that_it_lives_and_is_ready(services, name):
    services[name].get("/livez", expect=200)
    services[name].get("/readyz", expect=200)


def test_query_svc_answers_who_comes_before_it_is_connected(stack, tmp_path):
    with held_query(stack, tmp_path, connected=False) as held:
        paths = ("/readyz", "/v1/rooms", "/v1/statistics/busy-hours?from=2026-11-02T00:00Z&to=2026-11-09T00:00Z")
        waiting = held.ask_all([partial(held.client.get, path, expect=200) for path in paths])
        held.proxy.release()
        for one in waiting:
            one.result()


def test_query_svc_is_not_ready_where_its_tables_are_missing(stack, tmp_path):
    conninfo = stack.postgres.conninfo("rr_query", "postgres")
    settings = {"RR_PG_CONNINFO": conninfo, "RR_PG_CONNINFO_FILE": None}
    with programs.Program(stack, "query-svc", tmp_path, awaits="/livez", **settings) as program:
        answer = program.client.get("/readyz", expect=503, code="not-ready")
        assert "missing" in answer["detail"]
        assert "projection.generation" in program.log.read_text()


def test_command_svc_is_not_ready_where_its_tables_are_missing(stack, command, mysql):
    with mysql.cursor() as cursor:
        cursor.execute("RENAME TABLE idempotency_key TO idempotency_key_away")
        try:
            answer = command.get("/readyz", expect=503, code="not-ready")
        finally:
            cursor.execute("RENAME TABLE idempotency_key_away TO idempotency_key")
    assert "missing" in answer["detail"]
    command.get("/readyz", expect=200)


def test_command_svc_is_not_ready_while_mysql_takes_no_writes(command, mysql):
    with mysql.cursor() as cursor:
        cursor.execute("SET GLOBAL read_only = ON")
        try:
            answer = command.get("/readyz", expect=503, code="not-ready")
        finally:
            cursor.execute("SET GLOBAL read_only = OFF")
    assert "read_only" in answer["detail"]
    command.get("/readyz", expect=200)


@pytest.mark.parametrize(
    ("name", "families"),
    [
        (
            "command-svc",
            "rr_http_requests_total rr_http_request_seconds rr_http_connections rr_http_in_flight"
            " rr_mysql_queue rr_mysql_jobs_total rr_mysql_job_seconds rr_mysql_wait_seconds rr_mysql_connections",
        ),
        (
            "query-svc",
            "rr_http_requests_total rr_http_request_seconds rr_http_connections rr_http_in_flight"
            " rr_pg_queries_total rr_pg_query_seconds rr_pg_queue rr_pg_up",
        ),
        (
            "projector",
            "rr_http_requests_total rr_projector_events_total rr_projector_batches_total rr_projector_batch_seconds"
            " rr_projector_freshness_seconds rr_projector_lag_seconds rr_projector_lag_events",
        ),
    ],
)
def test_metrics_are_in_order_and_have_what_is_documented(services, command, query, room, user, name, families):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    query.history(user, token=booked.token)
    services[name].get("/livez")
    metrics = services[name].metrics()
    missing = [family for family in families.split() if family not in metrics]
    assert not missing
    assert metrics.value("process_resident_memory_bytes") > 0


def test_requests_are_counted_by_route_and_status(command, room):
    labels = {"route": "/v1/rooms/{id}", "method": "GET", "status": "200"}
    before = command.metrics().value("rr_http_requests_total", **labels)
    command.room(room)
    command.room(room)
    assert command.metrics().value("rr_http_requests_total", **labels) == before + 2


def test_the_projector_measures_from_commit_to_visible(command, query, projector, room, user):
    before = projector.metrics().value("rr_projector_freshness_seconds_count")
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    query.history(user, token=booked.token)
    eventually(lambda: projector.metrics().value("rr_projector_freshness_seconds_count") > before)
    assert projector.metrics().value("rr_projector_lag_seconds") < 10
