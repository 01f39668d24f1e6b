"""Validation of what was rendered: one target's manifests against schemas, rules and policies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from gitopsc import kubernetes
from gitopsc.diagnostics import Diagnostic
from gitopsc.kubernetes import CustomKey, CustomKind, Minor
from gitopsc.objects import Manifest
from gitopsc.validate import schema
from gitopsc.validate.autoscaling import check_autoscaler
from gitopsc.validate.batch import check_cron_job, check_job
from gitopsc.validate.config import check_config_map, check_secret, is_encrypted
from gitopsc.validate.duplicates import Keyed, check_duplicates, keyed_lists
from gitopsc.validate.finding import Subject
from gitopsc.validate.grants import check_scope
from gitopsc.validate.links import check_links
from gitopsc.validate.metadata import check_metadata, check_size
from gitopsc.validate.networking import check_network_policy
from gitopsc.validate.pod_security import check_pod_security
from gitopsc.validate.pods import check_pod, pod_template
from gitopsc.validate.rbac import check_binding, check_role
from gitopsc.validate.rules import Rules
from gitopsc.validate.schema import Checker, Problem, UnusableSchema
from gitopsc.validate.services import check_service
from gitopsc.validate.storage import check_claim, check_claim_templates
from gitopsc.validate.versions import check_deprecated, say_missing
from gitopsc.validate.workloads import check_daemon_set, check_deployment, check_selector, check_stateful_set

Rule = Callable[[Subject], None]
RULES: dict[tuple[str, str], tuple[Rule, ...]] = {
    ("", "ConfigMap"): (check_config_map,),
    ("", "Secret"): (check_secret,),
    ("", "Service"): (check_service,),
    ("", "PersistentVolumeClaim"): (check_claim,),
    ("apps", "Deployment"): (check_selector, check_deployment),
    ("apps", "ReplicaSet"): (check_selector,),
    ("apps", "StatefulSet"): (check_selector, check_stateful_set, check_claim_templates),
    ("apps", "DaemonSet"): (check_selector, check_daemon_set),
    ("batch", "Job"): (check_job,),
    ("batch", "CronJob"): (check_cron_job,),
    ("autoscaling", "HorizontalPodAutoscaler"): (check_autoscaler,),
    ("networking.k8s.io", "NetworkPolicy"): (check_network_policy,),
    ("rbac.authorization.k8s.io", "Role"): (check_role,),
    ("rbac.authorization.k8s.io", "RoleBinding"): (check_binding,),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): (check_binding,),
}
"""Rules by group and kind, beside those of every object and of every pod."""


def validate(manifests: Sequence[Manifest], rules: Rules) -> list[Diagnostic]:
    """Everything wrong with the manifests of one application in one environment, in their order."""
    found: list[Diagnostic] = []
    sound: list[Subject] = []
    for manifest in manifests:
        subject = Subject(manifest, rules, found)
        if _check_object(subject):
            sound.append(subject)
    check_links(sound)
    _check_count(manifests, rules, found)
    return _once(found)


def _once(found: list[Diagnostic]) -> list[Diagnostic]:
    """The findings without those that say the same of the same place: one line of a spec may reach many objects."""
    groups: dict[tuple[object, ...], list[Diagnostic]] = {}
    for item in found:
        _, _, said = item.message.partition(": ")
        groups.setdefault((item.place or id(item), item.severity, item.code, said), []).append(item)
    out = []
    for first, *others in groups.values():
        more = f" (and so in {len(others)} more object{'s' if len(others) > 1 else ''})" if others else ""
        out.append(replace(first, message=f"{first.message}{more}"))
    return out


def _check_object(subject: Subject) -> bool:
    """One object by itself; whether its shape is right, so that rules may look into it."""
    group, kind = subject.manifest.ref.group, subject.kind
    check_metadata(subject)
    try:
        kind_rules = _kind(subject)
    except UnusableSchema as reason:
        message = f"the CustomResourceDefinition of {kind} in the workspace has a schema that cannot be used: {reason}"
        subject.error("unusable-schema", ("kind",), message, "correct the definition")
        return False
    if kind_rules is None:
        say_missing(subject)
        _check_namespace(subject, None)
        return False
    checker, keyed, namespaced = kind_rules
    _check_namespace(subject, namespaced)
    check_deprecated(subject)
    data: Any = subject.data
    if "sops" in data and kind == "Secret" and is_encrypted(data):
        data = {key: value for key, value in data.items() if key not in ("sops", "data", "stringData")}
    if not checker.is_valid(data) and not _say_problems(subject, checker, data):
        return False
    if keyed is not None:
        check_duplicates(subject, subject.data, keyed)
    for rule in RULES.get((group, kind), ()):
        rule(subject)
    template = pod_template(group, kind, subject.data)
    if template is not None:
        check_pod(subject, template[0].get("spec") or {}, (*template[1], "spec"))
        check_pod_security(subject, *template)
    check_size(subject)
    return True


def _say_problems(subject: Subject, checker: Checker, data: Any) -> bool:
    """Report what the schema pass found; whether the shape is right all the same."""
    problems: list[Problem] = list(checker.problems(data))
    for problem in problems:
        subject.error(problem.code, problem.path, problem.message, problem.hint)
    return not any(problem.structural for problem in problems)


def _check_namespace(subject: Subject, namespaced: bool | None) -> None:
    """Kinds of unknown scope are taken for namespaced, as their namespace says."""
    check_scope(subject, namespaced is not False)


def _check_count(manifests: Sequence[Manifest], rules: Rules, found: list[Diagnostic]) -> None:
    limit = rules.limits.objects
    if len(manifests) > limit:
        message = f"expected at most {limit} objects in one application, found {len(manifests)}"
        hint = "split the application, or raise the limit"
        found.append(Diagnostic("error", "object-limit", message, hint, manifests[0].origin, "", rules.environment or None, rules.application or None))


KindRules = tuple[Checker, Keyed | None, bool]


def _kind(subject: Subject) -> KindRules | None:
    """How to check a kind: from the workspace's own definitions, else from Kubernetes, else from those that gitopsc ships."""
    rules, manifest = subject.rules, subject.manifest
    api_version = manifest.api_version
    if rules.crds:
        group, _, version = api_version.rpartition("/")
        own = rules.crds.get((group, version, subject.kind))
        if own is not None:
            return _custom(rules.kubernetes, (group, version, subject.kind), _Same(own))
    return _built_in(rules.kubernetes, api_version, subject.kind)


class _Same:
    """A custom kind as a cache's key: the same one, not an equal one."""

    __slots__ = ("kind",)

    def __init__(self, kind: CustomKind) -> None:
        self.kind = kind

    def __hash__(self) -> int:
        return id(self.kind)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.kind is self.kind


@lru_cache(maxsize=256)
def _custom(version: Minor, key: CustomKey, kind: _Same) -> KindRules:
    checker = schema.custom(version, kind.kind)
    return checker, keyed_lists(checker.schema), kind.kind.namespaced


@lru_cache(maxsize=1024)
def _built_in(version: Minor, api_version: str, kind: str) -> KindRules | None:
    checker = schema.built_in(version, api_version, kind)
    if checker is None:
        return None
    return checker, keyed_lists(checker.schema), kubernetes.is_namespaced(api_version, kind) is not False
