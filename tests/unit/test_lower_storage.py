from __future__ import annotations

import re
from typing import Any

import pytest

from gitopsc.diagnostics import Diagnostics
from gitopsc.render.lower.files import content_hash
from gitopsc.render.lower.storage import Storage, storage
from gitopsc.values import plain
from tests.unit.workloads import codes, plain_yaml, workload


def stored(spec: str = "", main: str = "", **fields: Any) -> tuple[Storage, Diagnostics]:
    diagnostics = Diagnostics()
    return storage(workload(spec, main, **fields), diagnostics), diagnostics


VOLUMES = {
    "emptyDir": ("{emptyDir: {}}", "{emptyDir: {}}"),
    "emptyDir in memory": ("{emptyDir: {medium: Memory, sizeLimit: 64}}", "{emptyDir: {medium: Memory, sizeLimit: '64'}}"),
    "claim": ("{claim: {name: c, readOnly: true}}", "{persistentVolumeClaim: {claimName: c, readOnly: true}}"),
    "config": ("{config: {name: c, defaultMode: 288}}", "{configMap: {name: c, defaultMode: 288}}"),
    "config with items as a map": ("{config: {name: c, items: {a: b}}}", "{configMap: {name: c, items: [{key: a, path: b}]}}"),
    "secret": (
        "{secret: {name: s, items: [{key: a, path: b, mode: 256}], optional: true}}",
        "{secret: {secretName: s, items: [{key: a, path: b, mode: 256}], optional: true}}",
    ),
    "hostPath": ("{hostPath: {path: /x, type: File}}", "{hostPath: {path: /x, type: File}}"),
    "projected": ("{projected: {sources: []}}", "{projected: {sources: []}}"),
    "csi": ("{csi: {driver: d}}", "{csi: {driver: d}}"),
    "ephemeral": (
        "{ephemeral: {size: 1Gi, class: fast}}",
        "{ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}}}}",
    ),
    "persistent": ("{persistent: {size: 1Gi}}", "{persistentVolumeClaim: {claimName: web-data}}"),
    "persistent with a name": ("{persistent: {size: 1Gi, name: old}}", "{persistentVolumeClaim: {claimName: old}}"),
}


@pytest.mark.parametrize(("written", "expected"), VOLUMES.values(), ids=VOLUMES.keys())
def test_volumes(written: str, expected: str) -> None:
    found, diagnostics = stored(f"volumes: {{data: {written}}}")
    assert plain(found.pod) == [{"name": "data", **plain_yaml(expected)}]
    assert not diagnostics


CLAIM = {"accessModes": ["ReadWriteMany"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}


def test_claims_of_a_service() -> None:
    found, _ = stored("volumes: {data: {persistent: {size: 1Gi, class: fast, modes: [ReadWriteMany]}}}")
    assert found.volumes.claims == [{"name": "web-data", "spec": CLAIM}]
    assert found.volumes.templates == []


def test_claims_of_a_stateful_set() -> None:
    spec = "volumes: {data: {persistent: {size: 1Gi, class: fast, modes: [ReadWriteMany], retain: {whenDeleted: Delete}}}}"
    found, diagnostics = stored(spec, base="stateful")
    assert (found.pod, found.volumes.claims) == ([], [])
    assert found.volumes.templates == [{"metadata": {"name": "data"}, "spec": CLAIM}]
    assert found.volumes.retention == {"whenDeleted": "Delete"}
    assert not diagnostics


def test_a_named_claim_of_a_stateful_set_is_mounted_by_its_name() -> None:
    found, _ = stored("volumes: {data: {persistent: {size: 1Gi, name: old}}}", "mounts: {/data: {volume: data}}", base="stateful")
    assert found.mounts["web"] == [{"name": "old", "mountPath": "/data"}]


def test_two_claims_that_are_kept_differently() -> None:
    spec = """
        volumes:
          a: {persistent: {size: 1Gi, retain: {whenScaled: Delete}}}
          b: {persistent: {size: 1Gi, retain: {whenScaled: Retain}}}
    """
    _, diagnostics = stored(spec, base="stateful")
    assert codes(diagnostics) == ["retain-differs"]
    assert diagnostics[0].place
    assert diagnostics[0].place.line == 4


def test_mounts() -> None:
    main = "mounts: {/a: {volume: data, subPath: x, readOnly: true}, /b: {volume: data, mountPropagation: None}}"
    found, diagnostics = stored("volumes: {data: {emptyDir: {}}}", main)
    assert found.mounts["web"] == [
        {"name": "data", "mountPath": "/a", "subPath": "x", "readOnly": True},
        {"name": "data", "mountPath": "/b", "mountPropagation": "None"},
    ]
    assert not diagnostics


def test_a_volume_that_is_not_there() -> None:
    _, diagnostics = stored("volumes: {data: {emptyDir: {}}}", "mounts:\n  /a: {volume: dta}")
    assert codes(diagnostics) == ["unknown-volume"]
    assert diagnostics[0].hint == "did you mean 'data'?"
    assert str(diagnostics[0].place) == "app.yaml:2:16"


def test_a_volume_of_the_fragment_can_be_mounted() -> None:
    _, diagnostics = stored("podSpec: {volumes: [{name: nfs, nfs: {server: s, path: /}}]}", "mounts: {/a: {volume: nfs}}")
    assert not diagnostics


READ_ONLY = "security: {readOnlyRootFilesystem: true}"
WRITABLE: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "derived": (READ_ONLY, {}, ["/tmp"]),
    "not derived under baseline": (READ_ONLY, {"profile": "baseline"}, []),
    "not derived with a writable root": ("security: {readOnlyRootFilesystem: false}", {}, []),
    "beside others": (f"{READ_ONLY}\nwritable: [/cache]", {}, ["/cache", "/tmp"]),
    "written": (f"{READ_ONLY}\nwritable: [/tmp]", {}, ["/tmp"]),
    "written with a slash": (f"{READ_ONLY}\nwritable: [/tmp/]", {}, ["/tmp/"]),
    "something is mounted": (f"{READ_ONLY}\nmounts: {{/tmp: {{volume: data}}}}", {}, ["/tmp"]),
    "raw mounts it": (f"{READ_ONLY}\nraw: {{volumeMounts: [{{name: x, mountPath: /tmp}}]}}", {}, []),
    "null": (f"{READ_ONLY}\nwritable: null", {}, []),
    "empty": (f"{READ_ONLY}\nwritable: []", {}, []),
    "written without a profile": ("writable: [/cache]", {"profile": "none"}, ["/cache"]),
}


@pytest.mark.parametrize(("main", "fields", "expected"), WRITABLE.values(), ids=WRITABLE.keys())
def test_writable_folders(main: str, fields: dict[str, Any], expected: list[str]) -> None:
    found, diagnostics = stored("volumes: {data: {emptyDir: {}}}", main, **fields)
    assert [mount["mountPath"] for mount in found.mounts["web"]] == expected
    assert not diagnostics


def test_names_of_writable_folders() -> None:
    spec = """
        volumes: {tmp: {emptyDir: {}}}
        containers:
          side: {image: {repository: x}, writable: [/tmp, /var/cache/Nginx.d]}
    """
    found, _ = stored(spec, "writable: [/tmp]")
    assert [volume["name"] for volume in found.pod] == ["tmp", "tmp-2", "side-tmp", "side-var-cache-nginx-d"]
    assert found.mounts["web"] == [{"name": "tmp-2", "mountPath": "/tmp"}]
    assert [mount["name"] for mount in found.mounts["side"]] == ["side-tmp", "side-var-cache-nginx-d"]


def test_a_path_that_is_mounted_twice() -> None:
    _, diagnostics = stored("volumes: {data: {emptyDir: {}}}", "mounts: {/a: {volume: data}}\nwritable: [/a/]")
    assert codes(diagnostics) == ["mounted-twice"]


def test_files_are_one_config_map_named_by_its_content() -> None:
    spec = "containers: {side: {image: {repository: x}, files: {/etc/side.conf: {content: s}}}}"
    found, diagnostics = stored(spec, "files: {/etc/app/config.yaml: {content: 'a: b'}, /logo.png: {binary: AAEC}}")
    data, binary = {"etc-app-config.yaml": "a: b", "etc-side.conf": "s"}, {"logo.png": "AAEC"}
    name = f"web-files-{content_hash(data, binary)}"
    assert found.config_map == {"name": name, "data": data, "binaryData": binary}
    assert plain(found.pod) == [{"name": "files", "configMap": {"name": name}}]
    assert found.mounts["web"] == [
        {"name": "files", "mountPath": "/etc/app/config.yaml", "subPath": "etc-app-config.yaml", "readOnly": True},
        {"name": "files", "mountPath": "/logo.png", "subPath": "logo.png", "readOnly": True},
    ]
    assert found.mounts["side"] == [{"name": "files", "mountPath": "/etc/side.conf", "subPath": "etc-side.conf", "readOnly": True}]
    assert not diagnostics


def test_modes_of_files() -> None:
    found, _ = stored("", "files: {/a: {content: x, mode: 493}, /b: {content: y}}")
    assert plain(found.pod)[0]["configMap"]["items"] == [{"key": "a", "path": "a", "mode": 493}, {"key": "b", "path": "b"}]


def test_the_hash_is_of_the_content_alone() -> None:
    assert content_hash({"a": "1", "b": "2"}, {}) == content_hash({"b": "2", "a": "1"}, {})
    assert content_hash({"a": "1"}, {}) != content_hash({}, {"a": "1"})
    assert content_hash({"a": "å"}, {}) == "bf9d573aee"


@pytest.mark.parametrize(
    ("first", "second"),
    [("/a/b-c", "/a-b/c"), ("/a b", "/a_b"), ("/å", "/ä"), ("/" + "x" * 300 + "y", "/" + "z" * 300 + "x" * 250 + "y")],
)
def test_keys_are_legal_and_never_meet(first: str, second: str) -> None:
    found, _ = stored("", f"files: {{'{first}': {{content: '1'}}, '{second}': {{content: '2'}}}}")
    assert found.config_map
    keys = list(found.config_map["data"])
    assert sorted(found.config_map["data"].values()) == ["1", "2"]
    assert all(re.fullmatch("[-._a-zA-Z0-9]{1,253}", key) and not key.startswith("..") for key in keys)


@pytest.mark.parametrize(("path", "key"), [("/.env", ".env"), ("/a/.b", "a-.b"), ("/..x", ".x"), ("/å", "_")])
def test_keys_of_unusual_paths(path: str, key: str) -> None:
    found, _ = stored("", f"files: {{'{path}': {{content: '1'}}}}")
    assert found.config_map
    assert list(found.config_map["data"]) == [key]


def test_the_same_file_in_two_containers_has_one_key() -> None:
    found, _ = stored("containers: {side: {image: {repository: x}, files: {/a: {content: s}}}}", "files: {/a: {content: s}}")
    assert found.config_map
    assert found.config_map["data"] == {"a": "s"}


FOREIGN = {
    "a file by its own name": (
        "{/etc/tls.crt: {secret: {name: s}}}",
        "{secret: {secretName: s, items: [{key: tls.crt, path: tls.crt}]}}",
        "{mountPath: /etc/tls.crt, subPath: tls.crt, readOnly: true}",
    ),
    "by a key, with a mode": (
        "{/etc/key: {secret: {name: s, key: tls.key}, mode: 256}}",
        "{secret: {secretName: s, items: [{key: tls.key, path: tls.key, mode: 256}]}}",
        "{mountPath: /etc/key, subPath: tls.key, readOnly: true}",
    ),
    "several keys are a folder": (
        "{/etc/tls: {config: {name: s, items: {a: b}}, mode: 256}}",
        "{configMap: {name: s, items: [{key: a, path: b}], defaultMode: 256}}",
        "{mountPath: /etc/tls, readOnly: true}",
    ),
}


@pytest.mark.parametrize(("written", "volume", "mount"), FOREIGN.values(), ids=FOREIGN.keys())
def test_files_of_others(written: str, volume: str, mount: str) -> None:
    found, diagnostics = stored("", f"files: {written}")
    name = found.pod[0]["name"]
    assert name in ("secret-s", "config-s")
    assert plain(found.pod) == [{"name": name, **plain_yaml(volume)}]
    assert found.mounts["web"] == [{"name": name, **plain_yaml(mount)}]
    assert found.config_map is None
    assert not diagnostics
