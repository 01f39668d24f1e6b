"""``gitopsc approve``: a person's word that a release may come to an environment, exactly as it is rendered there."""

from __future__ import annotations

from typing import Any

from gitopsc.choosing import Said
from gitopsc.deciding import Subject, subjects
from gitopsc.delivery.verdict import approvers, mail_of
from gitopsc.diagnostics import Invalid
from gitopsc.judging import noted
from gitopsc.moving import shown
from gitopsc.opening import Environments
from gitopsc.options import Options
from gitopsc.report.result import Result

KIND = "ApproveResult"
NOBODY = "gitopsc@localhost"


def approve(options: Options, application: str, to: str, said: Said, *, reason: str | None, source: str | None, dry_run: bool = False) -> Result:
    """Record the approval in each environment of ``to``. Approved already by the same person: nothing changes.

    Raises ``Invalid`` where nothing is to be approved, or nobody is known to Git, ``Failure``.
    """
    with subjects(options, application, to, said, source) as (there, found):
        who = there.person()
        if mail_of(who) in ("", NOBODY) and not dry_run:
            raise Invalid("expected to know who approves, found no Git identity", hint="git config user.name and user.email say it", code="nobody")
        rows = [_one(there, subject, who, reason, dry_run=dry_run) for subject in found]
        data: dict[str, Any] = {"changed": any(row["changed"] for row in rows), "approvals": rows}
        text = [f"{row['environment']}/{application}: {row['words']}" for row in rows]
        return Result(KIND, data, tuple(there.notices()), text="\n".join(text) + "\n")


def _one(there: Environments, subject: Subject, who: str, reason: str | None, *, dry_run: bool) -> dict[str, Any]:
    release, rendered = subject.lock.release, subject.rendered()
    already = mail_of(who) in approvers(there.records(*subject.pair), release.id, rendered)
    if not already and not dry_run:
        noted(there, "approved", subject.pair, release=release.id, rendered=rendered, generation=subject.generation, reason=reason)
    word = "approved already" if already else "would approve" if dry_run else "approved"
    return {
        "environment": subject.environment,
        "application": subject.pair[1],
        "release": release.id,
        "version": release.version,
        "rendered": rendered,
        "by": who,
        "changed": not already and not dry_run,
        "words": f"{word} {shown(subject.lock)} ({release.id}) by {who}",
    }
