"""The only HTTP client. It reaches public addresses alone, so that no tenant can look into the operator's network.

A name is resolved once, every address it has is judged, and the connection goes to an address that was judged: a
second, different answer of the name server changes nothing. One deadline covers everything from the connection to the
last byte. The proxy variables of the environment are not followed: a proxy would resolve names again.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import IO, Any
from urllib.parse import urljoin

import httpcore
import httpx

from app.config import settings
from app.errors import ChannelError, Problem
from app.i18n import _

PORTS = frozenset({80, 443})
SECONDS = 10.0
ANSWER_LIMIT_BYTES = 64 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Files = Mapping[str, tuple[str, IO[bytes] | bytes, str]]


class Refused(ChannelError):
    """We may not call that address; trying again will not help."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, permanent=True)


class Unreachable(ChannelError):
    """Nothing was sent: no such name, nobody answers there, no secure connection. Later it may work."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, permanent=False)


class CutOff(Problem):
    """The request went out, at least in part, and no whole answer came: perhaps it did its work there."""

    status = 502


@dataclass(frozen=True)
class Answer:
    """What came back. `headers` have lower-case names; `is_cut` when the body was longer than we read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool
    url: str


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    json: Any = None,
    data: Mapping[str, str] | None = None,
    files: Files | None = None,
    seconds: float = SECONDS,
    limit_bytes: int = ANSWER_LIMIT_BYTES,
    ports: frozenset[int] = PORTS,
    redirects: int = 0,
) -> Answer:
    """The answer to one request, whatever its status. Refused, Unreachable or CutOff when there is none.

    redirects: how many to follow (GET only); each address on the way is judged like the first.
    """
    deadline = time.monotonic() + seconds
    for _hop in range(redirects + 1):
        request = _request(method, url, headers, content=content, json=json, data=data, files=files)
        answer = _exchange(request, ports, deadline, limit_bytes)
        target = answer.headers.get("location")
        if not redirects or method != "GET" or answer.status not in REDIRECTS or target is None:
            return answer
        url = urljoin(url, target)
    raise Refused(_("This address leads from one to another without end."))


def addresses(host: str, port: int, ports: frozenset[int] = PORTS) -> list[str]:
    """The addresses of `host`, in the order to try them. Refused if one of them, or the port, is not for us to call.

    For whoever speaks something else than HTTP (IMAP, SMTP): connect to one of these, not to the name.
    """
    found = _resolve(host, port)
    if all(_is_allowed(address) for address in found):
        return [str(address) for address in found]
    if port not in ports:
        raise Refused(_("Port %(port)s is not one we call.", port=port))
    if all(_is_allowed(address) or is_public(address) for address in found):
        return [str(address) for address in found]
    raise Refused(
        _("%(host)s leads to a private network. EGRESS_ALLOW_CIDRS names the ones that may be called.", host=host)
    )


def is_public(address: Address) -> bool:
    """Whether the address is somebody's on the open Internet, and not one of ours in disguise."""
    if isinstance(address, ipaddress.IPv6Address):
        held = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if address.ipv4_mapped or address in _NAT64:
            return is_public(held)
    return address.is_global and not any(address in network for network in _NOT_FOR_US[address.version])


def _is_allowed(address: Address) -> bool:
    return any(address in network for network in settings().egress_allow_cidrs if network.version == address.version)


def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(_("There is no such host as %(host)s.", host=host)) from None
    # a zone, as in fe80::1%eth0, says through which card: link-local, and refused as such
    texts = [str(sockaddr[0]).partition("%")[0] for _f, _t, _p, _c, sockaddr in found]
    return [ipaddress.ip_address(text) for text in dict.fromkeys(texts)]


def _request(method: str, url: str, headers: Mapping[str, str] | None, **body: Any) -> httpx.Request:
    try:
        request = httpx.Request(method, url, headers={"User-Agent": "Kulpunai", **(headers or {})}, **body)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise Refused(_("This is not a web address.")) from None
    if request.url.scheme not in {"http", "https"} or not request.url.host:
        raise Refused(_("A web address starts with https:// or http://."))
    # A compressed answer could grow without bound while we unpack it
    request.headers["Accept-Encoding"] = "identity"
    request.headers["Connection"] = "close"
    return request


def _exchange(request: httpx.Request, ports: frozenset[int], deadline: float, limit_bytes: int) -> Answer:
    """One request over one connection: kept ones might be dead, and then nobody knows whether a request arrived."""
    url = request.url
    line = _Guarded(ports, deadline)
    origin = httpcore.Origin(url.raw_scheme, url.raw_host, url.port or (443 if url.scheme == "https" else 80))
    try:
        with httpcore.HTTPConnection(origin, ssl_context=_tls(), network_backend=line) as connection:
            response = connection.handle_request(_to_core(request, origin))
            body, is_cut = _read(response.iter_stream(), limit_bytes)
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, ssl.SSLError, OSError) as problem:
        # `from None`: the exception holds the request, its address with it, and that may hold a secret
        if isinstance(problem, httpcore.LocalProtocolError):
            raise Refused(_("The request cannot be written as HTTP.")) from None
        if not line.has_sent:
            raise Unreachable(_("%(host)s does not answer.", host=url.host)) from None
        raise CutOff(_("%(host)s did not finish its answer.", host=url.host)) from None
    names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    return Answer(response.status, names, body, is_cut, str(url))


def _to_core(request: httpx.Request, origin: httpcore.Origin) -> httpcore.Request:
    url = httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=request.url.raw_path)
    return httpcore.Request(request.method, url, headers=request.headers.raw, content=request.stream)


def _read(chunks: Iterable[bytes], limit_bytes: int) -> tuple[bytes, bool]:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > limit_bytes:
            return bytes(body[:limit_bytes]), True
    return bytes(body), False


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


class _Guarded(httpcore.NetworkBackend):
    """Connections to judged addresses, with one deadline for all they do. `has_sent` once a byte of ours went out."""

    def __init__(self, ports: frozenset[int], deadline: float) -> None:
        self._ports = ports
        self._deadline = deadline
        self._plain = httpcore.SyncBackend()
        self.has_sent = False

    def connect_tcp(self, host: str, port: int, *_args: Any, **_kwargs: Any) -> httpcore.NetworkStream:
        problem: Exception = httpcore.ConnectError()
        for address in addresses(host, port, self._ports):
            try:
                return _Line(self._plain.connect_tcp(address, port, timeout=self.left()), self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failure:
                problem = failure
        raise problem

    def left(self) -> float:
        """Seconds until the deadline."""
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise httpcore.ReadTimeout
        return seconds


class _Line(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, guard: _Guarded) -> None:
        self._stream = stream
        self._guard = guard

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._guard.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = self._guard.left()
        self._guard.has_sent = True
        self._stream.write(buffer, left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Line(self._stream.start_tls(ssl_context, server_hostname, self._guard.left()), self._guard)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


# https://www.rfc-editor.org/rfc/rfc6052: an IPv4 address in the last 32 bits
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# What `is_global` of one or another Python lets through: multicast, relays and tunnels (an IPv4 address may hide in
# 6to4 and Teredo), documentation, reserved space; and Azure's metadata, which lives behind a public address.
_NOT_FOR_US: dict[int, tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]] = {
    4: tuple(
        ipaddress.IPv4Network(network)
        for network in (
            "0.0.0.0/8", "100.64.0.0/10", "168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15",
            "224.0.0.0/3",
        )
    ),
    6: tuple(
        ipaddress.IPv6Network(network)
        for network in ("::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "4000::/2", "8000::/1")
    ),
}  # fmt: skip
