"""Shards by label before the real API server: each application has exactly one reconciler, and one that has none is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitopsc.diagnostics import Conflict, Invalid
from gitopsc.install import install
from gitopsc.options import Options
from gitopsc.shards import Shard, lease_name, parse_shard
from tests.cluster.stage import HOME, Object, Stage, config
from tests.cluster.watcher import Sink, Start, Watcher, data
from tests.kube import ApiServer
from tests.waiting import until

pytestmark = pytest.mark.cluster
WEB, REST = {"tier": "web"}, {"tier": "rest"}


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


def shard(selector: str) -> Shard:
    found = parse_shard(None, selector)
    assert found is not None
    return found


def lease(stage: Stage, selector: str) -> Object:
    status, body = stage.server.ask("GET", f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/{lease_name(stage.environment, shard(selector))}")
    return dict(body) if status == 200 else {}


def has(watcher: Watcher, application: str) -> bool:
    """Whether it was among the applications of a watcher's last pass."""
    page = watcher.ask("/metrics")[1]
    return any(line.startswith("gitopsc_release_info{") and f'application="{application}"' in line for line in page.splitlines())


def number(watcher: Watcher, name: str) -> float | None:
    found = [line.rpartition(" ")[2] for line in watcher.ask("/metrics")[1].splitlines() if line.startswith(f"{name}{{")]
    return float(found[0]) if found else None


def two(stage: Stage, k: str = "1", api: dict[str, str] | None = WEB, db: dict[str, str] | None = None) -> None:
    """Two applications of a ConfigMap each, named like them."""
    labels = {"api": api or {}, "db": db or {}}
    stage.publish(labels=labels, api=[config("api", stage.namespace, k=k)], db=[config("db", stage.namespace, k=k)])


def test_a_pass_is_over_what_is_selected(stage: Stage) -> None:
    two(stage)
    ran = stage.run(shard=shard("tier in (web)"))
    assert (ran.status, [row["name"] for row in ran.result.data["applications"]]) == (0, ["api"])
    assert (data(stage, "api"), data(stage, "db")) == ({"k": "1"}, None)
    ran = stage.run(shard=shard("!tier"))
    assert [row["name"] for row in ran.result.data["applications"]] == ["db"]
    assert stage.run(shard=Shard((1, 1))).result.data["applications"] != []
    with pytest.raises(Invalid, match="found both: api and tier=web"):
        stage.run("api", shard=shard("tier=web"))


def test_a_selector_of_nothing_is_told_and_changes_nothing(stage: Stage) -> None:
    two(stage)
    ran = stage.run(shard=shard("teir=web"))
    assert (ran.status, ran.result.data["applications"]) == (0, [])
    assert "expected teir=web to select an application" in ran.said
    assert "have the keys tier" in ran.said
    assert data(stage, "api") is None


def test_each_shard_has_its_lease_and_a_single_pass_keeps_out_of_it(stage: Stage, start: Start) -> None:
    two(stage)
    web = start("-l", "tier=web")
    until(lambda: data(stage, "api") == {"k": "1"} and has(web, "api"))
    assert data(stage, "db") is None
    held = lease(stage, "tier==web")
    assert held["metadata"]["annotations"] == {"gitopsc.dev/selector": "tier=web"}
    with pytest.raises(Conflict) as refused:
        stage.run()
    assert str(held["spec"]["holderIdentity"]) in refused.value.message
    assert "(api)" in refused.value.message
    for wish in ({"shard": shard("tier")}, {"shard": Shard((1, 1))}):
        with pytest.raises(Conflict):
            stage.run(**wish)
    with pytest.raises(Conflict):
        stage.run("api")
    assert stage.run("api", dry_run=True).status == 0
    assert stage.run("db").status == 0
    assert data(stage, "db") == {"k": "1"}
    assert web.ended() == 0
    assert stage.run().status == 0


def test_what_moves_to_another_shard_stays_and_what_is_removed_is_pruned_once(stage: Stage, start: Start) -> None:
    two(stage)
    web, rest = start("-l", "tier=web"), start("-l", "tier!=web")
    until(lambda: has(web, "api") and has(rest, "db"))
    before = stage.live("ConfigMap", "api")["metadata"]["uid"]
    two(stage, "2", api=REST)
    until(lambda: has(rest, "api") and not has(web, "api"))
    until(lambda: data(stage, "api") == {"k": "2"})
    assert stage.live("ConfigMap", "api")["metadata"]["uid"] == before
    since = stage.mark()
    stage.publish(labels={"api": REST}, api=None)
    until(lambda: stage.get("ConfigMap", "api") is None and stage.parent("api") is None)
    deletions = [one for one in stage.writes(since) if one.startswith("delete ")]
    assert deletions == [f"delete /api/v1/namespaces/{stage.namespace}/configmaps/api"]
    assert data(stage, "db") == {"k": "2"}
    assert [web.ended(), rest.ended()] == [0, 0]


def test_where_selectors_overlap_one_has_it_and_the_other_follows(stage: Stage, start: Start) -> None:
    two(stage)
    first = start("-l", "tier=web")
    until(lambda: has(first, "api"))
    made = datetime.fromisoformat(lease(stage, "tier=web")["metadata"]["creationTimestamp"])
    until(lambda: datetime.now(UTC) - made > timedelta(seconds=1))  # a server's time stamps have whole seconds
    second = start("-l", "tier in (web,api)")
    told = f"api is left to {lease_name(stage.environment, shard('tier=web'))}, which has it as well"
    until(lambda: second.passes >= 1)
    assert told in second.said
    assert (has(first, "api"), has(second, "api")) == (True, False)
    assert first.ended() == 0
    until(lambda: has(second, "api"))


def test_an_application_that_no_shard_has_is_told_once_and_when_it_is_over(stage: Stage, start: Start, sink: Sink) -> None:
    stage.lock["alerts"] = [{"on": ["failed"], "to": {"env": "CHAT"}}]
    stage.publish(labels={"api": WEB}, api=[config("api", stage.namespace, k="1")])
    chat = {"CHAT": f"json://{sink.host}/chat"}
    web, api = start("-l", "tier=web", **chat), start("-l", "tier=api", **chat)
    until(lambda: web.leads and api.leads)
    two(stage)
    title = f"{stage.environment}: db could not be applied (no shard has it)"
    until(lambda: sink.titles == [title])
    assert {number(one, "gitopsc_applications_unselected") for one in (web, api)} == {1.0}
    assert "db is in no shard: nobody reconciles it" in web.said
    assert data(stage, "db") is None
    two(stage, db={"tier": "api"})
    until(lambda: len(sink.titles) > 1 and data(stage, "db") == {"k": "1"})
    assert sink.titles == [title, f"resolved: {title}"]
    until(lambda: {number(one, "gitopsc_applications_unselected") for one in (web, api)} == {0.0})


def test_what_is_gone_for_good_is_missed_by_nobody(stage: Stage, start: Start) -> None:
    """A tombstone that no shard selects, of something that is in no cluster any more."""
    stage.publish(labels={"api": WEB}, api=[config("api", stage.namespace, k="1")], db=None)
    web = start("-l", "tier=web")
    until(lambda: web.passes >= 2 and has(web, "api"))
    assert number(web, "gitopsc_applications_unselected") == 0.0


def test_the_agent_of_a_selector_is_allowed_for_its_applications_alone(stage: Stage) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": stage.namespace}, "data": {"k": "dg=="}}
    stage.publish(labels={"api": WEB}, api=[config("api", stage.namespace, k="1")], db=[secret])
    options = Options(directory=stage.folder, repository=str(stage.repository), environ=stage.variables())

    def resources(selector: str) -> set[str]:
        listed = install(options, stage.environment, "https://git.example.com/e.git", None, shard(selector)).data["objects"]
        roles = [one for one in listed if one["kind"] == "Role" and one["metadata"]["namespace"] == stage.namespace]
        return {name for role in roles for rule in role["rules"] for name in rule["resources"]}

    assert resources("tier=web") == {"configmaps", "events"}
    assert resources("!tier") == {"secrets", "events"}
