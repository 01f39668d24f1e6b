"""Forges: where branches become pull requests.

``pages``
    ``page(url, branch, base) -> str | None``    where a person opens one by hand, for hosts that are known
"""
