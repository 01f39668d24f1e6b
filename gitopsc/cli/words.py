"""The words of the command line as data: what a command is made of, and the options that all commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

COMMANDS = (
    "init",
    "check",
    "render",
    "build",
    "diff",
    "explain",
    "bump",
    "reconcile",
    "promote",
    "gate",
    "approve",
    "record",
    "rollback",
    "hold",
    "resume",
    "adopt",
    "decommission",
    "status",
    "history",
    "audit",
    "install",
    "export",
    "schema",
    "types",
)
"""In the order of a newcomer's need. Each is a module of this package with a ``COMMAND``."""


class Parameter(NamedTuple):
    """One argument (no ``words``) or option. ``type``: ``text``, ``flag``, ``integer`` or ``number``. ``many``: may be repeated.
    ``pair``: takes two values.
    """

    name: str
    words: tuple[str, ...]
    help: str
    metavar: str = ""
    type: str = "text"
    many: bool = False
    pair: bool = False
    required: bool = False
    choices: tuple[str, ...] = ()
    default: Any = None
    hidden: bool = False

    @property
    def initial(self) -> Any:
        """Its value where it is not given."""
        return () if self.many else False if self.type == "flag" else self.default

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that give it: ``GITOPSC_ALLOW_DIRTY`` for ``--allow-dirty``."""
        return tuple(f"GITOPSC_{word.lstrip('-').replace('-', '_').upper()}" for word in self.words if word.startswith("--") or word == "-C")


class Command(NamedTuple):
    """A command: its words, its help, and the one call it makes. ``run`` gets ``Options`` and the command's own parameters by name,
    and gives a ``Result``. ``forms``: the output forms beside text, json and yaml. ``formed``: ``run`` gets the ``form`` too, as its text depends on it.
    ``writes``: it commits to the environment repository. ``verifies``: it looks at signatures.
    """

    name: str
    kind: str
    summary: str
    steps: tuple[str, ...]
    example: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    run: Callable[..., Any]
    forms: tuple[str, ...] = ()
    workspace: bool = True
    formed: bool = False
    writes: bool = False
    verifies: bool = False

    @property
    def every(self) -> tuple[Parameter, ...]:
        """Its own parameters and those it shares."""
        taken = {word for parameter in self.parameters for word in parameter.words}
        shared = (*(WRITING if self.writes else ()), *(VERIFYING if self.verifies else ()), *(WORKSPACE if self.workspace else ()), *GLOBAL)
        return (*self.parameters, *(parameter for parameter in shared if taken.isdisjoint(parameter.words)))


def argument(name: str, metavar: str, text: str, *, many: bool = False, required: bool = False) -> Parameter:
    """A word that stands by itself."""
    return Parameter(name, (), text, metavar, many=many, required=required)


def option(name: str, *words: str, text: str, metavar: str = "", many: bool = False, required: bool = False) -> Parameter:
    """A word that takes a value."""
    return Parameter(name, words, text, metavar, many=many, required=required)


def flag(name: str, *words: str, text: str) -> Parameter:
    """A word that is there or not."""
    return Parameter(name, words, text, type="flag")


SETS = option("sets", "--set", metavar="PATH=VALUE", many=True, text="A value for one path, before every other layer. May be repeated.")

LIMIT = Parameter("limit", ("--limit",), "Only so many, the newest.", "N", "integer")
ALLOWED_SIGNERS = option(
    "allowed_signers", "--allowed-signers", metavar="FILE", text="Verify signatures with these keys: OpenSSH's allowed signers, or OpenPGP."
)

GLOBAL = (
    option("directory", "-C", "--directory", metavar="DIR", text="Run as if started in this folder."),
    option("repository", "--repository", metavar="PATH|URL", text="The environment repository, before what the Workspace names; URL#BRANCH:FOLDER names all."),
    Parameter(
        "output",
        ("-o", "--output"),
        "The form of the result.",
        "FORM",
        choices=("text", "json", "yaml", "csv", "markdown", "sarif", "junit", "github", "gitlab"),
        default="text",
    ),
    flag("strict", "--strict", text="Warnings are errors."),
    flag("quiet", "-q", "--quiet", text="Only what was asked for, and errors."),
    flag("verbose", "-v", "--verbose", text="Say more of each finding."),
    flag("no_progress", "--no-progress", text="No progress bar."),
    Parameter("color", ("--color",), "Colours in text.", "WHEN", choices=("auto", "always", "never"), default="auto"),
    flag("version", "--version", text="Print the version and stop."),
)

_LIMITS = (
    ("spec_bytes", "integer", "Bytes of one file of the workspace."),
    ("depth", "integer", "Nesting in one document."),
    ("aliases", "integer", "Nodes that the aliases of one file may stand for."),
    ("render_seconds", "number", "Seconds that rendering one application may take."),
    ("render_mib", "integer", "Memory that rendering one application may take."),
    ("objects", "integer", "Manifests of one application."),
    ("object_bytes", "integer", "Bytes of one manifest."),
    ("git_seconds", "number", "Seconds that one Git command may take."),
    ("retries", "integer", "Tries to land a commit beside other writers."),
)
LIMITS = tuple(Parameter(f"limit_{name}", (f"--limit-{name.replace('_', '-')}",), text, "N", kind, hidden=True) for name, kind, text in _LIMITS)

WRITING = (flag("sign", "--sign", text="Sign what is committed, with the key that Git is configured with (SSH or GPG)."),)

VERIFYING = (option("allowed_signers", "--allowed-signers", metavar="FILE", text="Verify signatures with these keys: OpenSSH's allowed signers, or OpenPGP."),)

WORKSPACE = (
    Parameter("jobs", ("-j", "--jobs"), "How many processes may work at once.", "N", "integer"),
    flag("no_cache", "--no-cache", text="Use nothing that earlier builds left."),
    flag("allow_missing_schema", "--allow-missing-schema", text="List objects of unknown kinds instead of refusing them."),
    *LIMITS,
)


def arrange(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """The command's name (null: none), and all other words with those that stood before the name behind it."""
    takes = {word: parameter.type != "flag" for parameter in GLOBAL for word in parameter.words} | {"--completion": True}
    before: list[str] = []
    rest = list(argv)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        before.append(word)
        if takes.get(word) and rest:
            before.append(rest.pop(0))
    if not rest:
        return None, before
    name = rest.pop(0)
    if name == "help":
        return (rest[0], ["--help"]) if rest else (None, ["--help"])
    return name, before + rest


def glance(words: Sequence[str], environment: Mapping[str, str], parameter: Parameter) -> Any:
    """What a parameter would say if all words were good: for saying that they are not, in the form that was asked for."""
    found: Any = next((environment[name] for name in parameter.variables if environment.get(name)), parameter.initial)
    for index, word in enumerate(words):
        if word == "--":
            break
        for own in parameter.words:
            if parameter.type == "flag" and word == own:
                found = True
            elif parameter.type != "flag" and word == own and index + 1 < len(words):
                found = words[index + 1]
            elif parameter.type != "flag" and own.startswith("--") and word.startswith(f"{own}="):
                found = word.partition("=")[2]
            elif parameter.type != "flag" and not own.startswith("--") and word.startswith(own) and len(word) > 2:
                found = word[2:].removeprefix("=")
    return found if not parameter.choices or found in parameter.choices else parameter.initial
