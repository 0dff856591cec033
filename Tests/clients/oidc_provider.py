"""A small OpenID Connect provider on this machine, honest until a test sets one of its knobs."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


class Key:
    """A key that signs by RS256 or ES256."""

    def __init__(self, kid, algorithm="RS256"):
        self.kid, self.algorithm = kid, algorithm
        self.private = rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())

    def sign(self, data):
        if self.algorithm == "RS256":
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    @property
    def pem(self):
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def jwk(self):
        told = {"kid": self.kid, "alg": self.algorithm, "use": "sig"}
        numbers = self.private.public_key().public_numbers()
        if self.algorithm == "RS256":
            return told | {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        return told | {"kty": "EC", "crv": "P-256", "x": number(numbers.x, 32), "y": number(numbers.y, 32)}


class Provider:
    """Signs in whoever `person` is, at once and without asking."""

    def __init__(self, client="balanceops", algorithm="RS256"):
        self.client = client
        self.keys = [Key("first", algorithm)]
        self.person = {"sub": "1001", "preferred_username": "kim", "name": "Kim Min", "groups": ["ml"]}
        self.codes = {}
        self.asked = []
        self.lock = threading.Lock()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider.answer(self, b"")

            def do_POST(self):
                provider.answer(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def log_message(self, *_):
                pass

        class Listener(ThreadingHTTPServer):
            def handle_error(self, *_):
                """A client that went away is no error of the test."""

        self.http = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.be_honest()

    def be_honest(self):
        """Turns every knob back."""
        self.issuer = self.url
        # What discovery says besides, or otherwise.
        self.document = {}
        # Claims that a token has instead; None takes one away.
        self.claims = {}
        # What the head of a token says instead; None takes it away.
        self.head = {}
        # Bytes to be signed → signature, instead of the signature of the last key.
        self.signature = None
        # The token itself is changed last, and fields of the answer with it.
        self.mangle = lambda token: token
        self.token_answer = {}
        # What the token endpoint answers instead: a status, or "nothing".
        self.token_status = 200
        self.token_delay = 0
        self.keys_delay = 0
        # What the address of the callback has besides.
        self.callback = {}

    def stop(self):
        self.http.shutdown()
        self.http.server_close()

    def rotate(self):
        """From now on another key signs; both are in the set."""
        self.keys.append(Key(f"number-{len(self.keys)}", self.keys[-1].algorithm))

    def count(self, path):
        with self.lock:
            return sum(found == path for found, _ in self.asked)

    # ------------------------------------------------------------------------------------------ answers

    def answer(self, request, body):
        parts = urlsplit(request.path)
        fields = {name: values[-1] for name, values in parse_qs(body.decode() if body else parts.query).items()}
        with self.lock:
            self.asked.append((parts.path, fields))
        known = {
            "/.well-known/openid-configuration": self.discovery, "/authorize": self.authorize, "/token": self.token,
            "/keys": self.key_set, "/elsewhere": self.token_for,
        }
        status, found = known.get(parts.path, lambda _: (404, {"error": "not_found"}))(fields)
        if status == "nothing":
            request.close_connection = True
            return
        data = json.dumps(found).encode() if isinstance(found, dict) else b""
        request.send_response(status)
        if isinstance(found, str):
            request.send_header("Location", found)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def discovery(self, _):
        return 200, {
            "issuer": self.issuer, "authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys", "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"], "code_challenge_methods_supported": ["S256"],
        } | self.document

    def key_set(self, _):
        time.sleep(self.keys_delay)
        return 200, {"keys": [key.jwk for key in self.keys]}

    def authorize(self, fields):
        needed = {"response_type": "code", "client_id": self.client, "code_challenge_method": "S256"}
        wrong = [name for name, value in needed.items() if fields.get(name) != value]
        if wrong or "openid" not in fields.get("scope", "").split() or not fields.get("code_challenge"):
            return 400, {"error": "invalid_request", "wrong": wrong}
        code = secrets.token_urlsafe(24)
        with self.lock:
            self.codes[code] = fields
        query = {"code": code, "state": fields.get("state", "")} | self.callback
        return 302, fields["redirect_uri"] + "?" + urlencode({name: value for name, value in query.items() if value is not None})

    def token(self, fields):
        time.sleep(self.token_delay)
        if self.token_status == 200:
            return self.token_for(fields)
        return self.token_status, f"{self.url}/elsewhere" if self.token_status in (302, 307) else {"error": "server_error"}

    def token_for(self, fields):
        with self.lock:
            asked = self.codes.pop(fields.get("code"), None)
        challenge = base64url(hashlib.sha256(fields.get("code_verifier", "").encode()).digest())
        right = (
            asked and fields.get("grant_type") == "authorization_code" and challenge == asked["code_challenge"]
            and fields.get("redirect_uri") == asked["redirect_uri"] and fields.get("client_id") == self.client
        )
        if not right:
            return 400, {"error": "invalid_grant"}
        token = self.mangle(self.identity(asked.get("nonce")))
        return 200, {"access_token": "of-no-use", "token_type": "Bearer", "expires_in": 300, "id_token": token} | self.token_answer

    def identity(self, nonce):
        now = int(time.time())
        claims = {"iss": self.url, "aud": self.client, "exp": now + 300, "iat": now, "nonce": nonce} | self.person | self.claims
        key = self.keys[-1]
        head = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT"} | self.head
        texts = [json.dumps({name: value for name, value in part.items() if value is not None}).encode() for part in (head, claims)]
        return self.signed(*texts)

    def signed(self, head, claims):
        """A token of any two texts."""
        text = f"{base64url(head)}.{base64url(claims)}"
        return text + "." + base64url((self.signature or self.keys[-1].sign)(text.encode()))

    def sign_with_the_public_key(self, data):
        """HS256, with what everybody knows as the secret."""
        return hmac.digest(self.keys[-1].pem, data, "sha256")
