"""build(settings, clock): everything wired, in the one place that knows every room."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from watchlist.adapters import ciphers
from watchlist.adapters.clock import SystemClock
from watchlist.adapters.postgres.connections import Connection, service_conninfo
from watchlist.adapters.postgres.keyring import PostgresKeyring
from watchlist.adapters.postgres.pictures import Pictures
from watchlist.adapters.postgres.register import Register
from watchlist.adapters.postgres.vault import PostgresVault
from watchlist.application.desk import Desk
from watchlist.domain.tokens import Tokenizer
from watchlist.ports import Clock

POOL_SIZE = 10


@dataclass
class House:
    """The desk where verbs act, the pictures people look at, and what must be closed at the end."""

    desk: Desk
    pictures: Pictures
    register: Register
    keyring: PostgresKeyring
    pool: ConnectionPool[Connection]
    conninfo: str
    clock: Clock

    def close(self) -> None:
        self.pool.close()
        self.register.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def build(conninfo: str, master_key: bytes, clock: Clock | None = None, pool_size: int = POOL_SIZE) -> House:
    """The house on a migrated database; closes with its `with`, or `close()`."""
    clock = clock or SystemClock()
    pool = ConnectionPool[Connection](
        service_conninfo(conninfo),
        kwargs={"row_factory": dict_row, "autocommit": True},
        min_size=1,
        max_size=pool_size,
        timeout=5.0,
        open=True,
    )
    register = Register(conninfo, clock, pool_size)
    keyring = PostgresKeyring(pool, master_key)
    pictures = Pictures(pool)
    desk = Desk(
        log=register,
        clock=clock,
        keyring=keyring,
        vault=PostgresVault(pool),
        cipher=ciphers,
        tokenizer=Tokenizer(keyring.lookup_key()),
        registry=pictures,
    )
    return House(desk, pictures, register, keyring, pool, conninfo, clock)
