"""Forges: where branches become pull requests.

``site``
    ``site_of(url, said) -> Site | None``        which forge a repository is on; ``token_of(site, environ) -> str | None``
``opening``
    ``forge(site, token, environ) -> Forge``     GitHub, GitLab, Gitea, Forgejo behind one face (``request.Forge``)
    ``opened(forge, branch, base, title, body)`` the one open request of a branch: found and updated, else created
``pages``
    ``page(url, branch, base) -> str | None``    where a person opens one by hand: needs no token

Only ``opening`` and what it imports load an HTTP client.
"""
