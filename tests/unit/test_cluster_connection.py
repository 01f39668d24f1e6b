"""Which cluster is meant, and what of a kubeconfig is trusted."""

from __future__ import annotations

import base64
import json
import stat
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gitopsc.cluster import objects
from gitopsc.cluster.connection import Connection, Where, connect
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.problems import Problem, Unanswered
from gitopsc.cluster.proxies import proxy_of
from gitopsc.cluster.transport import Api
from gitopsc.diagnostics import Failure, Invalid
from tests.certificates import Authority
from tests.faults import Exchange, Fault, FaultProxy
from tests.waiting import HANGS, in_time

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", True, frozenset())
LIVE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "shop"}}


def answer(exchange: Exchange) -> bool:
    exchange.answer(200, json.dumps(LIVE).encode(), {})
    return True


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[FaultProxy]:
    pair = authority.sign("server", hosts="IP:127.0.0.1,DNS:api.example")
    with FaultProxy("https://127.0.0.1:1", pair.certificate, pair.key, clients=authority.pair.certificate, default=answer) as made:
        yield made


def config(
    server: str = "https://127.0.0.1:6443",
    cluster: Mapping[str, Any] | None = None,
    user: Mapping[str, Any] | None = None,
    contexts: tuple[str, ...] = ("main",),
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": "u", "user": dict(user or {})}],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in contexts],
        "current-context": contexts[0] if contexts else "",
    }


def written(folder: Path, data: Any, name: str = "config") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(data if isinstance(data, str) else json.dumps(data))
    return str(file)


def asked(connection: Connection, seconds: float = HANGS) -> Any:
    return objects.get(Api(connection, deadline=Deadline(seconds)), CONFIG_MAPS, "web", "shop")


class TestChoice:
    def test_the_only_context_needs_no_name(self, tmp_path: Path) -> None:
        assert connect(Where(kubeconfig=written(tmp_path, config())), {}).name == "main"

    def test_several_contexts_and_none_named_are_listed_whatever_the_current_one_is(self, tmp_path: Path) -> None:
        with pytest.raises(Invalid, match="the kubeconfig has dev, prod") as raised:
            connect(Where(kubeconfig=written(tmp_path, config(contexts=("prod", "dev")))), {})
        assert raised.value.diagnostics[0].hint is not None
        assert "--context" in raised.value.diagnostics[0].hint

    def test_the_flag_goes_before_the_environments_context(self, tmp_path: Path) -> None:
        file = written(tmp_path, config(contexts=("prod", "dev")))
        assert connect(Where(kubeconfig=file, target="dev"), {}).name == "dev"
        assert connect(Where(kubeconfig=file, context="prod", target="dev"), {}).name == "prod"

    def test_an_unknown_context_is_told_with_those_there_are(self, tmp_path: Path) -> None:
        with pytest.raises(Invalid, match="found staging; it has dev, prod"):
            connect(Where(kubeconfig=written(tmp_path, config(contexts=("prod", "dev"))), target="staging"), {})

    def test_files_of_the_variable_are_merged_and_the_first_wins(self, tmp_path: Path) -> None:
        first = written(tmp_path, config("https://first:1", contexts=("a",)), "first")
        second = written(tmp_path, config("https://second:1", contexts=("a", "b")), "second")
        environ = {"KUBECONFIG": f"{first}:{tmp_path / 'absent'}:{second}"}
        assert connect(Where(context="b"), environ).host == "https://first:1"

    def test_the_home_folders_kubeconfig(self, tmp_path: Path) -> None:
        written(tmp_path / ".kube", config())
        assert connect(Where(), {"HOME": str(tmp_path)}).name == "main"

    def test_a_file_as_people_have_it(self, tmp_path: Path) -> None:
        text = """
            # of the team
            apiVersion: v1
            kind: Config
            preferences: {}
            current-context: dev
            clusters:
            - cluster: {server: "https://dev:6443"}
              name: dev
            contexts:
            - context:
                cluster: dev
                namespace: shop
                user: ""
              name: dev
            users: null
        """
        found = connect(Where(kubeconfig=written(tmp_path, textwrap.dedent(text))), {})
        assert (found.host, found.namespace, dict(found.credentials.headers())) == ("https://dev:6443", "shop", {})

    def test_none_at_all(self, tmp_path: Path) -> None:
        with pytest.raises(Invalid, match="expected a kubeconfig, found none"):
            connect(Where(), {"HOME": str(tmp_path)})

    def test_a_file_that_is_named_and_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(Invalid, match="found none"):
            connect(Where(kubeconfig=str(tmp_path / "absent")), {})

    def test_the_pods_service_account(self, tmp_path: Path, authority: Authority, server: FaultProxy) -> None:
        pod = tmp_path / "pod"
        written(pod, "first", "token")
        written(pod, "agents", "namespace")
        written(pod, authority.pair.certificate.read_text(), "ca.crt")
        host, port = server.url.removeprefix("https://").split(":")
        environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port, "HOME": str(tmp_path)}
        connection = connect(Where(target="prod", pod_folder=pod), environ)
        assert (connection.name, connection.namespace) == ("in-cluster", "agents")
        assert asked(connection) == LIVE
        assert server.seen[-1].headers["Authorization"] == "Bearer first"
        written(pod, "second", "token")
        assert connection.credentials.refresh("Bearer first")
        assert asked(connection) == LIVE
        assert server.seen[-1].headers["Authorization"] == "Bearer second"
        named = connect(Where(kubeconfig=written(tmp_path, config()), pod_folder=pod), environ)
        assert named.name == "main"

    def test_an_address_of_version_6(self, tmp_path: Path, authority: Authority) -> None:
        for name in ("token", "ca.crt"):
            written(tmp_path, authority.pair.certificate.read_text(), name)
        found = connect(Where(pod_folder=tmp_path), {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"})
        assert found.host == "https://[fd00::1]:443"


class TestMistakes:
    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ("clusters: [", "expected"),
            ("apiVersion: v1\nkind: Config\nclusters: [3]\n", "expected clusters of {name, cluster}"),
            ("apiVersion: v1\nkind: Config\nclusters: x\n", "expected clusters of {name, cluster}"),
            ("apiVersion: v1\nkind: Config\n", "the kubeconfig has none"),
            (config("ftp://x"), "expected an https:// address"),
            (config(""), "expected an https:// address"),
            (config("https://user:canary@x"), "expected an https:// address"),
            (config(cluster={"certificate-authority-data": "!"}), "expected PEM in certificate-authority"),
            (config(cluster={"certificate-authority-data": "Y2FuYXJ5"}), "expected a certificate authority as PEM"),
            (config(cluster={"certificate-authority": "absent.crt"}), "absent.crt, which cannot be read"),
            (config(user={"client-certificate-data": "Y2FuYXJ5", "client-key-data": "Y2FuYXJ5"}), "cannot be used together"),
            (config(user={"as": "someone", "as-groups": ["admins"]}), "impersonates groups"),
            (config(cluster={"proxy-url": "socks5://user:canary@x:1"}), "expected an http:// or https:// address as the proxy"),
            (config(user={"exec": "canary"}), "expected a mapping in exec"),
        ],
    )  # fmt: skip
    def test_each_is_told_as_input(self, tmp_path: Path, data: Any, message: str) -> None:
        with pytest.raises(Invalid) as raised:
            connect(Where(kubeconfig=written(tmp_path, data)), {})
        assert message in str(raised.value)
        assert "canary" not in str(raised.value)

    def test_a_token_that_is_none_is_not_repeated(self, tmp_path: Path) -> None:
        with pytest.raises(Failure) as raised:
            connect(Where(kubeconfig=written(tmp_path, config(user={"token": "canary\r\nX-Evil: 1"}))), {})
        assert "canary" not in str(raised.value)

    def test_names_that_lead_nowhere(self, tmp_path: Path) -> None:
        data = config()
        data["users"] = []
        with pytest.raises(Invalid, match="names the user u, which the kubeconfig does not have"):
            connect(Where(kubeconfig=written(tmp_path, data)), {})


class TestTrust:
    def test_a_relative_authority_and_certificate_start_at_the_kubeconfig(self, tmp_path: Path, authority: Authority, server: FaultProxy) -> None:
        client = authority.sign("client", subject="/CN=jane/O=admins")
        for file, name in ((authority.pair.certificate, "ca.crt"), (client.certificate, "c.crt"), (client.key, "c.key")):
            written(tmp_path / "pki", file.read_text(), name)
        data = config(server.url, {"certificate-authority": "pki/ca.crt"}, {"client-certificate": "pki/c.crt", "client-key": "pki/c.key"})
        shown: list[Any] = []
        server.fault("GET", "", _peer(shown))
        assert asked(connect(Where(kubeconfig=written(tmp_path, data)), {})) == LIVE
        assert (("commonName", "jane"),) in shown[0]["subject"]

    def test_a_key_never_becomes_a_file(self, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
        (tmp_path / "temporary").mkdir()
        client = authority.sign("kept")
        pair = {f"client-{name}-data": base64.b64encode(file.read_bytes()).decode() for name, file in zip(("certificate", "key"), client, strict=True)}
        connect(Where(kubeconfig=written(tmp_path, config(user=pair))), {})
        assert list((tmp_path / "temporary").iterdir()) == []

    @pytest.mark.parametrize(
        ("hosts", "days", "words"),
        [("IP:127.0.0.1", -1, "certificate has expired"), ("IP:127.0.0.2", 30, "IP address mismatch"), ("DNS:other", 30, "mismatch")],
        ids=["expired", "other-address", "other-name"],
    )
    def test_a_bad_certificate_is_told_at_once(
        self, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch, hosts: str, days: int, words: str
    ) -> None:
        pair = authority.sign("bad", hosts=hosts, days=days)
        data = {"certificate-authority": str(authority.pair.certificate)}
        with FaultProxy("https://127.0.0.1:1", pair.certificate, pair.key, default=answer) as bad:
            api = Api(connect(Where(kubeconfig=written(tmp_path, config(bad.url, data, {"token": "canary"}))), {}), deadline=Deadline(HANGS))
            monkeypatch.setattr(api, "sleep", lambda _: pytest.fail("no second try"))
            with pytest.raises(Unanswered, match=words) as raised:
                objects.get(api, CONFIG_MAPS, "web", "shop")
            assert bad.seen == []
        assert raised.value.reason == "TLS"

    def test_an_unknown_authority(self, tmp_path: Path, server: FaultProxy) -> None:
        other = Authority(tmp_path, "other")
        with pytest.raises(Unanswered, match="no trusted TLS connection"):
            asked(connect(Where(kubeconfig=written(tmp_path, config(server.url, {"certificate-authority": str(other.pair.certificate)}))), {}))

    def test_a_server_that_speaks_no_tls(self, tmp_path: Path) -> None:
        with FaultProxy("https://127.0.0.1:1", default=answer) as plain, pytest.raises(Unanswered) as raised:
            asked(connect(Where(kubeconfig=written(tmp_path, config(plain.url.replace("http:", "https:"), {"insecure-skip-tls-verify": True}))), {}), 1)
        assert raised.value.reason in ("TLS", "Reset", "Deadline")

    def test_a_server_name_of_its_own(self, tmp_path: Path, authority: Authority) -> None:
        pair = authority.sign("named", hosts="DNS:api.example")
        data = {"certificate-authority": str(authority.pair.certificate), "tls-server-name": "api.example"}
        with FaultProxy("https://127.0.0.1:1", pair.certificate, pair.key, default=answer) as named:
            assert asked(connect(Where(kubeconfig=written(tmp_path, config(named.url, data))), {})) == LIVE

    def test_insecure_is_done_and_warned_of(self, tmp_path: Path, server: FaultProxy) -> None:
        connection = connect(Where(kubeconfig=written(tmp_path, config(server.url, {"insecure-skip-tls-verify": True}))), {})
        assert [item.code for item in connection.warnings] == ["insecure-connection"]
        assert asked(connection) == LIVE

    def test_plain_http_to_another_machine_is_warned_of(self, tmp_path: Path) -> None:
        assert connect(Where(kubeconfig=written(tmp_path, config("http://10.0.0.1"))), {}).warnings
        assert not connect(Where(kubeconfig=written(tmp_path, config("http://127.0.0.1:8001"))), {}).warnings

    def test_a_path_before_the_api(self, tmp_path: Path, server: FaultProxy, authority: Authority) -> None:
        data = config(f"{server.url}/k8s/clusters/c-1/", {"certificate-authority": str(authority.pair.certificate)})
        asked(connect(Where(kubeconfig=written(tmp_path, data)), {}))
        assert server.seen[-1].target.startswith("/k8s/clusters/c-1/api/v1/")


def _peer(shown: list[Any]) -> Fault:
    def play(exchange: Exchange) -> bool:
        shown.append(exchange.client.getpeercert())  # type: ignore[attr-defined]
        return answer(exchange)

    return play


class TestPrograms:
    def test_exec_is_refused_and_not_run(self, tmp_path: Path) -> None:
        canary = tmp_path / "canary"
        user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(canary)]}}
        with pytest.raises(Invalid, match="by exec") as raised:
            connect(Where(kubeconfig=written(tmp_path, config(user=user))), {"PATH": "/usr/bin:/bin"})
        assert raised.value.diagnostics[0].hint is not None
        assert "--allow-kubeconfig-exec" in raised.value.diagnostics[0].hint
        assert not canary.exists()

    def test_auth_provider_is_refused(self, tmp_path: Path) -> None:
        user = {"auth-provider": {"name": "gcp", "config": {"cmd-path": "touch", "cmd-args": str(tmp_path / "canary")}}}
        with pytest.raises(Invalid, match="by auth-provider"):
            connect(Where(kubeconfig=written(tmp_path, config(user=user))), {})
        assert not (tmp_path / "canary").exists()

    def test_another_contexts_exec_does_not_matter(self, tmp_path: Path) -> None:
        data = config()
        data["users"].append({"name": "other", "user": {"exec": {"command": "false"}}})
        data["contexts"].append({"name": "other", "context": {"cluster": "c", "user": "other"}})
        assert connect(Where(kubeconfig=written(tmp_path, data), context="main"), {}).name == "main"

    def test_a_program_is_asked_again_after_a_401(self, tmp_path: Path, server: FaultProxy, authority: Authority) -> None:
        file = self.program(
            tmp_path,
            """
            count = pathlib.Path("count"); number = int(count.read_text()) + 1 if count.exists() else 1
            count.write_text(str(number))
            info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
            assert info["kind"] == "ExecCredential" and os.environ["SAID"] == "so", info
            print(json.dumps({"status": {"token": f"t{number}", "expirationTimestamp": "2999-01-01T00:00:00Z"}}))
            """,
        )
        user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./program", "env": [{"name": "SAID", "value": "so"}]}}
        data = config(server.url, {"certificate-authority": str(authority.pair.certificate)}, user)
        connection = connect(Where(kubeconfig=written(tmp_path, data), allow_exec=True), {"PATH": str(Path(file).parent)})
        server.fault("GET", "", _refusing)
        before = len(server.seen)
        assert asked(connection) == LIVE
        assert [request.headers["Authorization"] for request in server.seen[before:]] == ["Bearer t1", "Bearer t2"]

    def test_a_program_may_give_a_certificate(self, tmp_path: Path, server: FaultProxy, authority: Authority) -> None:
        pair = authority.sign("shown", subject="/CN=program")
        self.program(
            tmp_path,
            f"""
            pem = {{"clientCertificateData": pathlib.Path({str(pair.certificate)!r}).read_text(), "clientKeyData": pathlib.Path({str(pair.key)!r}).read_text()}}
            print(json.dumps({{"status": pem}}))
            """,
        )
        data = config(server.url, {"certificate-authority": str(authority.pair.certificate)}, {"exec": {"command": "./program"}})
        shown: list[Any] = []
        server.fault("GET", "", _peer(shown))
        assert asked(connect(Where(kubeconfig=written(tmp_path, data), allow_exec=True), {})) == LIVE
        assert (("commonName", "program"),) in shown[0]["subject"]

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ("sys.exit('no canary of mine')", "ended with 1: no canary"),
            ("print('{}')", "printed no ExecCredential"),
            ("print('canary')", "printed no ExecCredential"),
            ("print('{\"status\": {}}')", "gave neither a token nor a certificate"),
            ("time.sleep(3600)", "within 1 s"),
        ],
    )
    def test_a_program_that_fails_is_told(self, tmp_path: Path, body: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gitopsc.cluster.plugins.SECONDS", 1.0 if "within" in words else HANGS)
        self.program(tmp_path, body)
        with pytest.raises(Failure, match=words):
            connect(Where(kubeconfig=written(tmp_path, config(user={"exec": {"command": "./program"}})), allow_exec=True), {})

    def test_a_program_ends_by_the_deadline(self, tmp_path: Path) -> None:
        self.program(tmp_path, "time.sleep(3600)")
        where = Where(kubeconfig=written(tmp_path, config(user={"exec": {"command": "./program"}})), allow_exec=True)
        with pytest.raises(Failure, match="gave no credentials within"):
            in_time(lambda: connect(where, {}, Deadline(0.5)))

    def test_a_program_that_is_not_there(self, tmp_path: Path) -> None:
        user = {"exec": {"command": "no-such-program", "installHint": "install it"}}
        with pytest.raises(Failure, match="cannot be run: No such file") as raised:
            connect(Where(kubeconfig=written(tmp_path, config(user=user)), allow_exec=True), {"PATH": "/usr/bin"})
        assert raised.value.hint == "install it"

    @staticmethod
    def program(folder: Path, body: str) -> str:
        text = textwrap.dedent(body)
        file = folder / "program"
        file.write_text(f"#!{sys.executable} -S\nimport json, os, pathlib, sys, time\nos.chdir({str(folder)!r})\n{text}")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return str(file)


def _refusing(exchange: Exchange) -> bool:
    exchange.answer(401, b'{"kind": "Status", "message": "Unauthorized"}', {})
    return True


class TestAuthProvider:
    def token(self, seconds: int) -> str:
        def part(data: Any) -> str:
            return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

        claims: dict[str, Any] = {"exp": int(time.time()) + seconds, "pad": ""}
        while len(part(claims)) % 4 == 1 or "_" in part(claims):
            claims["pad"] += "x"
        return f"{part({'alg': 'none'})}.{part(claims)}.c2lnbmF0dXJl"

    def test_a_token_that_is_still_good_is_used(self, tmp_path: Path) -> None:
        token = self.token(3600)
        user = {"auth-provider": {"name": "oidc", "config": {"id-token": token, "idp-issuer-url": "https://127.0.0.1:1"}}}
        connection = connect(Where(kubeconfig=written(tmp_path, config(user=user)), allow_exec=True), {})
        assert connection.credentials.headers() == {"Authorization": f"Bearer {token}"}

    @pytest.mark.parametrize("trusted", [True, False])
    def test_an_expired_one_is_renewed_at_a_login_service_that_is_verified(self, tmp_path: Path, authority: Authority, trusted: bool) -> None:
        pair, fresh = authority.sign("login"), self.token(3600)
        with FaultProxy("https://127.0.0.1:1", pair.certificate, pair.key) as login:

            def serve(exchange: Exchange) -> bool:
                found = {"token_endpoint": f"{login.url}/token"}
                if exchange.request.target == "/token":
                    found = {"id_token": fresh, "refresh_token": "next", "access_token": "a", "token_type": "bearer"}
                exchange.answer(200, json.dumps(found).encode(), {"Content-Type": "application/json"})
                return True

            login.default = serve
            settings = {"id-token": self.token(-3600), "refresh-token": "canary", "client-id": "c", "client-secret": "canary", "idp-issuer-url": login.url}
            if trusted:
                settings["idp-certificate-authority"] = "ca.crt"
                written(tmp_path, authority.pair.certificate.read_text(), "ca.crt")
            user = {"auth-provider": {"name": "oidc", "config": settings}}
            connection = connect(Where(kubeconfig=written(tmp_path, config(user=user)), allow_exec=True), {})
            if trusted:
                assert connection.credentials.headers() == {"Authorization": f"Bearer {fresh}"}
                return
            with pytest.raises(Failure, match="auth-provider gave no credentials") as raised:
                connection.credentials.headers()
            assert "canary" not in str(raised.value)
            assert login.seen == []


class TestProxy:
    def test_the_connection_goes_through_it(self, tmp_path: Path) -> None:
        with FaultProxy("https://127.0.0.1:1") as tunnel:
            tunnel.default = _closed
            with pytest.raises(Problem) as raised:
                asked(connect(Where(kubeconfig=written(tmp_path, config("https://api.example:6443", {"proxy-url": tunnel.url}))), {}), 5)
        assert raised.value.reason == "Proxy"
        assert "407" in raised.value.message
        assert tunnel.seen[0].method == "CONNECT"
        assert tunnel.seen[0].target == "api.example:6443"

    @pytest.mark.parametrize(
        ("host", "exceptions", "used"),
        [
            ("api.example", "", True),
            ("api.example", "example", False),
            ("api.example", ".example", False),
            ("api.example", "other.example, pi.example", True),
            ("api.example", "api.example:6443", False),
            ("api.example", "*", False),
            ("10.1.2.3", "10.0.0.0/8", False),
            ("10.1.2.3", "11.0.0.0/8,nonsense/9", True),
            ("127.0.0.1", "", False),
            ("::1", "", False),
            ("localhost", "", False),
        ],
    )
    def test_the_variables_are_honoured(self, host: str, exceptions: str, used: bool) -> None:
        environ = {"HTTPS_PROXY": "proxy:3128", "NO_PROXY": exceptions}
        assert proxy_of(None, host, 6443, environ) == ("http://proxy:3128" if used else None)
        assert proxy_of("https://own:1", host, 6443, environ) == "https://own:1"


def _closed(exchange: Exchange) -> bool:
    exchange.answer(407, b"", {"Proxy-Authenticate": "Basic"})
    return False
