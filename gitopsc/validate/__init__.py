"""Validation of rendered manifests: Kubernetes schemas, rules, policies, references, collisions."""

from gitopsc.validate.collisions import Maker, collisions
from gitopsc.validate.references import Reference, missing, references_of
from gitopsc.validate.rules import Rules
from gitopsc.validate.validate import validate

__all__ = ["Maker", "Reference", "Rules", "collisions", "missing", "references_of", "validate"]
