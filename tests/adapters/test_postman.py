"""The postman reaches whom the name says, and nothing of one's own network (S8)."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.receiver import Receiver, a_receiver
from watchlist.adapters.postman import HttpPostman
from watchlist.domain.webhook import Failure, Outcome

NAME = "payer.test"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


def post(url: str, postman: HttpPostman | None = None) -> Outcome:
    return asyncio.run((postman or HttpPostman()).post(url, {"webhook-id": "1"}, b"{}"))


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What the look-up of a name gives, the first time and the next: the network's answer, not our own code."""
    answers: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **kwargs):
        if host not in answers:
            return real(host, port, *args, **kwargs)
        found = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return answers


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://0x7f.1:{port}/",
        "http://2130706433:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
    ],
)
def test_an_address_of_ones_own_network_is_not_connected_to(receiver: Receiver, url: str) -> None:
    assert post(url.format(port=receiver.port)).failure is Failure.ADDRESS_REFUSED
    assert receiver.messages == []


def test_a_name_that_leads_there_is_refused_even_when_it_also_leads_elsewhere(
    receiver: Receiver, names: dict[str, list[list[str]]]
) -> None:
    names[NAME] = [["1.1.1.1", "127.0.0.1"]]
    assert post(f"http://{NAME}:{receiver.port}/").failure is Failure.ADDRESS_REFUSED
    assert receiver.messages == []


def test_a_name_is_looked_up_once_so_that_it_cannot_lead_elsewhere_meanwhile(
    receiver: Receiver, names: dict[str, list[list[str]]]
) -> None:
    """Public when it is checked, one's own when it would be connected to."""
    names[NAME] = [["192.88.99.1"], ["127.0.0.1"]]
    outcome = post(f"http://{NAME}:{receiver.port}/", HttpPostman(seconds=0.5))
    assert outcome.failure in (Failure.TIMEOUT, Failure.UNREACHABLE)
    assert receiver.messages == []


def test_the_host_is_the_name(receiver: Receiver, names: dict[str, list[list[str]]]) -> None:
    names[NAME] = [["127.0.0.1"]]
    assert post(f"http://{NAME}:{receiver.port}/hooks", HttpPostman(True)).failure is None
    assert receiver.messages[0].headers["host"] == f"{NAME}:{receiver.port}"


def test_the_next_address_is_tried_when_nobody_is_at_the_first(
    receiver: Receiver, names: dict[str, list[list[str]]]
) -> None:
    names[NAME] = [["127.0.0.9", "127.0.0.1"]]
    assert post(f"http://{NAME}:{receiver.port}/hooks", HttpPostman(True)).failure is None


def test_a_name_that_is_unknown_and_a_port_where_nobody_listens() -> None:
    assert post("https://nobody.invalid/").failure is Failure.UNKNOWN_HOST
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert post(f"http://127.0.0.1:{port}/", HttpPostman(True)).failure is Failure.UNREACHABLE


def test_an_answer_that_drips_does_not_hold_longer_than_ten_seconds_in_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_drip, args=(server,), daemon=True).start()
        began = time.monotonic()
        outcome = post(f"http://127.0.0.1:{server.getsockname()[1]}/", HttpPostman(True, seconds=0.6))
        assert outcome.failure is Failure.TIMEOUT
        assert time.monotonic() - began < 2


def _drip(server: socket.socket) -> None:
    """A header that never ends, one letter after the other."""
    caller, _ = server.accept()
    with caller:
        try:
            caller.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            for _ in range(100):
                caller.sendall(b"a")
                time.sleep(0.05)
        except OSError:
            return


def test_a_long_answer_is_not_read_to_its_end(receiver: Receiver) -> None:
    class Endless(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    outcome = post(f"http://127.0.0.1:{server.server_address[1]}/", HttpPostman(True))
    assert (outcome.status, outcome.failure) == (200, None)
    server.shutdown()
    server.server_close()


# TLS -------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of that name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def secured(certificate: Path) -> Iterator[tuple[int, list[str | None]]]:
    """The port of a server with that certificate, and the names it was asked for by."""
    asked: list[str | None] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _, name, __: asked.append(name)

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Whoever does not trust the certificate hangs up."""

    server = Quiet(("127.0.0.1", 0), Taking)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], asked
    server.shutdown()
    server.server_close()


def test_the_certificate_is_the_names_while_the_connection_goes_to_the_address(
    secured: tuple[int, list[str | None]], certificate: Path, names: dict[str, list[list[str]]]
) -> None:
    port, asked = secured
    names.update({NAME: [["127.0.0.1"]], "other.test": [["127.0.0.1"]]})
    postman = HttpPostman(True, trusted=ssl.create_default_context(cafile=str(certificate)))
    assert post(f"https://{NAME}:{port}/", postman).failure is None
    assert asked == [NAME]
    assert post(f"https://other.test:{port}/", postman).failure is Failure.CERTIFICATE
    assert post(f"https://{NAME}:{port}/", HttpPostman(True)).failure is Failure.CERTIFICATE
