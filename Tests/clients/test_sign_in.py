"""How people and programs prove who they are: over TLS, through proxies, on the pages, and at an OpenID Connect provider."""

import concurrent.futures
import contextlib
import datetime
import http.client
import ipaddress
import json
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import time
from html.parser import HTMLParser
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

import pytest
import requests
from conftest import BINARY, ROOT, Workspace, free_port
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from oidc_provider import Key, Provider

PASSWORD = "a long walk by the river"
FEATURES = {"features": [0.5] * 8}
EVIL = {"Origin": "https://evil.example"}


# --------------------------------------------------------------------------------------------- servers


HASHES = []


def add(workspace, name, role, password=None, *options):
    """Makes an account with the command line; the one password of all is hashed once, which takes long on purpose."""
    proof = ["--password-stdin"] if password and not HASHES else [] if "--service" in options else ["--no-password"]
    done = subprocess.run([BINARY, "users", "add", name, "--role", role, *proof, *options], env=workspace.environment, cwd=ROOT,
                          input=f"{PASSWORD}\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    if password:
        assert password == PASSWORD
        with contextlib.closing(sqlite3.connect(workspace.database, timeout=20)) as database, database:
            if HASHES:
                database.execute("UPDATE account SET password = ? WHERE name = ?", (HASHES[0], name))
            else:
                HASHES.append(database.execute("SELECT password FROM account WHERE name = ?", (name,)).fetchone()[0])


def token_of(workspace, name, *options):
    return json.loads(workspace.run("tokens", "create", "--user", name, "--json", *options).stdout)["token"]


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def copy_of(workspace, folder):
    """The same files once more: one database is served once."""
    shutil.copytree(workspace.folder, folder)
    return Workspace(folder)


class Site:
    """A server, what it prints, and the files that it works on.

    `admin` is the name of somebody who may list the accounts.
    """

    def __init__(self, workspace, *arguments, ca=None, environment=(), admin=None):
        self.workspace, self.ca = workspace, ca
        self.admin = admin and bearer(token_of(workspace, admin))
        self.port = free_port()
        self.url = f"{'https' if ca else 'http'}://127.0.0.1:{self.port}"
        workspace.environment |= {name: value.format(url=self.url) for name, value in dict(environment).items()}
        defaults = [] if "--grpc-port" in arguments else ["--grpc-port", "off"]
        defaults += [] if "--log-level" in arguments else ["--log-level", "critical"]
        self.process = workspace.start("serve", "--port", self.port, *defaults, *arguments)
        self.lines = []
        threading.Thread(target=self.read, daemon=True).start()
        self.wait(lambda: any("API on" in line for line in self.lines))

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def printed(self):
        return "".join(self.lines)

    def wait(self, ready, seconds=10):
        end = time.time() + seconds
        while not ready():
            assert self.process.poll() is None and time.time() < end, self.printed
            time.sleep(0.02)

    def ask(self, method, path, headers=(), body=None):
        """The status and the JSON of one request, whose headers may stand twice."""
        kind = http.client.HTTPSConnection if self.ca else http.client.HTTPConnection
        options = {"context": ssl.create_default_context(cafile=self.ca)} if self.ca else {}
        client = kind("127.0.0.1", self.port, timeout=20, **options)
        try:
            data = json.dumps(body).encode() if body is not None else b""
            client.putrequest(method, path)
            for name, value in list(headers.items() if isinstance(headers, dict) else headers):
                client.putheader(name, value)
            if body is not None:
                client.putheader("Content-Type", "application/json")
            client.putheader("Content-Length", str(len(data)))
            client.endheaders(data)
            answer = client.getresponse()
            found = answer.read()
            return answer.status, json.loads(found) if found else None
        finally:
            client.close()

    def users(self):
        if self.admin:
            found = self.ask("GET", "/users", self.admin)[1]["items"]
        else:
            found = json.loads(self.workspace.run("users", "list", "--json").stdout)
        return {user["name"]: user for user in found}

    def token(self, name):
        """A token that another process made, which this server takes over within a second."""
        made = bearer(token_of(self.workspace, name))
        self.wait(lambda: self.ask("GET", "/me", made)[0] == 200, 2)
        return made

    def is_well(self):
        return self.process.poll() is None and self.ask("GET", "/health")[0] == 200

    def stop(self):
        self.process.kill()
        self.process.wait(timeout=20)


@pytest.fixture
def start():
    """Starts servers for one test."""
    with contextlib.ExitStack() as stack:
        def begin(*arguments, **options):
            site = Site(*arguments, **options)
            stack.callback(site.stop)
            return site
        yield begin


def refused(workspace, *arguments):
    """What `serve` says before it ends with status 64."""
    done = workspace.run("serve", "--port", "0", "--grpc-port", "off", *arguments, check=False, timeout=30)
    assert done.returncode == 64, (done.returncode, done.stdout, done.stderr)
    return done.stderr


# -------------------------------------------------------------------------------------------- browsers


class Form:
    """What a browser sends where nobody changes a field, and the names of all fields."""

    def __init__(self, given):
        self.action, self.method = given.get("action", ""), given.get("method", "get").lower()
        self.values, self.names, self.types = {}, set(), {}

    def add(self, tag, given):
        name, kind = given.get("name"), given.get("type", "text" if tag == "input" else tag)
        if not name:
            return
        self.names.add(name)
        self.types[name] = kind
        if tag == "input" and (kind not in ("checkbox", "radio", "submit") or "checked" in given):
            self.values[name] = given.get("value") or ""
        elif tag == "textarea":
            self.values[name] = ""


class Forms(HTMLParser):
    """The forms of a page."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open, self.choice = [], None, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.open = Form(given)
            self.found.append(self.open)
        elif self.open and tag in ("input", "select", "textarea", "button"):
            self.open.add(tag, given)
            self.choice = given.get("name") if tag == "select" and "multiple" not in given else None
        elif self.open and tag == "option" and self.choice and (self.choice not in self.open.values or "selected" in given):
            self.open.values[self.choice] = given.get("value", "")

    def handle_endtag(self, tag):
        self.open = None if tag == "form" else self.open
        self.choice = None if tag == "select" else self.choice


class Browser(requests.Session):
    """Somebody's browser: it keeps cookies, says where its forms come from, and follows a redirect when asked to."""

    def __init__(self, site, agent="browser/1"):
        super().__init__()
        self.site, self.verify, self.trust_env = site, site.ca or True, False
        self.headers["User-Agent"] = agent

    def request(self, method, path, **options):
        options = {"allow_redirects": False, "timeout": 30} | options
        if method == "POST":
            options["headers"] = {"Origin": self.site.url} | options.get("headers", {})
        return super().request(method, urljoin(self.site.url, path), **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def form(self, page, action):
        answer = self.get(page)
        assert answer.status_code == 200, (page, answer.status_code, answer.headers, answer.text[:3000])
        forms = [form for form in Forms(answer.text).found if unquote(form.action) == action and form.method == "post"]
        assert forms, f"{page} has no form {action}: {[form.action for form in Forms(answer.text).found]}"
        return forms[0]

    def submit(self, page, action, *, headers=None, **fields):
        """Sends a form of a page."""
        form = self.form(page, action)
        assert not set(fields) - form.names, f"the form {action} has the fields {form.names}"
        return self.post(form.action, data=form.values | fields, headers=headers or {})

    def sign_in(self, name, password=PASSWORD, **fields):
        return self.submit("/ui/sign-in", "/ui/sign-in", name=name, password=password, **fields)

    @property
    def cookie_name(self):
        return "__Host-balanceops-session" if self.site.ca else f"balanceops-session-{self.site.port}"

    @property
    def session(self):
        return self.cookies.get(self.cookie_name)

    @property
    def csrf(self):
        """Of a page that everybody who is signed in may see."""
        return self.form("/ui/account", "/ui/sign-out").values["csrf"]

    def is_signed_in(self):
        answer = self.get("/ui/account")
        assert answer.status_code in (200, 303), answer.status_code
        return answer.status_code == 200

    def with_cookie(self, value):
        """Another browser that shows a session."""
        other = Browser(self.site)
        other.cookies.set(self.cookie_name, value, domain="127.0.0.1", path="/")
        return other


def set_cookies(answer):
    """The cookies that an answer sets, with their attributes in lower case."""
    found = {}
    for line in answer.raw.headers.getlist("Set-Cookie"):
        first, *rest = [part.strip() for part in line.split(";")]
        name, value = first.split("=", 1)
        found[name] = {"value": value} | {part.split("=")[0].lower(): part.partition("=")[2].lower() for part in rest}
    return found


def assert_page(answer, *statuses):
    assert answer.status_code in statuses, (answer.status_code, answer.headers, answer.text[:3000])
    assert answer.headers["Content-Type"].startswith("text/html"), answer.headers
    return answer.text


def assert_no_session(answer, browser):
    kept = set_cookies(answer).get(browser.cookie_name)
    assert kept is None or not kept["value"], kept
    assert not browser.is_signed_in()


def leads_to_sign_in(answer):
    return answer.status_code == 303 and answer.headers["Location"].startswith("/ui/sign-in")


# --------------------------------------------------------------------------------- an identity provider

ROLES = "ml=writer,boss=admin"


def provided_by(provider, **more):
    return {"BALANCEOPS_OIDC_ISSUER": provider.url, "BALANCEOPS_OIDC_CLIENT_ID": "balanceops", "BALANCEOPS_OIDC_ROLES": ROLES} | more


class Address:
    """Where no provider is."""

    def __init__(self, url):
        self.url = url


@pytest.fixture(scope="module")
def unanswered(tmp_path_factory):
    """What two servers answer whose provider is away, or silent; asked before others are tested, for it takes ten seconds."""
    def ask(site):
        begun = time.time()
        return Browser(site).get("/ui/sign-in/provider"), time.time() - begun, site.is_well()
    with socket.create_server(("127.0.0.1", 0)) as silent, concurrent.futures.ThreadPoolExecutor() as pool:
        places = [f"http://127.0.0.1:{port}" for port in (free_port(), silent.getsockname()[1])]
        sites = [Site(Workspace(tmp_path_factory.mktemp("unanswered")), "--auth", "on", environment=provided_by(Address(place)))
                 for place in places]
        yield [pool.submit(ask, site) for site in sites]
        for site in sites:
            site.stop()


@pytest.fixture(scope="module")
def known_provider():
    provider = Provider()
    yield provider
    provider.stop()


@pytest.fixture
def provider(known_provider):
    """Honest, whatever the test before did, with a person whom nobody has seen."""
    known_provider.be_honest()
    number = known_provider.count("/authorize")
    known_provider.person = {"sub": f"id-{number}", "preferred_username": f"kim{number}", "name": "Kim Min", "groups": ["ml"]}
    yield known_provider
    known_provider.be_honest()


@pytest.fixture(scope="module")
def sso(known_provider, unanswered, tmp_path_factory):
    """A server that knows the provider and its keys."""
    workspace = Workspace(tmp_path_factory.mktemp("sso"))
    add(workspace, "boss.park", "admin")
    add(workspace, "lee", "viewer")
    site = Site(workspace, "--auth", "on", admin="boss.park",
                environment=provided_by(known_provider, BALANCEOPS_PUBLIC_URL="{url}"))
    visit(Browser(site))
    yield site
    site.stop()


def visit(browser):
    """Signs in at the provider, redirect by redirect as a browser does it."""
    return browser.get("/ui/sign-in/provider", allow_redirects=True)


def callback(browser):
    """The address that the provider sends a browser back to, which has not gone there yet."""
    begun = browser.get("/ui/sign-in/provider")
    assert begun.status_code == 303, (begun.status_code, begun.text[:2000])
    answer = requests.get(begun.headers["Location"], allow_redirects=False, timeout=20)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def assert_refused(answer, browser):
    assert_page(answer, 401, 403, 503)
    assert_no_session(answer, browser)


def test_a_person_signs_in_at_the_provider(sso, provider):
    browser = Browser(sso)
    begun = browser.get("/ui/sign-in/provider")
    assert begun.status_code == 303
    place = urlsplit(begun.headers["Location"])
    asked = {name: values[0] for name, values in parse_qs(place.query).items()}
    assert f"{place.scheme}://{place.netloc}{place.path}" == f"{provider.url}/authorize"
    assert asked["response_type"] == "code" and asked["client_id"] == "balanceops" and "openid" in asked["scope"].split()
    assert asked["redirect_uri"] == f"{sso.url}/ui/sign-in/callback"
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 16 and len(asked["nonce"]) >= 16 and asked["state"] != asked["nonce"]
    for name, cookie in set_cookies(begun).items():
        assert "httponly" in cookie and cookie["samesite"] == "lax", (name, cookie)
    back = requests.get(begun.headers["Location"], allow_redirects=False, timeout=20).headers["Location"]
    done = browser.get(back)
    assert done.status_code == 303 and done.headers["Location"] == "/ui"
    kept = set_cookies(done)[browser.cookie_name]
    assert "httponly" in kept and kept["samesite"] == "lax" and kept["path"] == "/" and "domain" not in kept
    assert provider.person["preferred_username"] in browser.get("/ui").text
    account = sso.users()[provider.person["preferred_username"]]
    assert account["issuer"] == provider.url and account["display_name"] == "Kim Min" and not account["has_password"]
    assert [grant["role"] for grant in account["grants"]] == ["writer"]


def test_two_sign_ins_share_no_secret(sso, provider):
    places = [Browser(sso).get("/ui/sign-in/provider").headers["Location"] for _ in range(5)]
    for name in ["state", "nonce", "code_challenge"]:
        assert len({parse_qs(urlsplit(place).query)[name][0] for place in places}) == 5


def test_the_sign_in_page_offers_the_provider(sso, provider):
    assert re.search(r'href="/ui/sign-in/provider["?]', Browser(sso).get("/ui/sign-in").text)


@pytest.mark.parametrize("following, place", [
    ("/ui/models", "/ui/models"), ("https://evil.example", "/ui"), ("//evil.example", "/ui"), ("/\\evil.example", "/ui"), ("/uix", "/ui"),
    ("/ui\r\nSet-Cookie: a=b", "/ui"), ("/ui; Domain=evil.example", "/ui"), ("/ui?" + "metric=m&" * 400, "/ui?" + "metric=m&" * 400),
], ids=lambda text: text[:15])
def test_a_sign_in_at_the_provider_leads_to_no_other_place(sso, provider, following, place):
    browser = Browser(sso)
    begun = browser.get("/ui/sign-in/provider", params={"next": following})
    assert "a" not in set_cookies(begun) and all("domain" not in cookie for cookie in set_cookies(begun).values())
    done = browser.get(requests.get(begun.headers["Location"], allow_redirects=False, timeout=20).headers["Location"])
    assert done.status_code == 303 and done.headers["Location"] in (place, "/ui") and browser.is_signed_in()


def test_groups_become_roles_at_each_sign_in(sso, provider):
    name = provider.person["preferred_username"]

    def roles():
        return sorted(grant["role"] for grant in sso.users()[name]["grants"])
    first = Browser(sso)
    assert visit(first).status_code == 200 and roles() == ["writer"]
    assert_page(first.get("/ui/users"), 403)
    provider.person["groups"] = ["boss", "others"]
    assert visit(Browser(sso)).status_code == 200 and roles() == ["admin"]
    assert_page(first.get("/ui/users"), 200)
    provider.person["groups"] = ["ml", "boss"]
    assert visit(Browser(sso)).status_code == 200 and roles() == ["admin", "writer"]
    provider.person["groups"] = ["ml"]
    assert visit(Browser(sso)).status_code == 200 and roles() == ["writer"]
    assert_page(first.get("/ui/users"), 403)
    provider.person["groups"] = []
    last = Browser(sso)
    assert_page(visit(last), 403)
    assert not last.session and roles() == []


@pytest.mark.parametrize("groups", [None, [], "others", ["ML"], ["ml=writer"], ["ml,boss"], [7, None], {"ml": True}, [["ml"]]], ids=str)
def test_somebody_in_none_of_the_groups_may_nothing(sso, provider, groups):
    provider.person["groups"] = groups
    browser = Browser(sso)
    answer = visit(browser)
    assert_page(answer, 403)
    assert_no_session(answer, browser)
    assert sso.is_well()


def test_a_role_that_an_admin_gave_outlives_the_groups(sso, provider):
    visit(Browser(sso))
    name = provider.person["preferred_username"]
    sso.workspace.run("users", "grant", name, "viewer", "--model", "credit")
    provider.person["groups"] = []
    browser = Browser(sso)
    assert visit(browser).status_code == 200 and browser.is_signed_in()
    assert [(grant["role"], grant["scope"]) for grant in sso.users()[name]["grants"]] == [("viewer", "model:credit")]


def test_an_account_that_is_disabled_does_not_sign_in(sso, provider):
    browser = Browser(sso)
    visit(browser)
    sso.workspace.run("users", "disable", provider.person["preferred_username"])
    time.sleep(0.5)
    assert not browser.is_signed_in()
    answer = visit(browser)
    assert_page(answer, 403)
    assert_no_session(answer, browser)


@pytest.mark.parametrize("name", ["lee", "LEE", "boss.park"])
def test_a_name_of_a_local_account_is_not_taken_over(sso, provider, name):
    before = sso.users()
    provider.person["preferred_username"] = name
    browser = Browser(sso)
    assert visit(browser).status_code == 200
    after = sso.users()
    made = [user for user in after if user not in before]
    assert len(made) == 1 and made[0].startswith(f"{name.lower()}-"), made
    assert after[made[0]]["issuer"] == provider.url and [grant["role"] for grant in after[made[0]]["grants"]] == ["writer"]
    assert after[name.lower()] == before[name.lower()] and before[name.lower()]["issuer"] is None
    assert made[0] in browser.get("/ui/account").text
    assert visit(Browser(sso)).status_code == 200 and set(sso.users()) == set(after), "the next time it is the same account"


def test_a_person_is_told_by_the_subject_and_not_by_the_name(sso, provider):
    visit(Browser(sso))
    name = provider.person["preferred_username"]
    before = set(sso.users())
    provider.person["preferred_username"] = "boss.park"
    browser = Browser(sso)
    assert visit(browser).status_code == 200
    assert set(sso.users()) == before and name in browser.get("/ui/account").text
    provider.person |= {"preferred_username": name, "sub": "somebody else"}
    assert visit(Browser(sso)).status_code == 200
    assert len(set(sso.users()) - before) == 1


@pytest.mark.parametrize("name", ["", "<script>alert(1)</script>", "../admin", "server", "n" * 500, "김민", "a\nb", "-", 7], ids=repr)
def test_any_name_of_a_provider_becomes_one_of_ours(sso, provider, name):
    before = set(sso.users())
    provider.person |= {"preferred_username": name, "name": "<img src=x onerror=alert(1)>\n\0"}
    browser = Browser(sso)
    assert visit(browser).status_code == 200
    made = set(sso.users()) - before
    assert len(made) == 1 and re.fullmatch(r"[a-z0-9][a-z0-9._@-]{0,63}", made.pop())
    assert "<img src=x" not in browser.get("/ui/account").text and "<script>alert" not in browser.get("/ui").text


def stranger(provider):
    """A token that somebody else signed, under the id of the provider's key."""
    provider.signature = Key("stranger").sign


def stranger_with_key(provider):
    key = Key("stranger")
    provider.head, provider.signature = {"kid": None, "jwk": key.jwk}, key.sign


def stranger_with_address(provider):
    key = Key("stranger")
    provider.head, provider.signature = {"kid": "stranger", "jku": f"{provider.url}/stranger"}, key.sign


def claims(**changed):
    return lambda provider: provider.claims.update(changed)


def head(**changed):
    return lambda provider: provider.head.update(changed)


def knob(**changed):
    return lambda provider: provider.__dict__.update(changed)


def mangled(change):
    return knob(mangle=change)


def in_seconds(name, seconds):
    return lambda provider: provider.claims.update({name: int(time.time()) + seconds})


def deep(provider):
    body = b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    provider.mangle = lambda token: provider.signed(json.dumps({"alg": "RS256", "kid": provider.keys[-1].kid}).encode(), body)


def deep_head(provider):
    provider.mangle = lambda token: provider.signed(b'{"alg":' + b"[" * 20_000 + b"]" * 20_000 + b"}", b"{}")


TRICKS = {
    "another audience": claims(aud="somebody-else"), "no audience": claims(aud=None), "an empty audience": claims(aud=[]),
    "audience by its beginning": claims(aud="balanceops-other"), "audience of numbers": claims(aud=[1, 2]),
    "several audiences without azp": claims(aud=["balanceops", "other"]),
    "several audiences with another azp": claims(aud=["balanceops", "other"], azp="other"),
    "another issuer": claims(iss="http://127.0.0.1:1"), "no issuer": claims(iss=None),
    "an issuer with a slash": lambda provider: provider.claims.update(iss=provider.url + "/"),
    "expired": in_seconds("exp", -3600), "no expiry": claims(exp=None), "an expiry in words": claims(exp="tomorrow"),
    "issued tomorrow": in_seconds("iat", 86400), "not valid yet": in_seconds("nbf", 86400),
    "another nonce": claims(nonce="another-nonce-of-somebody"), "no nonce": claims(nonce=None), "a nonce in a list": claims(nonce=["x"]),
    "an empty nonce": claims(nonce=""),
    "no subject": claims(sub=None), "an empty subject": claims(sub=""), "a subject of 5000 letters": claims(sub="s" * 5000),
    "a subject that is a number": claims(sub=1001),
    "alg none": lambda provider: provider.__dict__.update(head={"alg": "none"}, signature=lambda data: b""),
    "alg nOnE": lambda provider: provider.__dict__.update(head={"alg": "nOnE"}, signature=lambda data: b""),
    "alg none with a signature": head(alg="none"), "no alg": head(alg=None), "alg of a number": head(alg=7),
    "HS256 with the public key": lambda provider: provider.__dict__.update(
        head={"alg": "HS256"}, signature=provider.sign_with_the_public_key),
    "RS512 over a signature of RS256": head(alg="RS512"), "ES256 with a key of RSA": head(alg="ES256"),
    "signed by a stranger": stranger, "signed by a key that it brings along": stranger_with_key,
    "signed by a key that it names an address of": stranger_with_address,
    "an unknown kid": head(kid="unknown"), "a kid of another type": head(kid={"a": 1}),
    "no signature": mangled(lambda token: token.rsplit(".", 1)[0] + "."), "two parts": mangled(lambda token: token.rsplit(".", 1)[0]),
    "five parts": mangled(lambda token: token + ".a.b"), "a signature cut short": mangled(lambda token: token[:-20]),
    "other claims below the signature": mangled(lambda token: ".".join([token.split(".")[0], "eyJzdWIiOiJib3NzIn0", token.split(".")[2]])),
    "no token": mangled(lambda token: ""), "dots": mangled(lambda token: ".."), "no letters of base64": mangled(lambda token: "%$.%$.%$"),
    "one MB of claims": claims(filler="x" * 1_000_000), "100 kB of claims": claims(filler="x" * 100_000),
    "deep claims": deep, "a deep head": deep_head,
    "a token that is no text": knob(token_answer={"id_token": 5}), "no token in the answer": knob(token_answer={"id_token": None}),
    "500": knob(token_status=500), "404": knob(token_status=404), "a redirect": knob(token_status=302),
    "another redirect": knob(token_status=307), "hangs up": knob(token_status="nothing"),
    "hangs up after a second": knob(token_status="nothing", token_delay=1),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_nothing_but_a_right_token_signs_anybody_in(sso, provider, trick):
    before = set(sso.users())
    TRICKS[trick](provider)
    browser, begun = Browser(sso), time.time()
    answer = visit(browser)
    assert time.time() - begun < 12
    assert_refused(answer, browser)
    assert set(sso.users()) == before and sso.is_well()
    assert not provider.count("/elsewhere") and not provider.count("/stranger"), "it asks at no address that an answer names"
    provider.be_honest()
    assert visit(browser).status_code == 200 and browser.is_signed_in(), "an honest sign-in works after it"


def test_several_audiences_are_right_where_the_token_was_made_for_us(sso, provider):
    provider.claims = {"aud": ["other", "balanceops"], "azp": "balanceops"}
    assert visit(Browser(sso)).status_code == 200


def test_a_slow_provider_keeps_nobody_else_waiting(sso, provider):
    provider.token_delay = 1
    browser = Browser(sso)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        slow = pool.submit(visit, browser)
        time.sleep(0.3)
        begun = time.time()
        assert sso.is_well() and Browser(sso).get("/ui/sign-in").status_code == 200
        assert time.time() - begun < 0.6 and not slow.done()
        assert slow.result().status_code == 200
    assert browser.is_signed_in()


@pytest.mark.parametrize("change", [
    lambda url: re.sub(r"state=[^&]*", "state=AAAAAAAAAAAAAAAAAAAAAA", url), lambda url: re.sub(r"&?state=[^&]*", "", url),
    lambda url: re.sub(r"state=[^&]*", "state=", url), lambda url: re.sub(r"code=[^&]*&?", "", url),
    lambda url: re.sub(r"code=[^&]*", "code=unknown", url), lambda url: url.split("?")[0],
], ids=["another state", "no state", "an empty state", "no code", "another code", "nothing"])
def test_a_callback_that_nobody_asked_for_signs_nobody_in(sso, provider, change):
    browser = Browser(sso)
    assert_refused(browser.get(change(callback(browser))), browser)


def test_a_callback_counts_in_the_browser_that_asked_for_it(sso, provider):
    """Otherwise somebody could sign others in as themselves."""
    mine = callback(Browser(sso))
    nobody, busy = Browser(sso), Browser(sso)
    assert_refused(nobody.get(mine), nobody)
    callback(busy)
    assert_refused(busy.get(mine), busy)


@pytest.mark.parametrize("value", ["", "a.b.c", "..", "x" * 4000, ".".join(["A" * 22] * 3), '"', "%00"], ids=lambda value: value[:10])
def test_a_cookie_of_ones_own_making_signs_nobody_in(sso, provider, value):
    asking = Browser(sso)
    back = callback(asking)
    browser = Browser(sso)
    for cookie in asking.cookies:
        browser.cookies.set(cookie.name, value, domain="127.0.0.1", path=cookie.path)
    assert_refused(browser.get(back), browser)
    assert sso.is_well()


def test_a_callback_works_once(sso, provider):
    browser = Browser(sso)
    back = callback(browser)
    copy = Browser(sso)
    for cookie in browser.cookies:
        copy.cookies.set_cookie(cookie)
    assert browser.get(back).status_code == 303
    session = browser.session
    again = browser.get(back)
    assert_page(again, 401, 403)
    assert not any(cookie["value"] for name, cookie in set_cookies(again).items() if name == browser.cookie_name)
    assert browser.with_cookie(session).is_signed_in(), "the sign-in that there is stays"
    assert_refused(copy.get(back), copy)


def test_a_provider_that_says_no_is_believed(sso, provider):
    provider.callback = {"code": None, "error": "access_denied", "error_description": "<img src=x onerror=alert(1)>"}
    browser = Browser(sso)
    answer = visit(browser)
    assert_refused(answer, browser)
    assert "<img src=x" not in answer.text


def test_a_session_that_was_chosen_before_is_not_the_one_at_the_provider(sso, provider):
    chosen = "A" * 43
    browser = Browser(sso).with_cookie(chosen)
    visit(browser)
    assert browser.is_signed_in() and browser.session != chosen
    assert not browser.with_cookie(chosen).is_signed_in()


def fresh(start, tmp_path, provider, **environment):
    return start(Workspace(tmp_path), "--auth", "on", environment=provided_by(provider, **environment))


@pytest.fixture
def another():
    """Providers that one test has for itself."""
    made = []

    def make(*arguments):
        made.append(Provider(*arguments))
        return made[-1]
    yield make
    for provider in made:
        provider.stop()


def test_a_provider_signs_with_curves_and_the_server_has_no_public_url(start, tmp_path, another):
    provider = another("balanceops", "ES256")
    site = fresh(start, tmp_path, provider)
    browser = Browser(site)
    place = browser.get("/ui/sign-in/provider").headers["Location"]
    assert parse_qs(urlsplit(place).query)["redirect_uri"] == [f"{site.url}/ui/sign-in/callback"]
    assert visit(browser).status_code == 200 and "kim" in site.users()
    provider.signature = lambda data: b"\0" * 64
    assert_refused(visit(Browser(site)), Browser(site))
    provider.signature = lambda data: b"\x30\x06\x02\x01\x00\x02\x01\x00"
    assert_refused(visit(Browser(site)), Browser(site))


def test_several_people_are_the_first_at_once(start, tmp_path, another):
    """None of them knows the provider's keys yet."""
    provider = another()
    site = fresh(start, tmp_path, provider)
    backs = [(browser, callback(browser)) for browser in [Browser(site) for _ in range(4)]]
    provider.keys_delay = 0.5
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda pair: pair[0].get(pair[1]), backs))
    assert [answer.status_code for answer in answers] == [303] * 4, [answer.text[:1500] for answer in answers]


DESCRIPTIONS = {
    "another issuer": {"issuer": "http://127.0.0.1:1"}, "no issuer": {"issuer": None}, "no endpoint": {"token_endpoint": None},
    "an endpoint elsewhere without TLS": {"authorization_endpoint": "http://example.com/authorize"},
    "keys in a file": {"jwks_uri": "file:///etc/passwd"}, "a script": {"authorization_endpoint": "javascript:alert(1)"},
}


@pytest.mark.parametrize("description", DESCRIPTIONS)
def test_a_provider_that_describes_itself_wrongly_is_not_used(start, tmp_path, another, description):
    provider = another()
    provider.document = DESCRIPTIONS[description]
    site = fresh(start, tmp_path, provider)
    browser = Browser(site)
    assert_refused(browser.get("/ui/sign-in/provider"), browser)
    assert site.is_well()


def test_a_provider_that_is_mended_is_used_again(start, tmp_path, another):
    provider = another()
    provider.issuer = "http://127.0.0.1:1"
    site = fresh(start, tmp_path, provider)
    browser = Browser(site)
    assert_refused(browser.get("/ui/sign-in/provider"), browser)
    provider.be_honest()
    assert visit(browser).status_code == 200, "what was refused is not remembered"


def test_a_provider_that_is_away_or_silent_is_not_waited_for_long(unanswered):
    for asked in unanswered:
        answer, seconds, is_well = asked.result()
        assert_page(answer, 503)
        assert seconds < 12 and is_well


@pytest.mark.parametrize("setting, value", [
    ("ISSUER", "http://example.com"), ("ISSUER", "ftp://127.0.0.1"), ("ISSUER", "nonsense"), ("CLIENT_ID", ""),
    ("ROLES", "ml"), ("ROLES", "ml=king"), ("ROLES", "ml=writer@planet:x"), ("SECRET_FILE", "/nowhere"),
])
def test_a_wrong_setting_of_the_provider_is_said_at_once(workspace, setting, value):
    workspace.environment |= provided_by(Address("http://127.0.0.1:1")) | {f"BALANCEOPS_OIDC_{setting}": value}
    assert "[ERR]" in refused(workspace, "--auth", "on")


# -------------------------------------------------------------------------------------------------- TLS


class Authority:
    """Signs certificates of this machine."""

    def __init__(self, folder):
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority of the tests")])
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        self.certificate = self.sign(self.name, self.key, [
            (x509.BasicConstraints(True, None), True), (usage, True),
            (x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False)])
        self.path = folder / "ca.pem"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def sign(self, subject, key, extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
                   .not_valid_after(now + datetime.timedelta(days=90)))
        for extension, is_critical in extensions:
            builder = builder.add_extension(extension, is_critical)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, folder):
        """Writes cert.pem and key.pem, and returns the serial number."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        places = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        made = self.sign(subject, key, [
            (x509.BasicConstraints(False, None), True), (x509.SubjectAlternativeName(places), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)])
        (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        (folder / "key.pem").write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return made.serial_number


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def tls(folder):
    return ["--tls-cert", folder / "cert.pem", "--tls-key", folder / "key.pem"]


def handshake(port, authority, context=None, **options):
    """A connection over TLS."""
    context = context or ssl.create_default_context(cafile=authority.path)
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    try:
        return context.wrap_socket(plain, server_hostname="localhost", **options)
    except BaseException:
        plain.close()
        raise


def serial(port, authority, protocols=None):
    """The number of the certificate that a port shows."""
    context = ssl.create_default_context(cafile=authority.path)
    if protocols:
        context.set_alpn_protocols(protocols)
    with handshake(port, authority, context) as client:
        assert not protocols or client.selected_alpn_protocol() == protocols[0]
        return int(client.getpeercert()["serialNumber"], 16)


@pytest.fixture(scope="module")
def secured(tmp_path_factory, authority):
    """A model, somebody with a password and a token, and a certificate."""
    workspace = Workspace(tmp_path_factory.mktemp("secured"))
    workspace.run("train-dummy")
    add(workspace, "kim", "writer", PASSWORD)
    workspace.token = token_of(workspace, "kim")
    workspace.serial = authority.issue(workspace.folder)
    return workspace


@pytest.fixture(scope="module")
def secure(tmp_path_factory, secured, authority):
    """A server over TLS, with gRPC."""
    workspace, grpc = copy_of(secured, tmp_path_factory.mktemp("tls") / "site"), free_port()
    site = Site(workspace, *tls(workspace.folder), "--grpc-port", grpc, ca=str(authority.path))
    site.token, site.grpc = secured.token, grpc
    yield site
    site.stop()


def test_https_is_answered_and_nothing_else(secure, authority):
    assert requests.get(f"{secure.url}/health", verify=secure.ca, timeout=10).status_code == 200
    with pytest.raises(requests.RequestException):
        requests.get(f"http://127.0.0.1:{secure.port}/health", timeout=10)
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{secure.url}/health", timeout=10)
    for text in [b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 500, b"\0" * 4000]:
        with socket.create_connection(("127.0.0.1", secure.port), timeout=5) as client:
            client.sendall(text)
            with contextlib.suppress(ConnectionError, TimeoutError):
                assert b"HTTP/" not in client.recv(1000)
    assert secure.is_well() and secure.printed.count("API on https://") == 1


def test_old_versions_of_tls_are_refused(secure, authority):
    def context(version):
        made = ssl.create_default_context(cafile=authority.path)
        made.set_ciphers("ALL:@SECLEVEL=0")
        made.minimum_version, made.maximum_version = version, version
        return made
    for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
        with handshake(secure.port, authority, context(version)) as client:
            assert client.version() == version.name.replace("_", ".")
    with pytest.warns(DeprecationWarning), pytest.raises(OSError):
        handshake(secure.port, authority, context(ssl.TLSVersion.TLSv1_1)).close()


@pytest.mark.parametrize("lane", ["on", "off"])
def test_one_connection_over_tls_serves_many_requests(secure, secured, start, tmp_path, lane):
    site = secure
    if lane == "off":
        workspace = copy_of(secured, tmp_path / "site")
        site = start(workspace, *tls(workspace.folder), "--fast-lane", "off", ca=secure.ca)
    client = http.client.HTTPSConnection("127.0.0.1", site.port, context=ssl.create_default_context(cafile=site.ca), timeout=10)
    answers, sockets = [], set()
    for _ in range(30):
        for method, path, body in [("POST", "/predict", json.dumps(FEATURES)), ("GET", "/health", None)]:
            client.request(method, path, body, {"Content-Type": "application/json"} | bearer(secure.token))
            answer = client.getresponse()
            answers.append((answer.status, len(answer.read()) > 0))
            sockets.add(client.sock.getsockname())
    client.request("POST", "/predict", json.dumps(FEATURES), {"Content-Type": "application/json"})
    assert client.getresponse().status == 401
    client.close()
    assert set(answers) == {(200, True)} and len(sockets) == 1


def test_many_requests_in_one_record_and_one_in_many(secure, authority):
    request = (f"POST /predict HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secure.token}\r\n"
               f"Content-Type: application/json\r\nContent-Length: {len(json.dumps(FEATURES))}\r\n\r\n{json.dumps(FEATURES)}").encode()
    with handshake(secure.port, authority) as client:
        client.sendall(request * 10)
        for piece in range(0, len(request), 7):
            client.sendall(request[piece:piece + 7])
        found = b""
        while found.count(b"HTTP/1.1 200 OK") < 11:
            piece = client.recv(65536)
            assert piece, found
            found += piece
    assert found.count(b"HTTP/1.1") == 11


def test_a_large_file_goes_both_ways_over_tls(secure):
    client = Browser(secure)
    client.headers.update(bearer(secure.token))
    run = client.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
    place = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/large.bin"
    data = bytes(range(256)) * 40_000
    assert client.put(place, data=data).status_code == 200
    assert client.get(place).content == data


def test_grpc_is_asked_over_tls_with_a_token(secure, authority):
    grpc = pytest.importorskip("tritonclient.grpc")
    import numpy
    from tritonclient.utils import InferenceServerException
    place = f"localhost:{secure.grpc}"
    client = grpc.InferenceServerClient(place, ssl=True, root_certificates=str(authority.path))
    headers = {"authorization": f"Bearer {secure.token}"}
    assert client.is_server_live(headers=headers)
    inputs = client.get_model_metadata("balance_model", headers=headers).inputs
    given = grpc.InferInput(inputs[0].name, [2, 8], inputs[0].datatype)
    given.set_data_from_numpy(numpy.full((2, 8), 0.5, {"FP64": numpy.float64, "FP32": numpy.float32}[inputs[0].datatype]))
    for _ in range(5):
        answer = client.infer("balance_model", [given], headers=headers).get_response()
        assert answer.outputs and answer.outputs[0].shape[0] == 2
    for wrong in [{}, {"authorization": "Bearer bops_AAAAAAAAAAAA_" + "A" * 44}, {"authorization": f"Bearer {secure.token[:-1]}"}]:
        with pytest.raises(InferenceServerException) as refusal:
            client.infer("balance_model", [given], headers=wrong)
        assert "UNAUTHENTICATED" in refusal.value.status()
    client.close()
    for options in [{"ssl": False}, {"ssl": True}]:
        stranger = grpc.InferenceServerClient(place, **options)
        with pytest.raises(InferenceServerException):
            stranger.is_server_live(headers=headers, client_timeout=3)
        stranger.close()


def test_a_new_certificate_is_taken_over_at_a_signal(start, secured, tmp_path, authority):
    folder, grpc, first, token = tmp_path / "site", free_port(), secured.serial, bearer(secured.token)
    site = start(copy_of(secured, folder), *tls(folder), "--grpc-port", grpc, "--log-level", "error", ca=str(authority.path))
    client = http.client.HTTPSConnection("127.0.0.1", site.port, context=ssl.create_default_context(cafile=site.ca), timeout=10)

    def goes_on():
        client.request("POST", "/predict", json.dumps(FEATURES), {"Content-Type": "application/json"} | token)
        answer = client.getresponse()
        answer.read()
        return answer.status == 200 and int(client.sock.getpeercert()["serialNumber"], 16) == first
    assert goes_on() and serial(site.port, authority) == first and serial(grpc, authority, ["h2"]) == first
    second = authority.issue(folder)
    assert serial(site.port, authority) == first, "the files alone change nothing"
    site.process.send_signal(signal.SIGHUP)
    site.wait(lambda: serial(site.port, authority) == second)
    site.wait(lambda: serial(grpc, authority, ["h2"]) == second)
    assert goes_on()
    good = (folder / "cert.pem").read_bytes(), (folder / "key.pem").read_bytes()
    other = authority.issue(folder)
    broken = [
        (b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n", good[1]), (b"", good[1]), (good[0], b"nonsense"),
        (good[0], (folder / "key.pem").read_bytes()), (good[0][:200], good[1]), None,
    ]
    for number, pair in enumerate(broken, 1):
        for name, data in zip(["cert.pem", "key.pem"], pair or [None, None]):
            (folder / name).write_bytes(data) if data is not None else (folder / name).unlink()
        site.process.send_signal(signal.SIGHUP)
        site.wait(lambda: site.printed.count("the certificate stays as it was") == number)
        assert serial(site.port, authority) == second and serial(grpc, authority, ["h2"]) == second and goes_on()
    assert other != authority.issue(folder) != second
    site.process.send_signal(signal.SIGHUP)
    site.wait(lambda: serial(site.port, authority) not in (second, other))
    assert goes_on() and site.is_well()
    client.close()


def test_a_client_that_ends_no_handshake_is_not_waited_for(start, secured, tmp_path, authority):
    workspace = copy_of(secured, tmp_path / "site")
    site = start(workspace, *tls(workspace.folder), "--head-timeout", 1, "--idle-timeout", 2, ca=str(authority.path))
    hello = b"\x16\x03\x01\x00\xa0\x01\x00\x00\x9c\x03\x03" + b"x" * 20
    clients = [socket.create_connection(("127.0.0.1", site.port), timeout=7) for _ in range(4)]
    clients[1].sendall(hello)
    clients[2].sendall(hello[:1])
    begun = time.time()
    assert site.is_well() and time.time() - begun < 1
    for client in clients:
        with contextlib.suppress(ConnectionError):
            while client.recv(1000):
                pass
        client.close()
    assert time.time() - begun < 7


def test_a_certificate_that_does_not_fit_is_refused(workspace, authority, tmp_path):
    authority.issue(tmp_path)
    good = tmp_path / "cert.pem", tmp_path / "key.pem"
    other = tmp_path / "other"
    other.mkdir()
    authority.issue(other)
    (tmp_path / "empty.pem").write_text("")
    for certificate, key in [
        (good[0], other / "key.pem"), (good[1], good[0]), (tmp_path / "empty.pem", good[1]), (good[0], tmp_path / "empty.pem"),
        (tmp_path / "none.pem", good[1]), (good[0], tmp_path / "none.pem"), (tmp_path, good[1]),
    ]:
        message = refused(workspace, "--tls-cert", certificate, "--tls-key", key)
        assert "certificate" in message and str(certificate) in message and str(key) in message, message
    assert "both a certificate and a key" in refused(workspace, "--tls-cert", good[0])
    assert "both a certificate and a key" in refused(workspace, "--tls-key", good[1])


def test_an_address_that_others_reach_wants_tls_for_accounts(workspace, start, authority, tmp_path):
    authority.issue(tmp_path)
    everywhere = ["--host", "0.0.0.0"]
    assert "--insecure-http" in refused(workspace, *everywhere, "--auth", "on")
    add(workspace, "kim", "admin")
    for arguments in [[], ["--auth", "on"], ["--open"]]:
        message = refused(workspace, *everywhere, *arguments)
        assert "TLS" in message and "--insecure-http" in message and "--trusted-proxies" in message, message
    for arguments in [["--insecure-http"], ["--trusted-proxies", "10.0.0.0/8"], [*tls(tmp_path)]]:
        site = start(workspace, *everywhere, *arguments, ca=str(authority.path) if "--tls-cert" in arguments else None)
        assert site.ask("GET", "/runs")[0] == 401 and site.is_well()
        site.stop()


def test_an_address_that_others_reach_is_not_open_by_accident(workspace, start, authority, tmp_path):
    authority.issue(tmp_path)
    everywhere = ["--host", "0.0.0.0"]
    for arguments in [[], ["--auth", "off"], [*tls(tmp_path)], ["--insecure-http"], ["--trusted-proxies", "10.0.0.0/8"]]:
        message = refused(workspace, *everywhere, *arguments)
        assert "without accounts" in message and "--open" in message, message
    site = start(workspace, *everywhere, "--open")
    assert site.ask("GET", "/runs")[0] == 200
    site.stop()
    site = start(workspace, *everywhere, "--auth", "on", *tls(tmp_path), ca=str(authority.path))
    assert site.ask("GET", "/runs")[0] == 401 and f"{site.url.split('//')[0]}//" in site.printed


# --------------------------------------------------------------------------------------------- proxies

USER = "X-Remote-User"


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    """What a server behind a proxy works on: a model, an admin, somebody else, a program, and a token."""
    workspace = Workspace(tmp_path_factory.mktemp("behind"))
    workspace.run("train-dummy")
    add(workspace, "admin", "admin")
    add(workspace, "kim", "viewer", PASSWORD)
    add(workspace, "former", "viewer")
    add(workspace, "shop", "serving", None, "--service", "--owner", "admin")
    workspace.run("users", "disable", "former")
    workspace.token = token_of(workspace, "kim")
    return workspace


@pytest.fixture(scope="module")
def proxied(behind, tmp_path_factory):
    site = Site(copy_of(behind, tmp_path_factory.mktemp("proxied") / "site"), "--trusted-proxies", "10.0.0.0/8, 127.0.0.1",
                "--proxy-user-header", USER)
    yield site
    site.stop()


def test_a_trusted_proxy_says_who_somebody_is(proxied):
    status, me = proxied.ask("GET", "/me", {USER: "kim"})
    assert status == 200 and me["name"] == "kim" and me["via"] == "proxy" and "administer" not in me["permissions"]
    assert proxied.ask("GET", "/me", {USER.lower(): "admin"})[1]["name"] == "admin"
    assert proxied.ask("GET", "/users", {USER: "kim"})[0] == 403
    assert proxied.ask("GET", "/users", {USER: "admin"})[0] == 200
    assert proxied.ask("POST", "/predict", {USER: "kim"}, FEATURES)[0] == 200


@pytest.mark.parametrize("name", ["nobody", "former", "shop", "kim ", "KIM", "kim\tadmin", "*", "", "server"], ids=repr)
@pytest.mark.parametrize("path", ["/me", "/predict"])
def test_a_proxy_that_names_no_person_is_not_believed(proxied, name, path):
    """Whitespace around a value is no part of it (RFC 9110, 5.5); within it is part of a name that nobody has."""
    status, answer = proxied.ask("POST" if path == "/predict" else "GET", path, {USER: name}, FEATURES if path == "/predict" else None)
    if name == "kim ":
        assert status == 200
    else:
        assert status in (400, 401) if "\t" in name else status == 401, (status, answer)


@pytest.mark.parametrize("path", ["/me", "/predict", "/runs"])
@pytest.mark.parametrize("headers", [
    [(USER, "kim"), (USER, "admin")], [(USER, "kim"), (USER, "kim")], [(USER, "kim"), (USER.lower(), "admin")],
    [(USER, "admin,eve")], [(USER, "kim, admin")], [(USER, "k" * 300)], [(USER, ""), (USER, "kim")],
], ids=["two", "the same twice", "in other letters", "comma", "comma and space", "long", "empty and another"])
def test_a_name_that_is_not_one_is_refused(proxied, path, headers):
    method, body = ("POST", FEATURES) if path == "/predict" else ("GET", None)
    assert proxied.ask(method, path, headers, body)[0] == 400


def test_nobody_is_named_without_the_header(proxied, behind):
    assert proxied.ask("GET", "/me")[0] == 401 and proxied.ask("POST", "/predict", body=FEATURES)[0] == 401
    for other in ["X-Remote-Users", "X_Remote_User", "Remote-User", "X-Forwarded-User"]:
        assert proxied.ask("GET", "/me", {other: "admin"})[0] == 401
    status, me = proxied.ask("GET", "/me", bearer(behind.token))
    assert status == 200 and me["via"] == "token"


@pytest.mark.parametrize("lane", ["on", "off"])
def test_the_header_is_refused_from_anybody_else(behind, start, tmp_path, lane):
    site = start(copy_of(behind, tmp_path / "site"), "--trusted-proxies", "10.9.9.9", "--proxy-user-header", USER, "--fast-lane", lane)
    for headers in [{USER: "admin"}, {USER: "admin", "X-Forwarded-For": "10.9.9.9"}, {USER: "admin", "Forwarded": "for=10.9.9.9"}]:
        assert site.ask("GET", "/me", headers)[0] == 400
        assert site.ask("GET", "/runs", headers)[0] == 400
        assert site.ask("POST", "/predict", headers, FEATURES)[0] == 400
        assert site.ask("POST", "/api/2.0/mlflow/runs/create", headers, {"experiment_id": "0"})[0] == 400
    assert site.ask("GET", "/me", bearer(behind.token) | {USER: "admin"})[0] == 400
    assert site.ask("GET", "/me", bearer(behind.token))[0] == 200


def test_the_header_means_nothing_where_none_is_set(behind, start, tmp_path):
    site = start(copy_of(behind, tmp_path / "site"), "--trusted-proxies", "127.0.0.1")
    assert site.ask("GET", "/me", {USER: "admin"})[0] == 401
    assert site.ask("GET", "/me", bearer(behind.token) | {USER: "admin"})[1]["name"] == "kim"


def test_settings_of_proxies_that_make_no_sense_are_refused(behind):
    assert "BALANCEOPS_TRUSTED_PROXIES" in refused(behind, "--proxy-user-header", USER)
    for wrong in ["proxy.example", "10.0.0.0/40", "300.1.1.1", "10.0.0.1;10.0.0.2"]:
        assert "trusted proxy" in refused(behind, "--trusted-proxies", wrong)
    assert "header name" in refused(behind, "--trusted-proxies", "10.0.0.1", "--proxy-user-header", "X Remote User")


def test_pages_know_whom_a_proxy_names(proxied):
    browser = Browser(proxied)
    browser.headers[USER] = "kim"
    assert "kim" in assert_page(browser.get("/ui"), 200)
    assert_page(browser.get("/ui/users"), 403)
    form = browser.form("/ui/account", "/ui/account/tokens")
    assert browser.post(form.action, data=form.values | {"note": "n", "days": "1"}, headers=EVIL).status_code == 403
    assert_page(browser.post(form.action, data=form.values | {"note": "n", "days": "1", "csrf": ""}), 403)
    made = browser.post(form.action, data=form.values | {"note": "n", "days": "1"})
    assert "bops_" in assert_page(made, 200)


def test_a_sign_in_through_a_proxy_with_tls_is_kept_as_over_tls(behind, start, tmp_path):
    site = start(copy_of(behind, tmp_path / "site"), "--trusted-proxies", "127.0.0.1")
    browser = Browser(site)
    browser.headers["X-Forwarded-Proto"] = "https"
    page = browser.get("/ui/sign-in")
    form = next(form for form in Forms(page.text).found if form.action == "/ui/sign-in")
    kept = "; ".join(f"{name}={cookie['value']}" for name, cookie in set_cookies(page).items())
    answer = browser.post("/ui/sign-in", data=form.values | {"name": "kim", "password": PASSWORD},
                          headers={"Cookie": kept, "Origin": f"https://127.0.0.1:{site.port}"})
    assert answer.status_code == 303, answer.text[:2000]
    cookie = set_cookies(answer)["__Host-balanceops-session"]
    assert "secure" in cookie and "httponly" in cookie and cookie["path"] == "/" and "domain" not in cookie


# ----------------------------------------------------------------------------------------------- pages


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A model, an admin, an operator and a viewer with passwords, and somebody who is not let in any more."""
    workspace = Workspace(tmp_path_factory.mktemp("pages"))
    workspace.run("train-dummy")
    for name, role in [("boss.park", "admin"), ("jin.oh", "operator"), ("eve.choi", "viewer")]:
        add(workspace, name, role, PASSWORD)
    site = Site(workspace, admin="boss.park")
    yield site
    site.stop()


@pytest.fixture(scope="module")
def signed(site):
    """Browsers that are signed in and stay so."""
    known = {}

    def browser(name):
        if name not in known:
            known[name] = Browser(site)
            answer = known[name].sign_in(name)
            assert answer.status_code == 303, answer.text[:2000]
        return known[name]
    return browser


@pytest.fixture
def person(site, request):
    """Somebody who has just come, with a password."""
    name = f"p{abs(hash(request.node.name)) % 10**8}.new"
    add(site.workspace, name, "viewer", PASSWORD)
    return name


PAGES = ["/ui", "/ui/models", "/ui/models/balance_model", "/ui/models/balance_model/versions/1", "/ui/audit", "/ui/experiments", "/ui/account"]


@pytest.mark.parametrize("path, following", [
    ("/ui", "%2Fui"), ("/ui/models", "%2Fui%2Fmodels"), ("/ui/models/balance_model", "%2Fui%2Fmodels%2Fbalance_model"),
    ("/ui/account", "%2Fui%2Faccount"), ("/ui/users", "%2Fui%2Fusers"), ("/ui/models/a%26b", "%2Fui%2Fmodels%2Fa%2526b"),
])
def test_a_page_leads_to_the_sign_in_and_back(site, path, following):
    answer = Browser(site).get(path)
    assert answer.status_code == 303 and answer.headers["Location"] == f"/ui/sign-in?next={following}"


def test_the_sign_in_has_one_form_and_asks_nobody_else(site):
    browser = Browser(site)
    page = browser.get("/ui/sign-in?next=%2Fui%2Fmodels")
    text = assert_page(page, 200)
    form = browser.form("/ui/sign-in?next=%2Fui%2Fmodels", "/ui/sign-in")
    assert form.names >= {"name", "password", "next", "csrf"}
    assert (form.types["password"], form.types["next"], form.types["csrf"]) == ("password", "hidden", "hidden")
    assert form.values["next"] == "/ui/models" and len(form.values["csrf"]) >= 20 and not form.values["password"]
    cookies = set_cookies(page)
    assert cookies and all("httponly" in cookie for cookie in cookies.values()) and browser.cookie_name not in cookies
    links = [link for link in re.findall(r'(?:href|src)="(/ui/assets/[^"]+)"', text)]
    assert links and all(browser.get(link).status_code == 200 for link in links), "its files are open"
    assert "/ui/sign-in/provider" not in text


def test_a_good_sign_in_sets_a_cookie_that_scripts_and_other_sites_do_not_get(site):
    browser = Browser(site)
    answer = browser.sign_in("eve.choi", next="/ui/models")
    assert answer.status_code == 303 and answer.headers["Location"] == "/ui/models"
    kept = set_cookies(answer)[f"balanceops-session-{site.port}"]
    assert "httponly" in kept and kept["samesite"] == "lax" and kept["path"] == "/" and len(kept["value"]) >= 40
    assert "secure" not in kept and "domain" not in kept
    assert "eve.choi" in assert_page(browser.get("/ui/models"), 200)


def test_over_tls_the_cookie_is_sent_over_tls_alone(secure):
    browser = Browser(secure)
    answer = browser.sign_in("kim")
    assert answer.status_code == 303 and answer.headers["Location"] == "/ui"
    kept = set_cookies(answer)["__Host-balanceops-session"]
    assert "secure" in kept and "httponly" in kept and kept["samesite"] == "lax" and kept["path"] == "/" and "domain" not in kept
    assert all("secure" in cookie for cookie in set_cookies(Browser(secure).get("/ui/sign-in")).values())
    assert browser.is_signed_in()
    plain = Browser(secure)
    plain.cookies.set(f"balanceops-session-{secure.port}", kept["value"], domain="127.0.0.1", path="/")
    assert not plain.is_signed_in(), "a name that a page without TLS could set does not count"


NEXT = {
    "/ui/audit?subject=a%20b&limit=3": "/ui/audit?subject=a%20b&limit=3", "//x": "/ui", "/\\x": "/ui", "/uix": "/ui",
    "https://evil.example/ui": "/ui", "/ui\r\nSet-Cookie: a=b": "/ui",
}


def test_a_sign_in_leads_to_no_other_place(site):
    def try_one(pair):
        following, place = pair
        answer = Browser(site).sign_in("eve.choi", next=following)
        found = answer.headers.get("Location", "")
        where = urlsplit(urljoin(f"{site.url}/ui/sign-in", found.replace("\\", "/")))
        is_ours = f"{where.scheme}://{where.netloc}" == site.url and "a" not in set_cookies(answer)
        return None if answer.status_code == 303 and is_ours and place == found else (following, answer.status_code, found)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert [wrong for wrong in pool.map(try_one, NEXT.items()) if wrong] == []


def test_a_wrong_password_says_no_more_than_an_unknown_name(site):
    def page(browser, name):
        answer = browser.sign_in(name, "another password of hers", next="/ui/audit")
        text = assert_page(answer, 401)
        assert_no_session(answer, browser)
        form = next(form for form in Forms(text).found if form.action == "/ui/sign-in")
        assert form.values["name"] == name and not form.values["password"] and form.values["csrf"]
        assert "another password" not in text and "<img src=x" not in text
        return re.sub(r'value="[^"]*"', "", text), form
    browser = Browser(site)
    known, form = page(browser, "eve.choi")
    assert known == page(Browser(site), "nobody.here")[0] == page(Browser(site), '"><img src=x onerror=alert(1)>')[0]
    # Looking at other pages meanwhile, as above, leaves the form as good as it was.
    answer = browser.post("/ui/sign-in", data=form.values | {"password": PASSWORD})
    assert answer.status_code == 303 and answer.headers["Location"] == "/ui/audit"


def test_who_is_disabled_or_a_program_does_not_sign_in(site):
    add(site.workspace, "old.lim", "viewer", PASSWORD)
    add(site.workspace, "bot", "viewer", None, "--service", "--owner", "boss.park")
    site.workspace.run("users", "disable", "old.lim")
    for name in ["old.lim", "bot"]:
        browser = Browser(site)
        answer = browser.sign_in(name)
        assert_page(answer, 401, 403)
        assert_no_session(answer, browser)


def test_a_sign_in_without_its_page_is_refused(site):
    """Otherwise another site could sign a reader in as somebody else."""
    fields = {"name": "eve.choi", "password": PASSWORD, "next": "/ui"}
    own, other = Browser(site), Browser(site)
    csrf, foreign = (browser.form("/ui/sign-in", "/ui/sign-in").values["csrf"] for browser in (own, other))
    assert csrf != foreign
    for wrong in [{}, {"csrf": ""}, {"csrf": foreign}, {"csrf": csrf[:-1]}, {"csrf": csrf + "x"}]:
        answer = own.post("/ui/sign-in", data=fields | wrong)
        assert_page(answer, 403)
        assert_no_session(answer, own)
    bare = Browser(site)
    assert_page(bare.post("/ui/sign-in", data=fields | {"csrf": csrf}), 403)
    assert own.post("/ui/sign-in", data=fields | {"csrf": csrf}, headers=EVIL).status_code == 403
    assert not own.is_signed_in() and not bare.is_signed_in()
    fresh = own.form("/ui/sign-in", "/ui/sign-in").values["csrf"]
    assert own.post("/ui/sign-in", data=fields | {"csrf": fresh}).status_code == 303


def test_the_sign_in_works_in_each_of_two_tabs(site):
    """As where a browser opens all its tabs again, and each is led to the sign-in."""
    browser = Browser(site)
    tabs = [browser.form("/ui/sign-in", "/ui/sign-in").values for _ in range(2)]
    for tab in tabs:
        answer = browser.post("/ui/sign-in", data=tab | {"name": "eve.choi", "password": PASSWORD})
        assert answer.status_code == 303, "the form of the first tab holds too"


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_who_is_signed_in_and_signs_out(site, signed, path):
    browser = signed("boss.park")
    text = assert_page(browser.get(path), 200)
    assert "boss.park" in text
    assert browser.form(path, "/ui/sign-out").types["csrf"] == "hidden"
    for form in Forms(text).found:
        assert form.method != "post" or form.types.get("csrf") == "hidden" and len(form.values["csrf"]) >= 20, form.action
    assert browser.session not in text, "the session is no part of a page"


def test_a_page_of_somebody_is_kept_by_no_cache(signed):
    for path in PAGES:
        assert "no-store" in signed("eve.choi").get(path).headers["Cache-Control"], path


@pytest.mark.parametrize("action, fields", [
    ("/ui/sign-out", {"a": "b"}), ("/ui/account/tokens", {"note": "n", "days": "1"}), ("/ui/account/sign-out-everywhere", {"a": "b"}),
    ("/ui/account/password", {"password": PASSWORD, "new_password": "another walk by the river"}),
    ("/ui/users", {"name": "intruder", "role": "admin", "password": PASSWORD, "scope": "*"}),
    ("/ui/users/eve.choi/grants", {"role": "admin", "scope": "*", "title": ""}), ("/ui/users/eve.choi/state", {"do": "delete"}),
    ("/ui/users/eve.choi/grants/revoke", {"role": "viewer", "scope": "*", "title": ""}),
    ("/ui/models/balance_model/freeze", {"reason": "none", "actor": "eve", "generation": "1", "sure": "1"}),
])
def test_a_form_that_no_page_of_ones_own_sent_changes_nothing(site, signed, action, fields):
    browser = signed("boss.park")
    before = site.users()["eve.choi"], set(site.users())
    for wrong in [{}, {"csrf": ""}, {"csrf": signed("eve.choi").csrf}, {"csrf": browser.csrf[:-1]}, {"csrf": browser.session}]:
        assert_page(browser.post(action, data=fields | wrong), 403)
    for headers in [EVIL, {"Origin": "null"}, {"Origin": f"http://127.0.0.1:{free_port()}"}]:
        assert browser.post(action, data=fields | {"csrf": browser.csrf}, headers=headers).status_code == 403, headers
    assert browser.is_signed_in() and signed("eve.choi").is_signed_in()
    assert (site.users()["eve.choi"], set(site.users())) == before
    assert_page(browser.get("/ui/models/balance_model"), 200)
    assert browser.form("/ui/models/balance_model", "/ui/models/balance_model/freeze"), "it is not frozen"


def test_a_form_without_a_sign_in_changes_nothing(site, signed):
    stranger = Browser(site)
    for action in ["/ui/users", "/ui/account/tokens", "/ui/models/balance_model/freeze", "/ui/account/sign-out-everywhere"]:
        answer = stranger.post(action, data={"csrf": signed("boss.park").csrf, "name": "intruder", "role": "admin", "reason": "x"})
        assert answer.status_code in (303, 401, 403), (action, answer.status_code)
        assert answer.status_code != 303 or leads_to_sign_in(answer)
    assert "intruder" not in site.users()


def test_a_session_is_no_key_to_the_api(site, signed):
    cookie = {"Cookie": f"balanceops-session-{site.port}={signed('boss.park').session}"}
    for method, path, body in [
        ("GET", "/runs", None), ("GET", "/me", None), ("GET", "/users", None), ("GET", "/tokens", None), ("POST", "/predict", FEATURES),
        ("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"}), ("POST", "/tokens", {"note": "n"}),
        ("POST", "/v2/models/balance_model/infer", {"inputs": []}), ("GET", "/nowhere-at-all", None),
    ]:
        status, _ = site.ask(method, path, cookie, body)
        assert status == 401 or path == "/nowhere-at-all" and status == 404, (path, status)


@pytest.mark.parametrize("value", ["", "x", "x" * 5000, "A" * 43, "\"", "é", "a=b=c", "%00", "' OR 1=1 --"], ids=lambda value: value[:8])
def test_a_cookie_that_nobody_gave_is_nobody(site, value):
    client = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    client.putrequest("GET", "/ui/account")
    client.putheader("Cookie", f"a=b; balanceops-session-{site.port}={value}; c".encode())
    client.endheaders()
    answer = client.getresponse()
    assert answer.status == 303 and answer.headers["Location"].startswith("/ui/sign-in")
    client.close()


def test_a_session_that_was_chosen_before_is_not_kept(site):
    chosen = "chosen-by-somebody-else-AAAAAAAAAAAAAAAAAAA"
    browser = Browser(site).with_cookie(chosen)
    answer = browser.sign_in("eve.choi")
    first = set_cookies(answer)[browser.cookie_name]["value"]
    assert first != chosen and not browser.with_cookie(chosen).is_signed_in()
    page = Browser(site)
    page.get("/ui/sign-in")
    for value in page.cookies.values():
        assert not page.with_cookie(value).is_signed_in()
    other = Browser(site).with_cookie(first)
    again = other.sign_in("eve.choi")
    assert again.status_code == 303 and set_cookies(again)[browser.cookie_name]["value"] not in (first, chosen)


def test_a_session_ends_at_the_sign_out(site):
    browser = Browser(site)
    browser.sign_in("eve.choi")
    session, csrf = browser.session, browser.csrf
    answer = browser.submit("/ui", "/ui/sign-out")
    assert answer.status_code == 303
    assert not set_cookies(answer)[browser.cookie_name]["value"] and set_cookies(answer)[browser.cookie_name]["max-age"] == "0"
    replayed = browser.with_cookie(session)
    assert leads_to_sign_in(replayed.get("/ui")) and leads_to_sign_in(browser.get("/ui"))
    answer = replayed.post("/ui/account/tokens", data={"csrf": csrf, "note": "late", "days": "1"})
    assert answer.status_code in (303, 401, 403) and "bops_" not in answer.text


def test_the_account_page_tells_ones_sessions(site, person):
    browsers = [Browser(site, "first-browser/1"), Browser(site, "second-<img src=x>/1")]
    for browser in browsers:
        browser.sign_in(person)
    text = assert_page(browsers[0].get("/ui/account"), 200)
    assert "first-browser/1" in text and "second-&lt;img src=x" in text and "<img src=x>" not in text and "127.0.0.1" in text
    assert not any(browser.session in text for browser in browsers)


def test_everywhere_is_everywhere(site, person):
    browsers = [Browser(site), Browser(site)]
    for browser in browsers:
        browser.sign_in(person)
    sessions = [browser.session for browser in browsers]
    token = site.token(person)
    assert browsers[0].submit("/ui/account", "/ui/account/sign-out-everywhere").status_code == 303
    assert not any(Browser(site).with_cookie(session).is_signed_in() for session in sessions)
    assert site.ask("GET", "/me", token)[0] == 200, "tokens stay"


def test_a_token_is_made_shown_once_and_revoked(site, signed):
    browser = signed("jin.oh")
    attack = "<img src=x onerror=alert(1)>"
    form = browser.form("/ui/account", "/ui/account/tokens")
    assert form.names >= {"note", "days", "permission", "model", "experiments", "csrf"}
    answer = browser.submit("/ui/account", "/ui/account/tokens", note=attack, days="7", permission=["read", "predict"],
                            model="balance_model", experiments="")
    text = assert_page(answer, 200)
    found = set(re.findall(r"bops_[A-Za-z0-9]+_[A-Za-z0-9]+", text))
    assert len(found) == 1 and "no-store" in answer.headers["Cache-Control"] and "<img src=x" not in text
    token = found.pop()
    status, me = site.ask("GET", "/me", bearer(token))
    assert status == 200 and me["name"] == "jin.oh" and me["via"] == "token" and me["token_scopes"] == ["model:balance_model"]
    assert sorted(me["permissions_somewhere"]) == ["predict", "read"]
    assert site.ask("POST", "/predict", bearer(token), FEATURES)[0] == 200
    assert site.ask("POST", "/models/balance_model/freeze", bearer(token), {"reason": "x"})[0] == 403
    page = browser.get("/ui/account").text
    assert token not in page and me["token_id"] in page and "<img src=x" not in page and "&lt;img src=x" in page
    revoke = f"/ui/account/tokens/{me['token_id']}/revoke"
    stranger = signed("eve.choi")
    answer = stranger.post(revoke, data={"csrf": stranger.csrf})
    assert_page(answer, 403, 404)
    assert site.ask("GET", "/me", bearer(token))[0] == 200, "it is no token of hers"
    assert me["token_id"] not in stranger.get("/ui/account").text
    assert browser.submit("/ui/account", revoke).status_code in (200, 303)
    assert site.ask("GET", "/me", bearer(token))[0] == 401


def test_a_token_of_the_page_may_no_more_than_its_account(site, signed):
    browser = signed("eve.choi")
    answer = browser.submit("/ui/account", "/ui/account/tokens", note="all", days="1", permission=["read", "administer", "write"])
    found = re.findall(r"bops_[A-Za-z0-9]+_[A-Za-z0-9]+", answer.text)
    assert answer.status_code == 200 and site.ask("GET", "/users", bearer(found[0]))[0] == 403
    assert site.ask("GET", "/me", bearer(found[0]))[1]["permissions"] == ["read"]


@pytest.mark.parametrize("fields", [
    {"days": "0"}, {"days": "366"}, {"days": "-1"}, {"days": "many"}, {"days": "1e9"}, {"days": "99999999999999999999"},
    {"permission": ["all"]}, {"permission": ["open"]}, {"note": "n" * 300}, {"experiments": "a/"},
], ids=str)
def test_a_token_that_cannot_be_is_refused(site, signed, fields):
    browser = signed("eve.choi")
    form = browser.form("/ui/account", "/ui/account/tokens")
    answer = browser.post(form.action, data=form.values | {"note": "wrong", "days": "1"} | fields)
    assert "bops_" not in assert_page(answer, 400, 422)


def test_a_new_password_ends_the_other_sessions(site, person):
    fresh = "quite another walk by the sea"
    here, there = Browser(site), Browser(site)
    for browser in (here, there):
        browser.sign_in(person)
    other = there.session
    for old, new in [("a wrong password", fresh), (PASSWORD, "short")]:
        answer = here.submit("/ui/account", "/ui/account/password", password=old, new_password=new)
        text = assert_page(answer, 400, 401, 403, 422)
        assert fresh not in text and PASSWORD not in text
    assert there.is_signed_in()
    answer = here.submit("/ui/account", "/ui/account/password", password=PASSWORD, new_password=fresh)
    assert answer.status_code in (200, 303), answer.text[:2000]
    assert here.is_signed_in() and not there.with_cookie(other).is_signed_in()
    assert Browser(site).sign_in(person).status_code == 401
    assert Browser(site).sign_in(person, fresh).status_code == 303


def test_admins_manage_accounts_on_their_page(site, signed):
    boss, name = signed("boss.park"), "mia@example.org"
    form = boss.form("/ui/users", "/ui/users")
    assert form.names >= {"name", "role", "password", "scope", "csrf"} and form.types["password"] == "password"

    def done(action, **fields):
        answer = boss.submit("/ui/users", action, **fields)
        assert answer.status_code == 303 and answer.headers["Location"].startswith("/ui/users"), answer.text[:2000]
        return site.users().get(name)

    def grants(user):
        return sorted((grant["role"], grant["scope"], grant["title"]) for grant in user["grants"])
    made = done("/ui/users", name=name, role="viewer", password=PASSWORD, scope="model:balance_model")
    assert grants(made) == [("viewer", "model:balance_model", None)]
    mia = Browser(site)
    assert mia.sign_in(name).status_code == 303 and mia.is_signed_in()
    more = done(f"/ui/users/{name}/grants", role="approver", scope="*", title="owner")
    assert grants(more) == [("approver", "*", "owner"), ("viewer", "model:balance_model", None)]
    less = done(f"/ui/users/{name}/grants/revoke", role="viewer", scope="model:balance_model", title="")
    assert grants(less) == [("approver", "*", "owner")]
    assert done(f"/ui/users/{name}/state", do="disable")["disabled"]
    assert not mia.is_signed_in()
    assert not done(f"/ui/users/{name}/state", do="enable")["disabled"]
    assert mia.sign_in(name).status_code == 303 and mia.is_signed_in()
    done(f"/ui/users/{name}/state", do="sign-out")
    assert not mia.is_signed_in()
    done(f"/ui/users/{name}/state", do="delete")
    assert name not in site.users()
    again = boss.submit("/ui/users", "/ui/users", name=name, role="admin", password=PASSWORD, scope="*")
    assert_page(again, 400, 409)


def test_the_last_admin_stays(site, signed):
    boss = signed("boss.park")
    csrf = boss.csrf
    for action, fields in [
        ("state", {"do": "disable"}), ("state", {"do": "delete"}), ("grants/revoke", {"role": "admin", "scope": "*", "title": ""}),
    ]:
        answer = boss.post(f"/ui/users/boss.park/{action}", data=fields | {"csrf": csrf})
        assert_page(answer, 400, 403, 409)
    assert boss.get("/ui/users").status_code == 200


@pytest.mark.parametrize("fields", [
    {"name": ""}, {"name": "Has Space"}, {"name": "<script>"}, {"name": "server"}, {"name": "eve.choi"}, {"role": "king"},
    {"password": "short"}, {"scope": "planet:x"},
], ids=str)
def test_an_account_that_cannot_be_is_refused(site, signed, fields):
    boss, before = signed("boss.park"), site.users()
    new = {"name": "new.kang", "role": "viewer", "password": PASSWORD, "scope": "*"} | fields
    answer = boss.post("/ui/users", data=new | {"csrf": boss.csrf})
    text = assert_page(answer, 400, 409, 422)
    assert "<script>" not in text.replace("<script src=", "") and PASSWORD not in text
    assert site.users() == before


def test_others_do_not_manage_accounts(site, signed):
    def users():
        return {name: {**user, "last_sign_in_at": None} for name, user in site.users().items()}

    before = users()
    for name in ["eve.choi", "jin.oh"]:
        browser = signed(name)
        assert_page(browser.get("/ui/users"), 403)
        csrf = {"csrf": browser.csrf}
        for action, fields in [
            ("/ui/users", {"name": "intruder", "role": "admin", "password": PASSWORD, "scope": "*"}),
            (f"/ui/users/{name}/grants", {"role": "admin", "scope": "*", "title": ""}),
            ("/ui/users/boss.park/grants/revoke", {"role": "admin", "scope": "*", "title": ""}),
            ("/ui/users/boss.park/state", {"do": "disable"}), (f"/ui/users/{name}/state", {"do": "enable"}),
        ]:
            assert_page(browser.post(action, data=fields | csrf), 403)
    assert users() == before


def test_who_may_not_move_a_model_sees_no_forms_for_it(site, signed):
    def actions(name, path):
        found = {form.action for form in Forms(signed(name).get(path).text).found if form.method == "post"}
        return {action.rsplit("/", 1)[1] for action in found if action.startswith("/ui/models/")}
    for path in ["/ui/models/balance_model", "/ui/models/balance_model/versions/1"]:
        assert not actions("eve.choi", path), path
    assert "freeze" in actions("jin.oh", "/ui/models/balance_model") and "freeze" in actions("boss.park", "/ui/models/balance_model")
    eve = signed("eve.choi")
    for action in ["freeze", "rollback", "policy", "versions/1/promote", "versions/1/quarantine"]:
        fields = {"csrf": eve.csrf, "reason": "x", "actor": "boss.park", "generation": "1", "sure": "1", "to": "1", "text": "", "do": "save"}
        assert_page(eve.post(f"/ui/models/balance_model/{action}", data=fields), 403)


def test_who_moves_a_model_is_who_signed_in(site, signed):
    jin = signed("jin.oh")
    form = jin.form("/ui/models/balance_model", "/ui/models/balance_model/freeze")
    answer = jin.post(form.action, data=form.values | {"reason": "a pause", "sure": "1"})
    assert answer.status_code == 303, answer.text[:2000]
    assert "jin.oh" in jin.get("/ui/models/balance_model").text
    events = site.ask("GET", "/audit?subject=balance_model", site.admin)[1]
    frozen = [event for event in events["items"] if "freeze" in event["action"] or "frozen" in event["action"]]
    assert frozen and json.dumps(frozen[0]).count("jin.oh"), events
    undo = jin.form("/ui/models/balance_model", "/ui/models/balance_model/unfreeze")
    assert jin.post(undo.action, data=undo.values | {"reason": "on again", "sure": "1"}).status_code == 303


# ------------------------------------------------------------------------------------- the first admin


def setup(start, tmp_path):
    """A server without an admin, and the address that it prints."""
    site = start(Workspace(tmp_path), "--auth", "on")
    site.wait(lambda: "/ui/setup?code=" in site.printed)
    told = [line for line in site.printed.splitlines() if "open within an hour:" in line or "/ui/setup" in line]
    assert "open within an hour:" in told[0]
    place = told[1].strip()
    assert place.startswith(f"{site.url}/ui/setup?code="), place
    return site, place[len(site.url):], parse_qs(urlsplit(place).query)["code"][0]


def test_the_first_admin_is_made_with_the_code_that_the_server_prints(start, tmp_path):
    site, place, code = setup(start, tmp_path)
    assert leads_to_sign_in(Browser(site).get("/ui")) and site.ask("GET", "/runs")[0] == 401
    browser, late = Browser(site), Browser(site)
    form = browser.form(place, "/ui/setup")
    assert form.names >= {"code", "name", "password", "csrf"} and form.values["code"] == code and form.types["password"] == "password"
    stale = late.form(place, "/ui/setup").values
    new = {"name": "first.admin", "password": PASSWORD}
    for wrong in [{"code": "A" * 22}, {"code": ""}, {"code": code[:-1]}, {"csrf": ""}, {"csrf": stale["csrf"]}]:
        assert_page(browser.post("/ui/setup", data=browser.form(place, "/ui/setup").values | new | wrong), 403)
    assert browser.submit(place, "/ui/setup", headers=EVIL, **new).status_code == 403
    for wrong in [{"password": "short"}, {"name": "Not A Name"}, {"name": "server"}, {"name": ""}]:
        again = browser.submit(place, "/ui/setup", **new | wrong)
        form = next(form for form in Forms(assert_page(again, 400, 422)).found if form.action == "/ui/setup")
        assert form.values["code"] == code, "the form is there to be filled in again"
    assert site.users() == {}
    answer = browser.submit(place, "/ui/setup", **new)
    assert answer.status_code == 303 and answer.headers["Location"] == "/ui"
    assert "first.admin" in browser.get("/ui").text and browser.get("/ui/users").status_code == 200
    assert [grant["role"] for grant in site.users()["first.admin"]["grants"]] == ["admin"]
    assert_page(late.post("/ui/setup", data=stale | {"name": "second.admin", "password": PASSWORD}), 403)
    assert not late.is_signed_in() and set(site.users()) == {"first.admin"}
    assert Browser(site).sign_in("first.admin").status_code == 303


def test_two_who_have_the_code_do_not_both_become_admin(start, tmp_path):
    site, place, _ = setup(start, tmp_path)
    browsers = [Browser(site), Browser(site)]
    forms = [browser.form(place, "/ui/setup").values for browser in browsers]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda entry: entry[0].post("/ui/setup", data=entry[1] | {"name": entry[2], "password": PASSWORD}),
                                zip(browsers, forms, ["one.admin", "two.admin"])))
    assert sorted(answer.status_code for answer in answers) == [303, 403] and len(site.users()) == 1


def test_there_is_no_setup_where_there_is_an_admin(site):
    browser = Browser(site)
    assert "/ui/setup" not in site.printed
    csrf = browser.form("/ui/sign-in", "/ui/sign-in").values["csrf"]
    for code in ["", "A" * 22]:
        answer = browser.post("/ui/setup", data={"csrf": csrf, "code": code, "name": "intruder", "password": PASSWORD})
        assert_page(answer, 403)
    assert "intruder" not in site.users()


# ---------------------------------------------------------------------------- what has to wait a minute


def test_a_provider_may_change_its_keys(sso, provider):
    """A server may ask for keys once a minute; the sign-ins above were in the minute before, as a rule."""
    assert visit(Browser(sso)).status_code == 200
    asked, end = provider.count("/keys"), time.time() + 65
    provider.rotate()
    while visit(Browser(sso)).status_code != 200:
        assert time.time() < end and sso.is_well()
        time.sleep(1)
    assert provider.count("/keys") <= asked + 2
    former, provider.keys[-1] = provider.keys[-1], provider.keys[0]
    assert visit(Browser(sso)).status_code == 200, "the key before holds as long as the provider has it"
    provider.keys[-1] = former
