"""``gitopsc export``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, Parameter, argument, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, engine: str, environments: tuple[str, ...], url: str | None, namespace: str | None, secret: str | None) -> Result:
    """The objects of another engine."""
    from gitopsc.export import export

    return export(options, engine, environments, url, namespace, secret)


COMMAND = Command(
    name="export",
    kind="ExportResult",
    summary="Print the objects that let Flux or Argo CD reconcile the environment repository.",
    steps=(
        "Read the environments at the tip of their repository; without ENV those whose engine it is, or all if there are none.",
        "For Flux, print a GitRepository and a Kustomization for each application, or for each wave of one that has an order.",
        "For Argo CD, print an Application for each application; target.cluster is the name under which Argo CD knows the cluster.",
        "Warn where the environment is another engine's, and of each of its rules that this one cannot keep.",
    ),
    example=("gitopsc build", "gitopsc export flux dev --url https://git.example.com/shop/environments.git", "gitopsc export argocd dev"),
    parameters=(
        Parameter("engine", (), "Whose objects.", "flux|argocd", choices=("flux", "argocd"), required=True),
        argument("environments", "ENV", "The environments.", many=True),
        option("url", "--url", metavar="URL", text="Where the engine reads the environment repository; its own address if not given."),
        option("namespace", "--namespace", metavar="NAME", text="Where the objects are; flux-system or argocd if not given."),
        option("secret", "--secret", metavar="NAME", text="For Flux: the Secret with the repository's credentials."),
    ),
    run=run,
    workspace=False,
)
