"""The environment repository, as values: names of files, locks, and commits made by compare-and-swap.

This room takes bytes and strings; it knows nothing of specifications. It never prints, exits, changes directory or reads
``os.environ``: whoever calls it passes ``environ``. What a story needs, module by module:

``location``: which repository, validated before Git sees it (all raise ``Invalid``)
    ``embedded(root) -> Location``                    ``.gitopsc/environments`` in the workspace
    ``named(text, *, branch, path, start)``           of ``--repository``: https, ssh, file:// or a path
    ``written(text, *, branch, path, place)``         of a document: https and ssh alone
    ``Location.is_embedded``                          false: counts as remote, dirty sources need ``--allow-dirty``

``layout``: names
    ``check_name(name) -> str | None``                why an environment's or application's name cannot be a folder
    ``file_names(refs) -> dict[ObjectRef, str]``      one object a file, collisions resolved, in the order given
    ``RELEASE_LOCK``, ``ENVIRONMENT_LOCK``, ``REPOSITORY_LOCK``, ``GITATTRIBUTES``

``objects``: Git object ids without Git
    ``folder(files, algorithm="sha1") -> Folder``     files hashed once; ``Folder.tree`` is ``rendered``. Picklable: make it in a worker
    ``EMPTY_TREE[algorithm]``

``locks``: frozen dataclasses, each with ``dump() -> bytes``; ``Invalid`` for what cannot be read
    ``ReleaseLock``, ``read_release_lock(data, path)`` · ``RepositoryLock``, ``read_repository_lock(data, path)`` · ``EnvironmentLock``
    ``tombstone(...)``                                the lock of an application that is gone

``store``: read and commit
    ``open_repository(location, *, root, workspace, environ, create, deadline=60.0, sign=False) -> Repository``
        ``create=False`` and nothing there: ``Repository.exists`` is false, ``snapshot().revision`` is None, and nothing is made
    ``Repository.algorithm``  ``.notices``  ``.display``        "sha1" or "sha256" · sentences for the user · its name without credentials
    ``Repository.snapshot() -> Snapshot``             the branch's tip, fetched now; ``Invalid`` if it is another workspace's
    ``Snapshot.revision: str | None``                 None: no commit yet
    ``Snapshot.read(path) -> bytes | None``           a file; ``Snapshot.tree(path) -> dict[name, Entry]``, {} where absent
    ``Snapshot.environments() -> list[str]``          folders with an environment.lock
    ``Snapshot.applications(environment) -> list``    folders in it with a release.lock, tombstones too
    ``Snapshot.release(environment, application) -> ReleaseLock | None``   ``Invalid`` where the folder is not ours
    ``Snapshot.releases(pairs) -> dict``              the same for many in one round trip
    ``Snapshot.rendered(environment, application)``   tree id of what is there, recomputed without release.lock; None where absent
    ``Snapshot.files(environment, application) -> dict[name, bytes]``      what is there, release.lock left out

``publish``: the one way to write
    ``Changes(message, folders={(environment, application): (Folder, ReleaseLock)}, files={path: bytes | None})``
        a folder is replaced whole; a file is written or (None) deleted; nothing else is touched
    ``publish(repository, plan, *, deadline=60.0) -> Published(revision | None, snapshot, notices)``
        ``plan(snapshot) -> Changes | None`` is called again on each new tip, so it must be cheap and pure. Nothing changed: no commit,
        revision None. ``Conflict`` where a folder of ours changed meanwhile, ``Failure`` with the server's words where a push is refused
    ``next_generations(snapshot, pairs) -> dict[pair, int]``    lock + 1, or the highest in recent history + 1 after somebody's revert

``record``: ``Record``, ``new_record(kind, environment, application, *, release, rendered, generation, by, now, details) -> Record``, ``newest(records, now)``

``records``: what happened after the commit, on branch ``gitopsc-records/<environment>``
    ``Records(location, environment, *, root, environ, deadline, sign=False)``         a context manager
        ``.add(*records)``, ``.push() -> revision | None``: one commit with all that is pending; what does not arrive stays ``.pending``
        ``.many({application: since}, now)`` in one look, with all decisions · ``.of(application, now)`` newest first, lazily
        ``.signed(records, trust) -> ulids``: those that whoever they are ``by`` has signed
        ``.latest(application, *kinds)`` · ``.applications()`` · ``.refresh()`` · ``.identity()``

``history``
    ``history(repository, snapshot, environment, application) -> list[Past]``    newest first; ``past(…)`` the same, lazily
    ``Past(revision, time, author, lock)``            a lock as one commit wrote it
    ``histories``: ``Histories(repository, snapshot, pairs)``: the same of many from one walk; ``.of(environment, application)`` lazily · ``.close()``
        ``.position(revision)``: where a commit that was told stands, 0 is the newest
    ``manifests_at(repository, past) -> Folder | None``    the manifests of that commit; None where they are not what its lock says

``signature``: who signed a commit, whatever the repository's own configuration says
    ``read_trust(file) -> Trust``                     the keys of ``--allowed-signers``: OpenSSH's allowed signers, or OpenPGP public keys; ``Invalid``
    ``signature_of(snapshot, revision, trust) -> Signature``    ``signatures(snapshot, revisions, trust)``: the same for many at once
        ``Signature.word``: good | unsigned | unchecked (no ``trust``) | unknown | bad | expired | revoked; ``.is_good`` ``.is_by(person)`` ``.signer``

``message``: ``commit_message(subject, entries) -> str``, ``Entry(action, environment, application, release, generation, source, origin)``

``source``: the workspace as a Git repository
    ``source_state(root, inputs, *, environ) -> SourceState``   ``inputs``: every file that was read, path -> bytes or None (read it here)
        ``.repository`` without credentials · ``.commit`` · ``.dirty`` paths · ``.is_dirty``: no commit says what was rendered
    ``resolve_revision(root, text, *, environ)``, ``merge_base(root, one, other, *, environ)``, ``require_history(root, *, environ)``
    ``GitFiles(root, commit, *, environ, exclude, diagnostics, limits)``      ``Files`` of a revision: ``list()``, ``read(path)``, ``close()``
"""
