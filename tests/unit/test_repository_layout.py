"""Names of folders and files in an environment repository (D4, D5)."""

import random

import pytest

from gitopsc.objects import ObjectRef
from gitopsc.repository.layout import case_clashes, check_name, file_names, gitattributes


@pytest.mark.parametrize("name", ["checkout", "prod-eu", "a", "0", "a.b", "v1.2", "console", "a_b"])
def test_names_that_can_be_folders(name: str) -> None:
    assert check_name(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", ".git", ".GIT", ".Git", "git~1", "GIT~2", ".gitattributes", ".gitmodules", ".github", ".gitlab-ci.yml",
        "-rf", "--", "a/b", "a\\b", "a b", "con", "CON", "nul.txt", "com1", "lpt9.x", "aux", "a.", "a\n", "a\0",
        "\u200b.git", ".g\u200cit", "\u0430", "x" * 254, "release.lock", "Environment.Lock", "gitopsc.lock",
    ],
)  # fmt: skip
def test_d4_names_that_mean_something_else_are_refused(name: str) -> None:
    assert check_name(name)


def _names(*refs: tuple[str, str, str, str]) -> list[str]:
    return list(file_names([ObjectRef(*ref) for ref in refs]).values())


def test_one_object_a_file() -> None:
    assert _names(("apps", "Deployment", "shop", "web"), ("", "ConfigMap", "shop", "web")) == ["deployment-web.yaml", "configmap-web.yaml"]


def test_odd_characters_are_percent_encoded() -> None:
    assert _names(("rbac.authorization.k8s.io", "ClusterRole", "", "system:a/b c~é%")) == ["clusterrole-system%3Aa%2Fb%20c%7E%C3%A9%25.yaml"]


def test_namespaces_tell_equal_names_apart() -> None:
    assert _names(("", "Service", "a", "web"), ("", "Service", "b", "web"), ("", "Service", "a", "api")) == [
        "service-web-a.yaml",
        "service-web-b.yaml",
        "service-api.yaml",
    ]


def test_groups_tell_equal_names_apart() -> None:
    assert _names(("", "Service", "a", "web"), ("serving.knative.dev", "Service", "a", "web")) == [
        "service-web-core.yaml",
        "service-web-serving.knative.dev.yaml",
    ]


def test_letter_case_tells_no_names_apart() -> None:
    names = _names(("x", "Role", "a", "Web"), ("x", "Role", "a", "web"), ("x", "Role", "b", "WEB"))
    assert len({name.casefold() for name in names}) == 3
    assert all(name.startswith(("role-Web-", "role-web-", "role-WEB-")) for name in names)


def test_a_suffix_that_makes_another_name_is_resolved_too() -> None:
    names = _names(("", "Service", "b", "a"), ("", "Service", "c", "a"), ("", "Service", "d", "a-b"))
    assert len({name.casefold() for name in names}) == 3


def test_names_do_not_depend_on_the_order_of_objects() -> None:
    refs = [
        ObjectRef(group, kind, namespace, name)
        for group in ("", "x")
        for kind in ("Service", "SERVICE")
        for namespace in ("", "a", "b")
        for name in ("w", "W", "w-a")
    ]
    expected = file_names(refs)
    assert len({name.casefold() for name in expected.values()}) == len(refs)
    for seed in range(20):
        shuffled = random.Random(seed).sample(refs, len(refs))
        assert file_names(shuffled) == expected


def test_long_names_fit_into_a_file_system() -> None:
    names = _names(("x", "Widget", "a", "n" * 253), ("x", "Widget", "a", "n" * 252 + "m"), ("x", "Widget", "a", ":" * 200))
    assert len(set(names)) == 3
    assert all(len(name.encode()) <= 255 and name.startswith("widget-") and name.endswith(".yaml") for name in names)


def test_gitattributes_of_others_are_theirs() -> None:
    assert gitattributes(None) == b"*.yaml linguist-generated\n"
    assert gitattributes(b"* text\n") is None


def test_d5_folders_that_differ_in_letter_case_alone() -> None:
    assert case_clashes(["a", "A", "b"]) == {"a": ["a", "A"]}
