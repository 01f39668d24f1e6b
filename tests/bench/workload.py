"""The workload of the design's performance page: applications of one web service each, in three environments, five manifests a target."""

from __future__ import annotations

from pathlib import Path

ENVIRONMENTS = (("dev", "development"), ("staging", "staging"), ("prod", "production"))

WORKSPACE = """apiVersion: gitopsc.dev/v1alpha1
kind: Workspace
metadata: {name: bench}
spec:
  kubernetesVersion: "1.33"
"""

ENVIRONMENT = """apiVersion: gitopsc.dev/v1alpha1
kind: Environment
metadata: {{name: {name}}}
spec:
  stage: {stage}
  target: {{cluster: {name}-1, namespace: "${{app.name}}"}}
  facts:
    domain: {name}.example.com
    routing: {{kind: gateway, parentRef: {{name: public, namespace: gateway-system}}}}
"""

APPLICATION = """apiVersion: gitopsc.dev/v1alpha1
kind: Application
metadata:
  name: {name}
spec:
  owner: team-{team}
  values:
    logLevel: info
  workloads:
    {name}:
      image: ghcr.io/acme/{name}:1.{minor}.{patch}@sha256:{digest:064x}
      ports: {{http: {port}}}
      env:
        LOG_LEVEL: ${{values.logLevel}}
        GREETING: Hello from ${{env.name}}
        INDEX: {index}
      probes:
        readiness: /readyz
        liveness: /healthz
      resources:
        requests: {{cpu: {cpu}m, memory: {memory}Mi}}
      routes:
        {name}: {{host: "{name}.${{env.facts.domain}}"}}
"""


def write_workspace(root: Path, applications: int) -> None:
    """A workspace of so many applications below ``root``: the same bytes every time."""
    (root / "environments").mkdir(parents=True)
    (root / "gitopsc.yaml").write_text(WORKSPACE)
    for name, stage in ENVIRONMENTS:
        (root / "environments" / f"{name}.yaml").write_text(ENVIRONMENT.format(name=name, stage=stage))
    for index in range(applications):
        folder = root / "apps" / f"app-{index:04d}"
        folder.mkdir(parents=True)
        (folder / "app.yaml").write_text(application(index))


def application(index: int, patch: int | None = None) -> str:
    """One application's document; ``patch`` gives it another version."""
    return APPLICATION.format(
        name=f"app-{index:04d}",
        team=index % 40,
        minor=index % 10,
        patch=index % 7 if patch is None else patch,
        digest=index,
        port=8000 + index % 1000,
        index=index,
        cpu=50 + index % 50,
        memory=64 + index % 64,
    )
