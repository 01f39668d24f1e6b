"""``gitopsc install``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, argument, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, environment: str, url: str | None, image: str | None, shard: str | None, selector: str | None) -> Result:
    """The manifests of the agent."""
    from gitopsc.install import install
    from gitopsc.shards import parse_shard

    return install(options, environment, url, image, parse_shard(shard, selector))


COMMAND = Command(
    name="install",
    kind="InstallResult",
    summary="Print the manifests of an agent that reconciles one environment from inside its cluster.",
    steps=(
        "Read the environment at the tip of its repository: its rules, and which kinds its applications have in which namespaces.",
        "Give the agent the least rights for that: it reads these kinds, and writes them where they are; no rule has a '*'.",
        "With reconcile.serviceAccount it writes nothing itself: each application's account may, and the agent may impersonate these.",
        "Print everything as YAML documents, a Deployment of two replicas last, and say which Secrets to make. Nothing is applied.",
        "Run it again when an application brings a new kind or namespace: a commit alone gives the agent no right.",
    ),
    example=("gitopsc build", "gitopsc install dev --url https://git.example.com/shop/environments.git", "gitopsc install prod --selector tier=web"),
    parameters=(
        argument("environment", "ENV", "The environment.", required=True),
        option("url", "--url", metavar="URL", text="Where the agent reads the environment repository; its own address if not given."),
        option("image", "--image", metavar="REF", text="The image of gitopsc; the release of this one if not given."),
        option("shard", "--shard", metavar="I/N", text="The agent of one of N shards, with the rights for its applications alone."),
        option("selector", "-l", "--selector", metavar="SELECTOR", text="The agent of the applications whose metadata.labels it selects."),
    ),
    run=run,
    workspace=False,
)
