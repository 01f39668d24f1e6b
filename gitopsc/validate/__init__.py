"""Validation of rendered manifests: Kubernetes schemas, rules by kind, policies, references between objects, collisions."""
