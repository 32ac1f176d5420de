"""A time stamping authority of one's own: `openssl ts` behind a small HTTP server; real requests, real stamps."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = An authority of a test
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = this
[this]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/leaf.pem
signer_key = {folder}/leaf.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
"""


@dataclass
class Authority:
    folder: Path
    port: int = 0
    asked: list[bytes] = field(default_factory=list)
    answer: Callable[[bytes], tuple[int, bytes]] | None = None
    """Instead of a stamp."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/tsa"

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def reply(self, query: bytes) -> bytes:
        """What `openssl ts -reply` says to a request."""
        (self.folder / "query").write_bytes(query)
        self.openssl("ts", "-reply", "-config", "config", "-queryfile", "query", "-out", "reply")
        return (self.folder / "reply").read_bytes()

    def openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


def made_in(folder: Path) -> Authority:
    """A root, and a certificate under it that may stamp."""
    authority = Authority(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config").write_text(CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")
    new = ("req", "-config", "config", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    authority.openssl(
        *new, "-x509", "-days", "30", "-extensions", "root", "-keyout", "root.key", "-out", "root.pem"
    )
    authority.openssl(*new, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=Stamps of a test")
    under = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "30")
    authority.openssl(
        *(
            "x509",
            "-req",
            "-in",
            "leaf.csr",
            *under,
            "-extfile",
            "config",
            "-extensions",
            "leaf",
            "-out",
            "leaf.pem",
        )
    )
    return authority


@contextmanager
def an_authority(folder: Path) -> Iterator[Authority]:
    authority = made_in(folder)
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["content-length"]))
            with one_at_a_time:
                authority.asked.append(query)
                status, body = authority.answer(query) if authority.answer else (200, authority.reply(query))
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    authority.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield authority
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
