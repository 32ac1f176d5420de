"""Time stamps of an authority by HTTP (RFC 3161), through rfc3161-client.

The authority learns a SHA-512 digest of what is stamped, and nothing else. Its answer is verified before anybody keeps
it: its signature, up to a root that the settings name, the nonce that was sent, and the digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from watchlist.adapters.bounded_post import SECONDS, posted
from watchlist.ports.witness import Stamped, Unanswered

MOST_READ = 64 * 1024
HEADERS = {"content-type": "application/timestamp-query", "accept": "application/timestamp-reply"}


def roots_in(file: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file. Raises OSError, ValueError."""
    return x509.load_pem_x509_certificates(file.read_bytes())


class Rfc3161Timestamping:
    """Keeps the port Timestamping."""

    def __init__(self, url: str, roots: Sequence[x509.Certificate], seconds: float = SECONDS) -> None:
        self._url, self._roots, self._seconds = url, list(roots), seconds

    def stamp(self, message: bytes) -> Stamped:
        request = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA512).build()
        reply = posted(self._url, HEADERS, request.as_bytes(), MOST_READ, self._seconds)
        if reply.status != 200:
            raise Unanswered(f"status {reply.status}")
        try:
            response = decode_timestamp_response(reply.body)
            verifier = VerifierBuilder(roots=self._roots, nonce=request.nonce).build()
            verifier.verify_message(response, message)
            return Stamped(response.tst_info.gen_time, self._authority(), response.as_bytes())
        except (VerificationError, ValueError) as error:
            raise Unanswered(f"the stamp does not hold ({type(error).__name__})") from None

    def _authority(self) -> str:
        """Where it is, without what may be secret of its address."""
        return self._url.partition("://")[2].partition("?")[0].rpartition("@")[2]
