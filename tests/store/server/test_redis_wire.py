"""The wire: replies come out whole and in order however they arrive, and every kind of address leads to Redis."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import hiredis
import pytest
import redis as redis_py
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis.exceptions import ResponseError

from engine.errors import OutcomeUnknown, StoreRefused
from engine.store.connection import Redis
from engine.store.server.link import WRITE_BYTES_MAX
from engine.store.server.wire import Wire

REPLIES = (
    b"+OK\r\n:42\r\n$-1\r\n$5\r\na\r\nbc\r\n-ERR no such thing\r\n*-1\r\n"
    b"*3\r\n$2\r\nOK\r\n*2\r\n:1\r\n-WRONGTYPE not a list\r\n$0\r\n\r\n*0\r\n"
)
READ = [b"OK", 42, None, b"a\r\nbc", "no such thing", None]
READ += [[b"OK", [1, "WRONGTYPE not a list"], b""], []]


def plain(reply):
    """Errors have no equality; their text has."""
    if isinstance(reply, list):
        return [plain(item) for item in reply]
    return str(reply) if isinstance(reply, Exception) else reply


class Heard:
    """What a wire hands over."""

    def __init__(self):
        self.replies = []
        self.arrivals = 0
        self.wire = Wire(self.take, lambda: None)

    def take(self, replies):
        self.arrivals += 1
        self.replies += replies


@pytest.mark.parametrize("split", range(len(REPLIES) + 1))
async def test_replies_split_at_any_byte_come_out_whole(split):
    heard = Heard()
    heard.wire.data_received(REPLIES[:split])
    heard.wire.data_received(REPLIES[split:])
    assert plain(heard.replies) == READ


async def test_replies_that_come_byte_by_byte_come_out_whole_and_none_is_announced_early():
    heard = Heard()
    for byte in REPLIES:
        heard.wire.data_received(bytes([byte]))
    assert plain(heard.replies) == READ
    assert heard.arrivals == len(READ)


async def test_all_replies_of_one_arrival_are_handed_over_together():
    heard = Heard()
    heard.wire.data_received(b":7\r\n" * 1000 + b":8")
    assert heard.replies == [7] * 1000
    assert heard.arrivals == 1


async def test_an_error_reply_is_handed_over_in_its_place():
    heard = Heard()
    heard.wire.data_received(b"+OK\r\n-ERR no\r\n+OK\r\n")
    assert [isinstance(reply, ResponseError) for reply in heard.replies] == [False, True, False]


async def test_what_is_no_reply_ends_the_wire_and_nothing_after_it_is_believed():
    heard = Heard()
    heard.wire.data_received(b"+OK\r\nHTTP/1.1 400 Bad Request\r\n\r\n+OK\r\n")
    assert "no Redis reply" in await heard.wire.lost
    heard.wire.data_received(b"+OK\r\n")
    assert heard.replies == []


async def test_a_call_that_redis_refuses_fails_alone(url):
    redis = Redis(url)
    calls = [redis.call("n", *words) for words in (("SET", "n", "x"), ("INCR", "n"), ("GET", "n"))]
    first, second, third = await asyncio.gather(*calls, return_exceptions=True)
    assert (first, third) == (b"OK", b"x")
    assert isinstance(second, StoreRefused)
    await redis.close()


async def test_more_than_the_transport_takes_at_once_is_sent_and_answered_in_order(url):
    redis = Redis(url)
    each = WRITE_BYTES_MAX // 4
    texts = [chr(97 + number) * each for number in range(24)]
    answers = await asyncio.gather(*(redis.call(None, "ECHO", text) for text in texts))
    assert answers == [text.encode() for text in texts]
    await redis.close()


async def test_a_server_that_answers_more_than_it_was_asked_is_left(tmp_path):
    greeted = 0

    async def talk(reader, writer):
        nonlocal greeted
        commands = hiredis.Reader()
        while data := await reader.read(1 << 16):
            commands.feed(data)
            while (command := commands.gets()) is not False:
                greeted += command[0] in (b"CLIENT", b"SCRIPT")
                writer.write(b"+OK\r\n" * (2 if command[0] == b"PING" else 1))
        writer.close()

    path = str(tmp_path / "s")
    async with await asyncio.start_unix_server(talk, path):
        redis = Redis(f"unix://{path}")
        asked = [redis.call(None, "PING") for _ in range(3)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        # Nobody can say which of them the superfluous replies belong to once they arrive by themselves.
        assert answers == [b"OK"] * 3
        with contextlib.suppress(OutcomeUnknown):
            await redis.call(None, "GET", "x")
        assert await redis.call(None, "GET", "x") == b"OK"
        assert redis.connections == 2
        await redis.close()
    assert greeted


LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A key and a certificate for 127.0.0.1 that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    form = serialization.Encoding.PEM
    secret = key.private_bytes(
        form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(form))
    return path


@pytest.fixture
def guarded(url):
    """The empty server with a user of its own; the socket's path."""
    with redis_py.Redis.from_url(url) as client:
        client.execute_command("ACL", "SETUSER", "ann", "on", ">secret", "~*", "&*", "+@all")
        yield url.removeprefix("unix://")
        client.execute_command("ACL", "DELUSER", "ann")


@asynccontextmanager
async def relay(path: str, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """A TCP port in front of a unix socket."""

    async def pump(reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader, writer):
        up_reader, up_writer = await asyncio.open_unix_connection(path)
        await asyncio.gather(
            pump(reader, up_writer), pump(up_reader, writer), return_exceptions=True
        )

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as listening:
        yield listening.sockets[0].getsockname()[1]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("scheme", ["unix", "redis", "rediss"])
def test_user_password_and_database_of_an_address_are_used_on(scheme, loop, guarded, certificate):
    async def main():
        tls = None
        if scheme == "rediss":
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(certificate)
        async with relay(guarded, tls) as port:
            address = {
                "unix": f"unix://ann:secret@{guarded}?db=3",
                "redis": f"redis://ann:secret@127.0.0.1:{port}/3",
                "rediss": f"rediss://ann:secret@127.0.0.1:{port}/3?ssl_ca_certs={certificate}",
            }[scheme]
            redis = Redis(address)
            await redis.open()
            assert await redis.call(None, "ACL", "WHOAMI") == b"ann"
            assert b"db=3" in await redis.call(None, "CLIENT", "INFO")
            texts = [str(number) * 1000 for number in range(1000)]
            answers = await asyncio.gather(*(redis.call(None, "ECHO", text) for text in texts))
            assert answers == [text.encode() for text in texts]
            await redis.close()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_that_the_server_closes_is_made_again(loop, url):
    async def main():
        redis = Redis(url)
        await redis.open()
        for number in range(1, 4):
            with contextlib.suppress(OutcomeUnknown):
                await redis.call(None, "CLIENT", "KILL", "SKIPME", "no", "TYPE", "normal")
            assert await redis.call(None, "ECHO", str(number)) == str(number).encode()
        assert redis.connections == 4
        await redis.close()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())
