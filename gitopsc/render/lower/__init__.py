"""Lowering: one room a field of the specification. Each is a pure function from canonical fields to Kubernetes-shaped values
that keep the places of what a person wrote.
"""
