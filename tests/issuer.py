"""An identity provider on a port of this machine: it publishes its keys, and signs whatever a test wants signed."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from watchlist.domain.passport import Issuer

AUDIENCE = "watchlist"
_MAKERS = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


class AnIssuer:
    """Its documents, by path; which of its keys are published; whether it answers at all."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.private: dict[str, tuple[str, Any]] = {}
        self.published: list[str] = []
        self.down = False
        self.asked: list[str] = []
        self.says: dict[str, Any] = {}
        """What it answers instead of the truth."""

    def settings(self, **changes: Any) -> Issuer:
        return Issuer(**{"url": self.url, "audiences": frozenset({AUDIENCE}), **changes})

    def adopt(self, kid: str, algorithm: str = "ES256") -> None:
        """A new key, published beside the others."""
        self.private[kid] = algorithm, _MAKERS[algorithm]()
        self.published.append(kid)

    def public_pem(self, kid: str) -> bytes:
        public = self.private[kid][1].public_key()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return public.public_bytes(serialization.Encoding.PEM, form)

    def jwks(self) -> dict[str, Any]:
        return {"keys": [self._jwk(kid) for kid in self.published]}

    def _jwk(self, kid: str) -> dict[str, Any]:
        algorithm, private = self.private[kid]
        made = jwt.get_algorithm_by_name(algorithm).to_jwk(private.public_key(), as_dict=True)
        return {**made, "kid": kid, "use": "sig", "alg": algorithm}

    def claims(self, now: datetime, **changes: Any) -> dict[str, Any]:
        """Those of Camille Roche, an investigator of GRPM; None leaves one out."""
        issued = int(now.timestamp())
        usual = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "camille",
            "name": "Camille Roche",
            "roles": ["investigator"],
            "organisation": "GRPM",
            "iat": issued,
            "exp": issued + 300,
        }
        return {name: said for name, said in {**usual, **changes}.items() if said is not None}

    def token(self, now: datetime, kid: str = "", headers: Any = None, **changes: Any) -> str:
        kid = kid or self.published[-1]
        algorithm, private = self.private[kid]
        sent = {name: said for name, said in {"kid": kid, **(headers or {})}.items() if said is not None}
        return jwt.encode(self.claims(now, **changes), private, algorithm, headers=sent)

    def answer(self, path: str) -> bytes | None:
        self.asked.append(path)
        if self.down:
            return None
        documents = {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/keys"},
            "/keys": self.jwks(),
            **self.says,
        }
        told = documents.get(path)
        return told if isinstance(told, bytes) or told is None else json.dumps(told).encode()


@contextmanager
def an_issuer(*algorithms: str) -> Iterator[AnIssuer]:
    """One that has a key of each algorithm, `key-1` and so on."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    issuer = AnIssuer(f"http://127.0.0.1:{server.server_address[1]}")
    server.issuer = issuer
    for number, algorithm in enumerate(algorithms or ("ES256",), 1):
        issuer.adopt(f"key-{number}", algorithm)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        issuer: AnIssuer = self.server.issuer
        told = issuer.answer(self.path)
        self.send_response(200 if told is not None else 503)
        self.send_header("Content-Length", str(len(told or b"")))
        self.end_headers()
        self.wfile.write(told or b"")

    def log_message(self, format: str, *args: Any) -> None:
        pass


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """A token made by hand."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
