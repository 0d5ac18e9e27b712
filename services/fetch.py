"""Files from other servers: only from public addresses, only so large, only so long.

An address that somebody types in could make this computer ask its own neighbours, which trust it
(server-side request forgery). So the name is looked up here, every address it has must be public,
the connection goes to exactly that address, and each redirect is judged again.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit, urlunsplit

from exchange import ExchangeError

MAX_REDIRECTS = 5
PORTS = (80, 443)  # of public servers; others only where private ones are allowed, too
PIECE_BYTES = 1 << 16
AGENT = "HTR-Desk (IIIF import)"


@dataclass(frozen=True)
class FetchLimits:
    """How long a connection may take to answer, and one file as a whole."""

    answer_s: float = 20.0
    whole_s: float = 300.0


def fetch(
    address: str, limit_bytes: int, allow_private: bool = False, limits: FetchLimits | None = None
) -> bytes:
    """Return the bytes at an address of http or https.

    allow_private: whether it may lie on this computer or its network.

    Raises: ExchangeError with one sentence: no such server, not public, too large, too slow, or
    what it answered.
    """
    limits = limits or FetchLimits()
    until_s = time.monotonic() + limits.whole_s
    for _ in range(MAX_REDIRECTS + 1):
        answer = _asked(address, limit_bytes, allow_private, limits, until_s)
        if isinstance(answer, bytes):
            return answer
        address = urljoin(address, answer)
    raise ExchangeError(f"{_shown(address)} sends from one address to the next without end.")


def _asked(
    address: str, limit_bytes: int, allow_private: bool, limits: FetchLimits, until_s: float
) -> bytes | str:
    """Return what is at an address, or where it sends on to."""
    try:
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = parts.hostname or ""
        host.encode("idna")
    except (ValueError, UnicodeError) as error:
        raise ExchangeError(f"{_shown(address)} is no address.") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ExchangeError(
            f"{_shown(address)} is no address that can be fetched; it must begin with https:// or "
            "http://."
        )
    if parts.username or parts.password:
        raise ExchangeError("An address with a name and password in it is not fetched.")
    if port not in PORTS and not allow_private:
        raise ExchangeError(f"{_shown(address)} asks for port {port}; only 80 and 443 are.")
    connection = _Pinned(
        host, port, _checked_ip(host, port, allow_private), parts.scheme == "https", limits.answer_s
    )
    target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    try:
        connection.request(
            "GET", _quoted(target), headers={"User-Agent": AGENT, "Accept-Encoding": "identity"}
        )
        response = connection.getresponse()
        if response.status in (301, 302, 303, 307, 308) and response.headers.get("Location"):
            return str(response.headers["Location"])
        if response.status != 200:
            raise ExchangeError(f"{_shown(address)} answered {response.status} {response.reason}.")
        return _read(response, address, limit_bytes, until_s)
    except (OSError, http.client.HTTPException) as error:
        raise ExchangeError(
            f"{_shown(address)} cannot be reached: {str(error) or type(error).__name__}. Check the "
            "address, and that this computer has a connection."
        ) from error
    finally:
        connection.close()


def _read(
    response: http.client.HTTPResponse, address: str, limit_bytes: int, until_s: float
) -> bytes:
    data = bytearray()
    while piece := response.read1(PIECE_BYTES):
        data += piece
        if len(data) > limit_bytes:
            raise ExchangeError(
                f"{_shown(address)} is larger than {limit_bytes / 1e6:,.0f} MB, the limit."
            )
        if time.monotonic() > until_s:
            raise ExchangeError(f"{_shown(address)} took too long to arrive. Try again later.")
    if response.length:  # what it promised and did not send
        raise ExchangeError(f"{_shown(address)} broke off half-way. Try again.")
    return bytes(data)


def _checked_ip(host: str, port: int, allow_private: bool) -> str:
    """Return the address to connect to; one that is not public must be allowed.

    Raises: ExchangeError.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ExchangeError(
            f"There is no server {host[:100]!r}, or this computer has no connection."
        ) from error
    ips = [str(entry[4][0]) for entry in found]
    if not allow_private:
        for ip in ips:
            if not is_public(ip):
                raise ExchangeError(
                    f"{host[:100]} lies at {ip}, which is not public. Only public servers are "
                    "asked, unless HTR_FETCH_PRIVATE is set to yes."
                )
    return ips[0]


def is_public(ip: str) -> bool:
    """Return whether an IP address is one of the public internet."""
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address.teredo is not None:
            inner = address.teredo[1]
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast


class _Pinned(http.client.HTTPConnection):
    """A connection to the IP address that was checked, whatever the name means by now."""

    def __init__(self, host: str, port: int, ip: str, secure: bool, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._ip = ip
        self._secure = secure
        self.default_port = 443 if secure else 80

    def connect(self) -> None:
        """Connect, by TLS to the name that was asked for if need be."""
        plain = socket.create_connection((self._ip, self.port), self.timeout)
        if self._secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(plain, server_hostname=self.host)
        else:
            self.sock = plain


def _quoted(target: str) -> str:
    """Return a path and query without characters that a request may not hold."""
    from urllib.parse import quote

    return quote(target, safe="/?&=%:@!$'()*+,;~-._")


def _shown(address: str) -> str:
    """Return an address as messages show it: short, on one line."""
    return "".join(c for c in address[:200] if c.isprintable())
