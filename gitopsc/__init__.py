"""gitopsc: a declarative GitOps configuration compiler."""

__version__ = "0.1.0"
