# ruff: noqa: E501 — a table
"""Mistakes in workloads and documents, each with exactly what is said about it. A row: what is written, and its findings
as (line, column, code, message, hint).
"""

from __future__ import annotations

import textwrap

import pytest

from gitopsc.diagnostics import Diagnostics, tidy
from gitopsc.spec.documents import read_documents
from gitopsc.spec.fields import BASES
from gitopsc.spec.schema import check_defaults, check_document, check_workload, fragments

Finding = tuple[int, int, str, str, str | None]

HEAD = "apiVersion: gitopsc.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: shop{more}}}\n"
NAME = "a name of at most 63 lower-case letters, digits and '-' that begins with a letter and ends with a letter or digit"
DOCUMENT_NAME = (
    "a name of at most 63 lower-case letters, digits and '-' that begins with a letter, ends with a letter or digit "
    "and names no device (as 'con' does on Windows)"
)
PORT = "a port from 1 to 65535"
PORT_NAME = "a port's name: at most 15 lower-case letters, digits and '-', with at least one letter"
LABEL_VALUE = "a label's value: at most 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit"
IMAGE = "an image as repository:tag@digest, the repository in lower case, such as ghcr.io/acme/web:1.4.2"
QUANTITY = "a quantity such as 250m, 0.5, 64Mi or 2Gi"
PROBE_FIELDS = "there are: http, tcp, grpc, exec, initialDelay, period, timeout, failureThreshold, successThreshold, terminationGracePeriod"
LATER = "remove it; what has no field here can stand in `manifests` or `patches`"
CRON = "a schedule in cron's five fields (minute 0-59, hour 0-23, day 1-31, month 1-12, weekday 0-6), or a word such as @daily"


def findings(text: str, base: str = "service", *, resolved: bool = False) -> list[Finding]:
    found = Diagnostics()
    for document in read_documents("a.yaml", text.encode(), found):
        check_document(document, found)
        check_defaults(document, {}, found)
        for fragment in fragments(document):
            if fragment.name is not None:
                kind = fragment.type if fragment.type in BASES else base
                check_workload(fragment.spec, base=kind, path="w", diagnostics=found, resolved=resolved, name=fragment.name, place=fragment.place)
    return [(d.place.line, d.place.column, d.code, d.message, d.hint) if d.place else (0, 0, d.code, d.message, d.hint) for d in tidy(found)]


def workload(text: str, base: str = "service", *, resolved: bool = False) -> list[Finding]:
    """Findings about a workload that stands at line 1 (lines and columns are those of ``text``)."""
    head = HEAD.format(kind="Application", more="") + "spec:\n  workloads:\n    web:\n"
    body = textwrap.indent(textwrap.dedent(text).strip("\n"), "      ")
    lines = head.count("\n")
    return [(line - lines, column - 6, *rest) for line, column, *rest in findings(head + body + "\n", base, resolved=resolved)]  # type: ignore[misc]


def of(kind: str, text: str, more: str = "") -> list[Finding]:
    """Findings about a document of a kind, ``text`` being what follows its metadata."""
    head = HEAD.format(kind=kind, more=more)
    lines = head.count("\n")
    return [(line - lines, *rest) for line, *rest in findings(head + textwrap.dedent(text).strip("\n") + "\n")]  # type: ignore[misc]


WORKLOADS: list[tuple[str, list[Finding]]] = [
    # names that are nearly right
    ("prots: {http: 80}", [(1, 1, "unknown-field", "unknown field 'prots'", "did you mean 'ports'?")]),
    ("scale: {replica: 3}", [(1, 9, "unknown-field", "unknown field 'replica'", "did you mean 'replicas'?")]),
    ("Image: a:1", [(1, 1, "unknown-field", "unknown field 'Image'", "did you mean 'image'?")]),
    ("dependson: [a]", [(1, 1, "unknown-field", "unknown field 'dependson'", "did you mean 'dependsOn'?")]),
    ("probes: {readyness: /x}", [(1, 10, "unknown-field", "unknown field 'readyness'", "did you mean 'readiness'?")]),
    ("env: {A: {secrte: {name: a, key: b}}}", [(1, 11, "unknown-field", "unknown field 'secrte'", "did you mean 'secret'?")]),
    ("files: {/a: {contnet: x}}", [(1, 14, "unknown-field", "unknown field 'contnet'", "did you mean 'content'?")]),
    ("containers: {web: {imagee: a:1}}", [(1, 20, "unknown-field", "unknown field 'imagee'", "did you mean 'image'?")]),
    # names of other tools
    ("livenessProbe: {httpGet: {}}", [(1, 1, "unknown-field", "unknown field 'livenessProbe'", "here it is called 'probes.liveness'")]),
    ("replicas: 3", [(1, 1, "unknown-field", "unknown field 'replicas'", "here it is called 'scale'")]),
    ("initContainers: []", [(1, 1, "unknown-field", "unknown field 'initContainers'", "here that is said with containers, with role: init")]),
    ("probes: {liveness: {httpGet: {path: /}}}", [(1, 21, "unknown-field", "unknown field 'httpGet'", "here it is called 'http'")]),
    ("zzzz: 1", [(1, 1, "unknown-field", "unknown field 'zzzz'", None)]),
    ("job: {zzzz: 1}", [(1, 7, "unknown-field", "unknown field 'zzzz'", "there are: retries, timeout, ttl, parallelism, completions, phase")]),
    ("x-anchors: {}", [(1, 1, "unknown-field", "unknown field 'x-anchors'", None)]),
    # of a later version
    ("access: {inbound: all}", [(1, 1, "not-supported", "'access' is not supported by this version of gitopsc", LATER)]),
    ("metrics: {port: http}", [(1, 1, "not-supported", "'metrics' is not supported by this version of gitopsc", LATER)]),
    ("scale: {keda: {}}", [(1, 9, "not-supported", "'keda' is not supported by this version of gitopsc", LATER)]),
    ("serviceAccount: {identity: {}}", [(1, 18, "not-supported", "'identity' is not supported by this version of gitopsc", LATER)]),
    # types
    ("ports: {http: '80'}", [(1, 15, "wrong-type", "expected a port from 1 to 65535, or a map {port, service, protocol, hostPort, appProtocol, named}, found '80'",
                              "write it without quotes: 80")]),
    ("hostNetwork: yes", [(1, 14, "wrong-type", "expected true or false, found 'yes'", "write true")]),
    ("command: /bin/app", [(1, 10, "wrong-type", "expected a list, found '/bin/app'", "write a list: [/bin/app]")]),
    ("args: [--port, 8080]", [(1, 16, "wrong-type", "expected text, found the number 8080", 'quote it: "8080"')]),
    ("labels: {version: 1.10}", [(1, 19, "wrong-type", f"expected {LABEL_VALUE}, found the number 1.10", 'quote it: "1.10"')]),
    ("annotations: {a: true}", [(1, 18, "wrong-type", "expected text, found the boolean true", 'quote it: "true"')]),
    ("podAnnotations: {a: 0755}", [(1, 21, "wrong-type", "expected text, found the number 0755", 'quote it: "0755"')]),
    ("image: {repository: a, tag: 1.10}", [(1, 29, "wrong-type", "expected an image's tag: at most 128 letters, digits, '_', '-' and '.', found the number 1.10", 'quote it: "1.10"')]),
    ("env: [{name: A, value: b}]", [(1, 6, "wrong-type", "expected a map, found a list", "write a map: each item under its name")]),
    ("env: {A: [b]}", [(1, 10, "wrong-type", "expected a text, or a map with one of value, secret, config, field and resource, found a list", None)]),
    ("probes: {readiness: [/x]}", [(1, 21, "wrong-type", "expected a path that begins with '/' (HTTP GET on the first port), or a map with one of http, tcp, grpc and exec, found a list", None)]),
    ("tolerations: {key: a}", [(1, 14, "wrong-type", "expected a list, as Kubernetes has it, found a map", "write a list: each item after '- '")]),
    ("services: [a]", [(1, 11, "wrong-type", "expected a map, found a list", "write a map: each item under its name")]),
    ("podSpec: text", [(1, 10, "wrong-type", "expected a map, as Kubernetes has it, found 'text'", None)]),
    ("scale: many", [(1, 8, "wrong-type", "expected a number of pods, or a map {replicas} or {min, max, cpu, memory, metrics, behavior}, found 'many'", None)]),
    # values
    ("ports: {http: 70000}", [(1, 15, "bad-value", f"expected {PORT}, found the number 70000", None)]),
    ("ports: {http: 0}", [(1, 15, "bad-value", f"expected {PORT}, found the number 0", None)]),
    ("scale: -1", [(1, 8, "bad-value", "expected an integer of 0 or more, found the number -1", None)]),
    ("scale: {min: 1, max: 0}", [(1, 22, "bad-value", "expected an integer of 1 or more, found the number 0", None)]),
    ("job: {retries: 99999999999}", [(1, 16, "bad-value", "expected an integer of 0 or more, found the number 99999999999", None)]),
    ("restartPolicy: always", [(1, 16, "bad-value", "expected 'Always', 'OnFailure' or 'Never', found 'always'", "did you mean 'Always'?")]),
    ("rollout: {strategy: Rolling}", [(1, 21, "bad-value", "expected 'RollingUpdate', 'Recreate' or 'OnDelete', found 'Rolling'", "did you mean 'RollingUpdate'?")]),
    ("image: Ghcr.io/Acme/Web:1", [(1, 8, "bad-value", f"expected {IMAGE}, found 'Ghcr.io/Acme/Web:1'", "write it in lower case: ghcr.io/acme/web:1")]),
    ("image: ':5000'", [(1, 8, "bad-value", f"expected {IMAGE}, found ':5000'", None)]),
    ("image: 'a:1\\n'", [(1, 8, "bad-value", f"expected {IMAGE}, found 'a:1\\n'", None)]),
    ('image: "a:1\\n    securityContext: {privileged: true}"', [(1, 8, "bad-value", f"expected {IMAGE}, found 'a:1\\n    securityContext: {{privileged: true}}'", None)]),
    ("resources: {requests: {cpu: 100mm}}", [(1, 29, "bad-value", f"expected {QUANTITY}, found '100mm'", None)]),
    ("resources: {requests: {memory: 1.5GB}}", [(1, 32, "bad-value", f"expected {QUANTITY}, found '1.5GB'", "write 1.5Gi (1024s) or 1.5G (1000s)")]),
    ("resources: {requests: {cpu: -1}}", [(1, 29, "bad-value", f"expected {QUANTITY}, found the number -1", None)]),
    ("routes: {web: {host: Shop.Example.com}}", [(1, 22, "bad-value", "expected a host name in lower case, such as shop.example.com or *.example.com, found 'Shop.Example.com'",
                                                  "write it in lower case: shop.example.com")]),
    ("routes: {web: {host: a.example, paths: [api]}}", [(1, 41, "bad-value", "expected a path that begins with '/', found 'api'", None)]),
    ("labels: {a: -x}", [(1, 13, "bad-value", f"expected {LABEL_VALUE}, found '-x'", None)]),
    ("volumes: {v: {hostPath: ../x}}", [(1, 25, "bad-value", "expected an absolute path without '..', found '../x'", None)]),
    ("volumes: {v: {hostPath: /a/../x}}", [(1, 25, "bad-value", "expected an absolute path without '..', found '/a/../x'", None)]),
    ("files: {/x: {secret: a, mode: 644}}", [(1, 31, "bad-value", "expected a file mode from 0 to 0777, in octal with a leading zero, found the number 644",
                                              "write it in octal, with a leading zero: 0644")]),
    ("files: {/x: {secret: a, mode: '0644'}}", [(1, 31, "wrong-type", "expected a file mode from 0 to 0777, in octal with a leading zero, found '0644'", "write it without quotes: 0644")]),
    ("files: {/x: {source: /etc/passwd}}", [(1, 22, "bad-value", "expected the path of a file of the workspace, relative to this file, found '/etc/passwd'", None)]),
    ("terminationGracePeriod: 030", [(1, 25, "leading-zero", "expected an integer without a leading zero, found 030", 'write 30, or quote it: "030"')]),
    ("podSpec: {priority: 010}", [(1, 21, "leading-zero", "expected an integer without a leading zero, found 010", 'write 10, or quote it: "010"')]),
    ("spread: true", [(1, 9, "bad-value", "expected a list of topology spread constraints, as Kubernetes has them, or false, found the boolean true", None)]),
    ("env: {A: {field: podIP}}", [(1, 18, "bad-value", "expected a field of the pod, such as status.podIP or metadata.labels['app'], found 'podIP'", None)]),
    ("rollout: {maxSurge: 25}\ndisruption: {maxUnavailable: 120%}", [(2, 30, "bad-value", "expected an integer of 0 or more, or a percentage such as 25%, found '120%'", None)]),
    ("serviceAccount: Robot", [(1, 17, "bad-value", "expected the name of a Kubernetes object: at most 253 lower-case letters, digits, '-' and '.', found 'Robot'",
                                "write it in lower case: robot")]),
    # keys
    ("ports: {a_b: 80}", [(1, 9, "bad-name", f"expected {PORT_NAME}, found 'a_b'", None)]),
    ("ports: {a-very-long-name-of-it: 80}", [(1, 9, "bad-name", f"expected {PORT_NAME}, found 'a-very-long-name-of-it'", None)]),
    ("ports: {'8080': 80}", [(1, 9, "bad-name", f"expected {PORT_NAME}, found '8080'", None)]),
    ("env: {A=B: x}", [(1, 7, "bad-name", "expected the name of an environment variable: printable ASCII characters without '=', not beginning with '$', found 'A=B'", None)]),
    ("containers: {Side: {image: a:1}}", [(1, 14, "bad-name", f"expected {NAME}, found 'Side'", "write it in lower case: side")]),
    ("volumes: {9v: {emptyDir: {}}}", [(1, 11, "bad-name", f"expected {NAME}, found '9v'", None)]),
    ("files: {etc/x: a}", [(1, 9, "bad-name", "expected an absolute path without '..' and ':', found 'etc/x'", None)]),
    ("mounts: {/a/../b: v}", [(1, 10, "bad-name", "expected an absolute path without '..' and ':', found '/a/../b'", None)]),
    ("labels: {-a: x}", [(1, 10, "bad-name", "expected a label's key: an optional prefix such as example.com/, then at most 63 letters, digits, '-', '_' and '.', found '-a'", None)]),
    # one of
    ("env: {A: {value: x, secret: {name: n, key: k}}}", [(1, 21, "one-of", "expected one of 'value' and 'secret', found both", "keep one of them: the other is 'value'")]),
    ("probes: {liveness: {tcp: {port: 80}, http: {path: /x}}}", [(1, 38, "one-of", "expected one of 'tcp' and 'http', found both", "keep one of them: the other is 'tcp'")]),
    ("scale: {min: 1, max: 2, replicas: 3}", [(1, 25, "one-of", "expected one of 'min' and 'replicas', found both", "keep one of them: the other is 'min'")]),
    ("volumes: {v: {emptyDir: {}, secret: a}}", [(1, 29, "one-of", "expected one of 'emptyDir' and 'secret', found both", "keep one of them: the other is 'emptyDir'")]),
    ("disruption: {minAvailable: 1, maxUnavailable: 1}", [(1, 31, "one-of", "expected one of 'minAvailable' and 'maxUnavailable', found both",
                                                           "keep one of them: the other is 'minAvailable'")]),
    # operators
    ("args: {$append: [a], x: 1}", [(1, 22, "bad-operator", "expected only $append, $prepend and $remove in this map, found 'x' beside them", None)]),
    ("args: {$append: a}", [(1, 17, "wrong-type", "expected a list, found 'a'", "write a list: [a]")]),
    ("env: {$append: [a]}", [(1, 7, "bad-operator", "expected a key of this map, found '$append'", "'$append' is for lists")]),
    ("job: {$append: [a]}", [(1, 7, "bad-operator", "expected a field, found '$append'", "'$append' is for lists, and stands under the list's own key")]),
    ("args: {$replace: x}", [(1, 18, "wrong-type", "expected a list, found 'x'", "write a list: [x]")]),
    ("ports: {http: {$replace: 70000}}", [(1, 26, "bad-value", f"expected {PORT}, found the number 70000", None)]),
    ("probes: {liveness: {$replace: {prots: 1}}}", [(1, 32, "unknown-field", "unknown field 'prots'", PROBE_FIELDS)]),
    # references
    ('drainSeconds: "1${values.x}"', [(1, 15, "bad-value", "expected a number of seconds, or one reference and nothing beside it, found '1${values.x}'", None)]),
    ("type: ${values.type}", [(1, 7, "bad-name", f"expected {NAME}, found '${{values.type}}'", None)]),
    ("profile: ${values.profile}", [(1, 10, "bad-value", "expected 'recommended', 'baseline' or 'none', found '${values.profile}'", None)]),
    ("containers: ${values.containers}", [(1, 13, "wrong-type", "expected a map, found '${values.containers}'", None)]),
    ("dependsOn: ['${values.x}']", [(1, 13, "bad-name", f"expected {NAME}, found '${{values.x}}'", None)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WORKLOADS, ids=[text[:40] for text, _ in WORKLOADS])
def test_mistakes_in_a_workload(text: str, expected: list[Finding]) -> None:
    assert workload(text, "job" if text.startswith("job") else "service") == expected


FIELDS_OF_TYPES: list[tuple[str, str, list[Finding]]] = [
    ("service", "schedule: 61 * * * *", [(1, 1, "wrong-field", "'schedule' is not a field of a service", "remove it, or change the type: it is a field of a cronjob")]),
    ("cronjob", "schedule: 61 * * * *", [(1, 11, "bad-value", f"expected {CRON}, found '61 * * * *'", None)]),
    ("cronjob", "schedule: 0 3 * *", [(1, 11, "bad-value", f"expected {CRON}, found '0 3 * *'", None)]),
    ("cronjob", "timeZone: Mars City", [(1, 11, "bad-value", "expected a time zone such as Europe/Oslo or Etc/UTC, found 'Mars City'", None)]),
    ("service", "rollout: {partition: 01}", [(1, 11, "wrong-field", "'rollout.partition' is not a field of a service", "remove it, or change the type: it is a field of a stateful")]),
    ("stateful", "rollout: {progressDeadlineSeconds: 1}",
     [(1, 11, "wrong-field", "'rollout.progressDeadlineSeconds' is not a field of a stateful", "remove it, or change the type: it is a field of a service or worker")]),
    ("cronjob", "schedule: 0 3 * * *\njob: {phase: pre-deploy}", [(2, 7, "wrong-field", "'job.phase' is not a field of a cronjob", "remove it, or change the type: it is a field of a job")]),
    ("daemon", "scale: 3\ndisruption: false\nspread: false", [
        (1, 1, "wrong-field", "'scale' is not a field of a daemon", "remove it, or change the type: it is a field of a service, worker or stateful"),
        (2, 1, "wrong-field", "'disruption' is not a field of a daemon", "remove it, or change the type: it is a field of a service, worker or stateful"),
        (3, 1, "wrong-field", "'spread' is not a field of a daemon", "remove it, or change the type: it is a field of a service, worker or stateful"),
    ]),
    ("service", "volumes: {v: {persistent: {size: 1Gi, retain: {whenScaled: Delete}}}}",
     [(1, 39, "wrong-field", "'volumes.v.persistent.retain' is not a field of a service", "remove it, or change the type: it is a field of a stateful")]),
]  # fmt: skip


@pytest.mark.parametrize(("base", "text", "expected"), FIELDS_OF_TYPES)
def test_fields_that_a_type_does_not_have(base: str, text: str, expected: list[Finding]) -> None:
    assert workload(text, base) == expected


def test_a_cronjob_has_a_shorter_name() -> None:
    name = "a" * 53
    found = findings(HEAD.format(kind="Application", more="") + f"spec: {{workloads: {{{name}: {{type: cronjob}}}}}}\n")
    message = "expected a name of at most 52 characters for a cronjob, found one of 53"
    assert found == [(4, 20, "bad-name", message, "Kubernetes adds to it to name the jobs: shorten it")]


DOCUMENTS: list[tuple[str, str, str, list[Finding]]] = [
    ("Application", "", "", [(-2, 1, "missing-field", "expected 'spec' here, found nothing", None)]),
    ("Application", "", "spec: {workload: {}}", [(1, 8, "unknown-field", "unknown field 'workload'", "did you mean 'workloads'?")]),
    ("Application", "", "spec: {components: {}}", [(1, 8, "unknown-field", "unknown field 'components'", "here it is called 'workloads'")]),
    ("Application", "", "spec: {resources: {db: {type: postgres}}}", [(1, 8, "not-supported", "'resources' is not supported by this version of gitopsc", LATER)]),
    ("Application", "", "spec: [a]", [(1, 7, "wrong-type", "expected a map, found a list", None)]),
    ("Application", "", "spec:", [(1, 6, "wrong-type", "expected a map, found nothing", None)]),
    ("Application", "", "spec: {}\nx-anchors: {a: 1}", []),
    ("Application", "", "spec: {}\nfoo: 1", [(2, 1, "unknown-field", "unknown field 'foo'", "there are: apiVersion, kind, metadata, spec")]),
    ("Application", "", "spec: {features: {a: maybe}}", [(1, 22, "wrong-type", "expected true or false, found 'maybe'", None)]),
    ("Application", "", "spec: {features: {a: '${values.x}'}}", [(1, 22, "wrong-type", "expected true or false, found '${values.x}'", None)]),
    ("Application", "", "spec: {values: {zip: 01234}}", [(1, 22, "leading-zero", "expected an integer without a leading zero, found 01234", 'write 1234, or quote it: "01234"')]),
    ("Application", "", "spec: {workloads: {Web: {}}}", [(1, 20, "bad-name", f"expected {NAME}, found 'Web'", "write it in lower case: web")]),
    ("Application", "", "spec: {workloads: {web: [a]}}", [(1, 25, "wrong-type", "expected a map, found a list", None)]),
    ("Application", "", "spec: {configs: {a: {k: 1}}}", [(1, 25, "wrong-type", "expected text, found the number 1", 'quote it: "1"')]),
    ("Application", "", "spec: {manifests: {a: {}}}", [(1, 20, "bad-name", "expected an object as Kind/name, such as Secret/mysql-pass, found 'a'", None)]),
    ("Application", "", "spec: {patches: [{target: {kind: Deployment}, merge: {}}]}", [(1, 19, "missing-field", "expected 'name' here, found nothing", None)]),
    ("Application", "", "spec: {patches: [{target: {kind: D, name: n}}]}", [(1, 18, "missing-field", "expected one of merge and json here, found none", None)]),
    ("Application", "", "spec: {patches: [{target: {kind: D, name: n}, json: [{op: copy, path: a}]}]}",
     [(1, 71, "bad-value", "expected a JSON pointer such as /spec/replicas, found 'a'", None)]),
    ("Overlay", "", "environments: [prod]\nspec: {}", [(0, 1, "missing-field", "expected 'application' here, found nothing", None)]),
    ("Overlay", ", application: shop", "spec: {}", [(-2, 1, "missing-field", "expected 'environments' or 'features' here, found nothing", None)]),
    ("Overlay", ", application: shop", "environment: [prod]\nspec: {}", [(1, 1, "unknown-field", "unknown field 'environment'", "did you mean 'environments'?")]),
    ("Overlay", ", application: shop", "environments: prod\nspec: {}", [(1, 15, "wrong-type", "expected a list of at least 1 item, found 'prod'", "write a list: [prod]")]),
    ("Overlay", ", application: shop", "environments: []\nspec: {}", [(1, 15, "bad-value", "expected a list of at least 1 item, found an empty list", None)]),
    ("Overlay", ", application: shop", "environments: [a, a]\nspec: {}", [(1, 15, "bad-value", "expected a list in which each item stands once, found the same item twice", None)]),
    ("Workspace", "", "spec: {}", [(1, 1, "missing-field", "expected 'kubernetesVersion' here, found nothing", None)]),
    ("Workspace", "", "spec: {kubernetesversion: '1.33'}", [(1, 8, "unknown-field", "unknown field 'kubernetesversion'", "did you mean 'kubernetesVersion'?")]),
    ("Workspace", "", "spec: {kubernetesVersion: 1.30}",
     [(1, 27, "wrong-type", 'expected a minor version of Kubernetes in quotes, such as "1.34", found the number 1.30', 'quote it: "1.30"')]),
    ("Workspace", "", "spec: {kubernetesVersion: '1.33', policy: {latest: no}}", [(1, 52, "bad-value", "expected 'deny', 'warn' or 'allow', found 'no'", None)]),
    ("Workspace", "", "spec: {kubernetesVersion: '1.33', environmentRepository: {url: 'ext::sh -c x'}}",
     [(1, 64, "bad-value", "expected a repository's URL: https://…, ssh://… or user@host:path (a path on this machine is given with --repository), found 'ext::sh -c x'", None)]),
    ("Workspace", "", "spec: {kubernetesVersion: '1.33', environmentRepository: {url: 'file:///x'}}",
     [(1, 64, "bad-value", "expected a repository's URL: https://…, ssh://… or user@host:path (a path on this machine is given with --repository), found 'file:///x'", None)]),
    ("Workspace", "", "spec: {kubernetesVersion: '1.33', defaults: {workload: {lables: {a: b}}}}", [(1, 57, "unknown-field", "unknown field 'lables'", "did you mean 'labels'?")]),
    ("Workspace", "", "spec: {kubernetesVersion: '1.33', defaults: {service: {}}}", [(1, 46, "unknown-field", "unknown field 'service'", "there are: workload, type")]),
    ("Workspace", "", "spec: {kubernetesVersion: '1.33', defaults: {type: {cronjob: {scale: 3}}}}", []),
    ("Environment", "", "spec: {target: {cluster: c, namespace: Prod}}",
     [(1, 40, "bad-value", "expected a namespace: at most 63 lower-case letters, digits and '-', found 'Prod'", "write it in lower case: prod")]),
    ("Environment", "", "spec: {extends: '${x}'}", [(1, 17, "bad-name", f"expected {NAME}, found '${{x}}'", None)]),
    ("Environment", "", "spec: {facts: {routing: {kind: gatway}}}", [(1, 32, "bad-value", "expected 'gateway', 'ingress' or 'none', found 'gatway'", "did you mean 'gateway'?")]),
    ("Environment", "", "spec: {engine: argo}", [(1, 16, "bad-value", "expected 'gitopsc', 'flux' or 'argocd', found 'argo'", "did you mean 'argocd'?")]),
    ("Environment", "", "spec: {reconcile: {interval: 60}}", [(1, 30, "wrong-type", "expected a duration such as 30s, 5m or 1h30m, found the number 60", 'quote it: "60"')]),
    ("Environment", "", 'spec: {alerts: [{"on": [drift], to: {env: A, secret: {name: a, key: b}}}]}',
     [(1, 46, "one-of", "expected one of 'env' and 'secret', found both", "keep one of them: the other is 'env'")]),
    ("ComponentType", "", "spec: {extends: service, templates: [{when: true}]}", [(1, 38, "missing-field", "expected one of file and inline here, found none", None)]),
    ("ComponentType", "", "spec: {extends: service, kinds: [configmap]}",
     [(1, 34, "bad-value", "expected a kind, such as Deployment or Certificate.cert-manager.io, found 'configmap'", None)]),
    ("ComponentType", "", "spec: {extends: service, schema: {properties: {image: {type: string}}}}",
     [(1, 48, "bad-name", "expected a name that no field of a workload has, found 'image'", "call the type's field otherwise")]),
    ("ComponentType", "", "spec: {provides: {resource: postgres}, defaults: {size: 1Gi}}", []),
    ("Pipeline", "", "spec: {applications: [a], stages: []}", [(1, 35, "bad-value", "expected a list of at least 1 item, found an empty list", None)]),
    ("Aplication", "", "spec: {}", [(-1, 7, "unknown-kind", "expected one of Workspace, Environment, Application, Overlay, ComponentType, Pipeline, found 'Aplication'", "did you mean 'Application'?")]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "more", "text", "expected"), DOCUMENTS, ids=[f"{kind}: {text[:40]}" for kind, _, text, _ in DOCUMENTS])
def test_mistakes_in_a_document(kind: str, more: str, text: str, expected: list[Finding]) -> None:
    assert of(kind, text, more) == expected


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".git",
        "git~1",
        ".GIT",
        "-rf",
        "con",
        "lpt1",
        "a/b",
        "a" * 64,
        "a" * 254,
        "sh\u043ep",
        "Shop",
        "shop\n",
        "shop\n---\nkind: ClusterRoleBinding",
        "a.b",
        "1a",
        "a-",
        "",
    ],
)
def test_names_of_applications_that_are_refused(name: str) -> None:
    import json

    head = "apiVersion: gitopsc.dev/v1alpha1\nkind: Application\n"
    found = findings(f"{head}metadata: {{name: {json.dumps(name)}}}\nspec: {{}}\n")
    assert [(f[0], f[1], f[2]) for f in found] == [(3, 18, "bad-name")]
    assert found[0][3].startswith(f"expected {DOCUMENT_NAME}, found '")


def test_score_is_for_later() -> None:
    found = findings("apiVersion: score.dev/v1b1\nmetadata: {name: a}\ncontainers: {}\n")
    assert [(f[0], f[1], f[2], f[3]) for f in found] == [(1, 13, "not-supported", "'score.dev/v1b1' is not supported by this version of gitopsc")]


def test_thirty_mistakes_come_out_at_once_and_in_order() -> None:
    seen: dict[str, str] = {}
    for text, _ in WORKLOADS:
        seen.setdefault(text.partition(":")[0], text)
    chosen = [text for text in seen.values() if "\n" not in text and not text.startswith("job")]
    found = workload("\n".join(chosen))
    expected = [(line, *rest) for line, text in enumerate(chosen, 1) for _, *rest in dict(WORKLOADS)[text]]
    assert len(expected) >= 25
    assert found == sorted(expected)


def test_what_an_alias_stands_for_is_told_once() -> None:
    head = HEAD.format(kind="Application", more="")
    text = head + "spec:\n  workloads:\n    a: {env: &e {A: [x]}}\n    b: {env: *e}\n"
    assert [f[:3] for f in findings(text)] == [(6, 21, "wrong-type")]


def test_nothing_is_missing_where_something_could_not_be_read() -> None:
    found = findings("apiVersion: gitopsc.dev/v1alpha1\nkind: Workspace\nmetadata: {name: a}\nspec: {kubernetesVersion: .nan}\n")
    assert [f[2] for f in found] == ["number-out-of-range"]


@pytest.mark.parametrize(
    ("image", "fine"),
    [
        ("nginx", True),
        ("nginx:latest", True),
        ("localhost:5000/nginx", True),
        ("registry.example.com:5000/a/b_c/d--e:v1", True),
        ("a@sha256:" + "0" * 64, True),
        ("Nginx:1", False),
        ("nginx:", False),
        (":1", False),
        ("registry.example.com:5000/", False),
        ("https://ghcr.io/a", False),
        ("a b", False),
        ("a:" + "1" * 129, False),
        ("a@sha256:123", False),
        ("a//b", False),
        ("a/" * 300 + "b:1", False),
    ],
)
def test_images(image: str, fine: bool) -> None:
    assert [f[2] for f in workload(f"image: '{image}'")] == ([] if fine else ["bad-value"])


def test_an_image_s_repository_has_at_most_255_characters() -> None:
    found = workload(f"containers: {{web: {{image: {{repository: {'a' * 256}}}}}}}", resolved=True)
    assert [(f[2], f[3].partition(", found")[0]) for f in found] == [
        ("bad-value", "expected an image's repository in lower case, such as ghcr.io/acme/web, of at most 255 characters")
    ]
