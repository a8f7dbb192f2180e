"""command-svc's connections to MySQL under TLS: as far as is asked for, and no farther than the certificate goes."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support import programs
from support.programs import Program
from support.times import on
from support.waiting import eventually

USER = "rr_command_tls"


@pytest.fixture
def encrypted(stack, mysql):
    """Settings of an account that MySQL lets in under TLS only."""
    with mysql.cursor() as cursor:
        cursor.execute(f"CREATE USER '{USER}'@'%' IDENTIFIED BY 'tls' REQUIRE SSL")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON reservations.* TO '{USER}'@'%'")
    yield {"RR_MYSQL_USER": USER, "RR_MYSQL_PASSWORD": "tls", "RR_MYSQL_PASSWORD_FILE": None}
    with mysql.cursor() as cursor:
        cursor.execute(f"DROP USER '{USER}'@'%'")


@pytest.fixture
def servers_ca(stack):
    """The CA that MySQL has made for itself with its data folder."""
    return str(stack.mysql.data / "ca.pem")


@pytest.fixture
def another_ca(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "nobody")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "another-ca.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return str(path)


def ciphers(mysql) -> set[str]:
    with mysql.cursor() as cursor:
        cursor.execute(
            "SELECT s.variable_value FROM performance_schema.status_by_thread s"
            " JOIN performance_schema.threads t USING (thread_id)"
            " WHERE t.processlist_user = %s AND s.variable_name = 'Ssl_cipher'",
            (USER,),
        )
        return {row[0] for row in cursor.fetchall()}


def test_a_connection_can_be_encrypted(stack, tmp_path, mysql, encrypted, room):
    with Program(stack, "command-svc", tmp_path, **encrypted, RR_MYSQL_TLS="required") as program:
        program.client.reserve(room, on(2, "10:00"), on(2, "11:00"))
        found = ciphers(mysql)
        assert found and "" not in found


def test_the_servers_certificate_can_be_asked_for(stack, tmp_path, mysql, encrypted, servers_ca, room):
    settings = encrypted | {"RR_MYSQL_TLS": "verify-ca", "RR_MYSQL_TLS_CA_FILE": servers_ca}
    with Program(stack, "command-svc", tmp_path, **settings) as program:
        program.client.reserve(room, on(2, "10:00"), on(2, "11:00"))
        assert ciphers(mysql)


def test_a_server_with_another_certificate_is_not_spoken_to(stack, tmp_path, encrypted, another_ca, room):
    settings = encrypted | {"RR_MYSQL_TLS": "verify-ca", "RR_MYSQL_TLS_CA_FILE": another_ca}
    with Program(stack, "command-svc", tmp_path, "/livez", **settings) as program:
        refused = program.client.reserve(room, on(2, "10:00"), on(2, "11:00"), expect=503)
        assert refused["code"] == "database-unavailable"
        eventually(lambda: "mysql cannot be reached" in program.log.read_text())


def test_without_the_setting_nothing_is_encrypted(stack, tmp_path, encrypted, room):
    with Program(stack, "command-svc", tmp_path, "/livez", **encrypted) as program:
        program.client.reserve(room, on(2, "10:00"), on(2, "11:00"), expect=503, code="database-unavailable")


@pytest.mark.parametrize("file", ["", "/nonexistent/ca.pem"])
def test_a_ca_that_cannot_be_read_stops_the_start(stack, file):
    settings = {"RR_MYSQL_TLS": "verify-ca", "RR_MYSQL_TLS_CA_FILE": file, "RR_HTTP_PORT": "0"}
    ended = programs.run(stack, "command-svc", settings=settings)
    assert ended.returncode != 0
    assert "RR_MYSQL_TLS_CA_FILE" in ended.stderr
