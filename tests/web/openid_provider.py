"""A small OpenID provider on the loopback, with its own keys; it logs in whoever it is told to, and lies if asked."""

import base64
import hashlib
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

CLIENT, SECRET = "appraise", "a secret: of two/words"
Claims = dict[str, Any]


def new_key() -> Any:
    return ec.generate_private_key(ec.SECP256R1())


def public(key: Any, name: str) -> dict[str, Any]:
    """Return a key as others may have it."""
    algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig", "alg": "ES256"}


@dataclass
class Provider:
    """What it knows, and what it is told to do otherwise than a provider should."""

    address: str
    person: Claims = field(default_factory=lambda: {"sub": "s-1", "email": "p1008@example.org", "email_verified": True})
    name: str = "one"
    keys: dict[str, Any] = field(default_factory=lambda: {"one": new_key()})
    said: Claims = field(default_factory=dict)
    """What its description says otherwise."""
    lie: Callable[[Claims], Claims] = field(default=lambda claims: claims)
    """What becomes of the claims of a token."""
    signed: Callable[["Provider", Claims], str] | None = None
    """Signs a token otherwise."""
    back: Callable[[dict[str, str]], dict[str, str]] = field(default=lambda values: values)
    """What becomes of the values with which a browser is sent back."""
    asked: list[dict[str, str]] = field(default_factory=list)
    exchanged: list[dict[str, str]] = field(default_factory=list)
    key_reads: int = 0
    mute: threading.Event | None = None
    """While it is there and not set, nothing is answered."""
    broken: int | None = None
    """A status with which everything is answered."""
    replays: bool = False
    """Whether a code works twice."""
    auth_age: int = 0
    """How many seconds ago the person has shown who he is."""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def described(self) -> Claims:
        base = self.address
        return {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/keys",
            "authorization_response_iss_parameter_supported": True,
            **self.said,
        }

    def sent_back(self, asked: dict[str, str]) -> str:
        """Log the person in and return where his browser goes."""
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        values = self.back({"code": code, "state": asked["state"], "iss": self.address})
        return f"{asked['redirect_uri']}?{urlencode(values)}"

    def token(self, given: dict[str, str], authorization: str) -> tuple[int, Claims]:
        """Return status and answer for a code."""
        self.exchanged.append(given)
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        if [unquote_plus(part) for part in pair] != [CLIENT, SECRET]:
            return 401, {"error": "invalid_client"}
        asked = self._codes.get(given["code"]) if self.replays else self._codes.pop(given["code"], None)
        if asked is None or given["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(given["code_verifier"].encode()).digest()).decode()
        if challenge.rstrip("=") != asked["code_challenge"] or asked["code_challenge_method"] != "S256":
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        if "max_age" in asked:
            claims["auth_time"] = now - self.auth_age
        claims = self.lie(claims | self.person)
        signed = self.signed or Provider.sign
        return 200, {"id_token": signed(self, claims), "access_token": "x", "token_type": "Bearer"}

    def sign(self, claims: Claims) -> str:
        return jwt.encode(claims, self.keys[self.name], "ES256", headers={"kid": self.name})


@contextmanager
def provider(certificate: tuple[Path, Path] | None = None) -> Iterator[Provider]:
    """Run one for a while; over https with a certificate and its key."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            if path == "/authorize":
                self.send_response(302)
                asked = {name: values[0] for name, values in parse_qs(query).items()}
                self.send_header("location", running.sent_back(asked))
                self.send_header("content-length", "0")
                self.end_headers()
            elif path == "/keys":
                running.key_reads += 1
                self.answer(200, {"keys": [public(key, name) for name, key in running.keys.items()]})
            elif path == "/.well-known/openid-configuration":
                self.answer(200, running.described())
            else:
                self.answer(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            given = {name: values[0] for name, values in parse_qs(body).items()}
            self.answer(*running.token(given, self.headers.get("authorization", "")))

        def answer(self, status: int, said: Claims) -> None:
            if running.mute is not None:
                running.mute.wait(30)
            content = json.dumps(said).encode()
            self.send_response(running.broken or status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    running = Provider(f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def values_of(address: str) -> dict[str, str]:
    """Return the values of an address, each once."""
    return {name: found[0] for name, found in parse_qs(urlsplit(address).query).items()}
