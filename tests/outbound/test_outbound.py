"""The only way out: to public addresses alone, within a deadline, and with the truth about what was sent."""

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app import outbound
from app.errors import ChannelError
from app.outbound import CutOff, Refused, Unreachable, call
from tests.conftest import forget_settings

# The loopback address, and what else leads inside, as people have written it to get past a check
FORBIDDEN = [
    "127.0.0.1", "127.1", "127.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1",
    "127.0.0.1.", "127.8.8.8", "localhost", "localhost.", "LOCALHOST", "0.0.0.0", "0", "[::1]", "[::]",
    "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%lo]",
    "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]", "10.0.0.1", "172.16.0.1", "172.31.255.1",
    "192.168.0.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1",
    "192.88.99.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "[64:ff9b::10.0.0.1]", "[::ffff:169.254.169.254]", "user:word@127.0.0.1", "8.8.8.8@127.0.0.1",
]  # fmt: skip
# Some resolvers know these, others have no such name: either way nobody is called
NOT_EVERYWHERE_A_NAME = {"127.0.0.1.", "localhost.", "[fe80::1%lo]"}
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:82f::200e",
    "64:ff9b::8.8.8.8",
    "::ffff:8.8.8.8",
]


@pytest.fixture
def canary() -> Iterator["Canary"]:
    """Listens on every loopback address and counts who comes."""
    with Canary() as listening:
        yield listening


class Canary:
    def __init__(self) -> None:
        self.visits = 0
        self._v4 = socket.create_server(("0.0.0.0", 0))
        self.port = self._v4.getsockname()[1]
        self._servers = [self._v4]
        if socket.has_dualstack_ipv6():
            self._servers.append(socket.create_server(("::", self.port), family=socket.AF_INET6))

    def __enter__(self) -> "Canary":
        for server in self._servers:
            threading.Thread(target=self._listen, args=(server,), daemon=True).start()
        return self

    def _listen(self, server: socket.socket) -> None:
        while True:
            try:
                server.accept()[0].close()
            except OSError:
                return
            self.visits += 1

    def __exit__(self, *_problem: object) -> None:
        for server in self._servers:
            server.close()


@pytest.mark.parametrize("host", FORBIDDEN)
def test_nothing_inside_is_called_however_it_is_written(canary, host):
    with pytest.raises(ChannelError) as raised:
        call("POST", f"http://{host}:{canary.port}/", json={}, seconds=2, ports=frozenset({canary.port}))
    assert raised.value.reason
    assert isinstance(raised.value, Refused) or host in NOT_EVERYWHERE_A_NAME
    assert canary.visits == 0


def test_the_canary_sings_when_it_is_allowed(canary, allow):
    allow("127.0.0.0/8")
    with pytest.raises(CutOff):
        call("GET", f"http://127.0.0.1:{canary.port}/")
    assert canary.visits == 1


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address):
    assert outbound.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    ["", "/", "example.org", "ftp://example.org/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "http://",
     "https:///path", "javascript:alert(1)", "http://a\r\nb/", "http://[::1"],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(Refused):
        call("GET", url)


@pytest.mark.parametrize("port", [22, 25, 3306, 5432, 6379, 8080])
def test_only_the_ports_of_the_web_are_called(names, port):
    names["example.org"] = ["93.184.215.14"]
    with pytest.raises(Refused):
        call("GET", f"http://example.org:{port}/")


def test_a_name_with_one_address_inside_is_refused_whole(names, canary):
    names["mixed.example.org"] = ["93.184.215.14", "127.0.0.1"]
    with pytest.raises(Refused):
        call("GET", f"http://mixed.example.org:{canary.port}/", ports=frozenset({canary.port}))
    assert canary.visits == 0


def test_a_name_that_changes_its_address_between_check_and_call_gains_nothing(names, allow, canary):
    """Rebinding: the first answer may be called, each later one is the canary's."""
    allow("127.0.0.2/32")
    with answering("127.0.0.2", lambda handler: handler.say(b"hello")) as port:
        names["rebind.example.org"] = ["127.0.0.2"]
        names.later["rebind.example.org"] = ["127.0.0.1"]
        assert call("GET", f"http://rebind.example.org:{port}/").body == b"hello"
        with pytest.raises(Refused):
            call("GET", f"http://rebind.example.org:{port}/")
    assert names.asked["rebind.example.org"] == 2
    assert canary.visits == 0


def test_the_operator_may_open_a_network_of_his_own_with_any_port(allow):
    allow("127.0.0.3/32")
    with answering("127.0.0.3", lambda handler: handler.say(b"ours")) as port:
        assert call("GET", f"http://127.0.0.3:{port}/").body == b"ours"
        with pytest.raises(Refused):
            call("GET", f"http://127.0.0.1:{port}/", ports=frozenset({port}))


def test_the_name_stays_in_the_request_though_the_address_is_called(names, allow):
    allow("127.0.0.0/8")
    names["example.org"] = ["127.0.0.1"]
    with answering("127.0.0.1", lambda handler: handler.say(handler.headers["Host"].encode())) as port:
        assert call("GET", f"http://example.org:{port}/").body == f"example.org:{port}".encode()


def test_the_next_address_is_tried_when_one_does_not_answer(names, allow):
    allow("127.0.0.0/8")
    names["example.org"] = ["127.0.0.9", "127.0.0.1"]
    with answering("127.0.0.1", lambda handler: handler.say(b"second")) as port:
        assert call("GET", f"http://example.org:{port}/").body == b"second"


def test_no_proxy_of_the_environment_is_asked(allow, monkeypatch, canary):
    allow("127.0.0.3/32")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    with answering("127.0.0.3", lambda handler: handler.say(b"direct")) as port:
        assert call("GET", f"http://127.0.0.3:{port}/").body == b"direct"
    assert canary.visits == 0


# -- TLS


def test_the_certificate_must_be_the_names_though_the_address_is_called(names, allow, monkeypatch, tmp_path):
    allow("127.0.0.0/8")
    names["good.example.org"] = names["bad.example.org"] = ["127.0.0.1"]
    context, asked = certificate("good.example.org", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    outbound._tls.cache_clear()
    try:
        with answering("127.0.0.1", lambda handler: handler.say(b"sealed"), context) as port:
            assert call("GET", f"https://good.example.org:{port}/").body == b"sealed"
            assert asked == ["good.example.org"]
            with pytest.raises(Unreachable):
                call("POST", f"https://bad.example.org:{port}/", json={})
    finally:
        outbound._tls.cache_clear()


def certificate(name: str, folder) -> tuple[ssl.SSLContext, list[str]]:
    """A server's side of TLS for `name`, signed by itself, and the names it will be asked for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    moment = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(moment - datetime.timedelta(days=1))
        .not_valid_after(moment + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    asked: list[str] = []
    context.sni_callback = lambda _socket, given, _context: asked.append(given)
    return context, asked


# -- redirects


def test_a_redirect_is_an_answer_like_any_other_unless_asked_for(allow):
    allow("127.0.0.0/8")
    with answering("127.0.0.1", lambda handler: handler.lead("/there")) as port:
        assert call("GET", f"http://127.0.0.1:{port}/").status == 302


def test_each_address_a_redirect_leads_to_is_judged(allow, canary):
    allow("127.0.0.3/32")
    with answering("127.0.0.3", lambda handler: handler.lead(f"http://127.0.0.1:{canary.port}/secret")) as port:
        with pytest.raises(Refused):
            call("GET", f"http://127.0.0.3:{port}/", redirects=5, ports=frozenset({canary.port}))
    assert canary.visits == 0


def test_five_redirects_are_followed_and_no_more(allow):
    allow("127.0.0.0/8")

    def lead(handler: "Handler") -> None:
        step = int(handler.path.strip("/") or 0)
        handler.say(b"here") if step == 5 else handler.lead(f"/{step + 1}")

    with answering("127.0.0.1", lead) as port:
        assert call("GET", f"http://127.0.0.1:{port}/0", redirects=5).body == b"here"
        with pytest.raises(Refused):
            call("GET", f"http://127.0.0.1:{port}/0", redirects=4)


def test_a_redirect_to_another_scheme_is_refused(allow):
    allow("127.0.0.0/8")
    with answering("127.0.0.1", lambda handler: handler.lead("file:///etc/passwd")) as port, pytest.raises(Refused):
        call("GET", f"http://127.0.0.1:{port}/", redirects=5)


# -- limits


def test_no_more_of_a_body_is_read_than_wanted(allow):
    allow("127.0.0.0/8")
    with answering("127.0.0.1", lambda handler: handler.say(b"x" * 5_000_000)) as port:
        answer = call("GET", f"http://127.0.0.1:{port}/", limit_bytes=1000)
    assert (len(answer.body), answer.is_cut) == (1000, True)


def test_a_compressed_bomb_is_not_unpacked(allow):
    import gzip

    allow("127.0.0.0/8")
    bomb = gzip.compress(b"\x00" * 10_000_000)
    with answering("127.0.0.1", lambda handler: handler.say(bomb, {"Content-Encoding": "gzip"})) as port:
        assert call("GET", f"http://127.0.0.1:{port}/").body == bomb


@pytest.mark.parametrize("drip", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"])
def test_who_drips_byte_by_byte_is_cut_off_at_the_deadline(allow, drip):
    allow("127.0.0.0/8")
    stop = threading.Event()

    def drip_on(handler: "Handler") -> None:
        handler.wfile.write(drip)
        for _second in range(10 * 20):
            if stop.wait(0.05):
                return
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    with answering("127.0.0.1", drip_on) as port:
        started = time.monotonic()
        with pytest.raises(CutOff):
            call("POST", f"http://127.0.0.1:{port}/", json={}, seconds=0.5)
        stop.set()
    assert time.monotonic() - started < 5, "else it would drip for ever"


# -- what is known of a failure


def test_a_closed_port_means_that_nothing_was_sent(allow):
    allow("127.0.0.0/8")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable):
            call("POST", f"http://127.0.0.1:{closed.getsockname()[1]}/", json={})


def test_no_such_name_means_that_nothing_was_sent(names):
    with pytest.raises(Unreachable):
        call("POST", "http://nosuch.example.org/", json={})


def test_whoever_speaks_no_tls_was_sent_nothing(allow):
    allow("127.0.0.0/8")
    with answering("127.0.0.1", lambda handler: handler.say(b"plain")) as port, pytest.raises(Unreachable):
        call("POST", f"https://127.0.0.1:{port}/", json={})


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 2", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"]
)
def test_an_answer_that_breaks_off_means_that_it_may_have_worked(allow, answer):
    allow("127.0.0.0/8")
    with answering("127.0.0.1", lambda handler: handler.wfile.write(answer)) as port, pytest.raises(CutOff):
        call("POST", f"http://127.0.0.1:{port}/", json={})


def test_headers_that_would_smuggle_another_request_are_refused(allow):
    allow("127.0.0.0/8")
    with answering("127.0.0.1", lambda handler: handler.say(b"")) as port, pytest.raises(Refused):
        call("GET", f"http://127.0.0.1:{port}/", headers={"X-Name": "a\r\nX-Other: b"})


def test_whatever_the_status_it_is_an_answer(allow):
    allow("127.0.0.0/8")
    with answering("127.0.0.1", lambda handler: handler.say(b"no", status=500)) as port:
        answer = call("PUT", f"http://127.0.0.1:{port}/a?b=c", data={"k": "v"})
    assert (answer.status, answer.body, answer.headers["content-length"]) == (500, b"no", "2")


# -- the surroundings


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sets EGRESS_ALLOW_CIDRS."""

    def set_networks(networks: str) -> None:
        monkeypatch.setenv("EGRESS_ALLOW_CIDRS", networks)
        forget_settings()

    yield set_networks
    monkeypatch.undo()
    forget_settings()


class Names(dict[str, list[str]]):
    """A name server: {name: addresses}. `later` holds what is answered from the second question on."""

    def __init__(self) -> None:
        super().__init__()
        self.later: dict[str, list[str]] = {}
        self.asked: dict[str, int] = {}

    def answer(self, host: str) -> list[str]:
        self.asked[host] = self.asked.get(host, 0) + 1
        return self.later[host] if self.asked[host] > 1 and host in self.later else self[host]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """What the world's name servers say."""
    found, real = Names(), socket.getaddrinfo

    def resolve(host: str, port: int, *args: object, **kwargs: object) -> object:
        if not host.endswith("example.org"):
            return real(host, port, *args, **kwargs)
        if host not in found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found.answer(host)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return found


class Handler(BaseHTTPRequestHandler):
    answer: Callable[["Handler"], object]

    def say(self, body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def lead(self, where: str) -> None:
        self.say(b"", {"Location": where}, status=302)

    def _reply(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        type(self).answer(self)

    do_GET = do_POST = do_PUT = _reply

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@contextmanager
def answering(address: str, answer: Callable[[Handler], object], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A web server on `address` that gives `answer` to everything; its port."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_args: object) -> None:
            """The other side has hung up, as it should."""

    handler = type("Answering", (Handler,), {"answer": staticmethod(answer)})
    with Quiet((address, 0), handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_port
        server.shutdown()
