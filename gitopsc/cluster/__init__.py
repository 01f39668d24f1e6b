"""The room that speaks to an API server. Nothing of it is imported by a command that needs no cluster.

Each part and what it gives::

    deadline     Deadline(seconds | None): left() -> float, expired() -> bool, sooner(seconds) -> Deadline
    connection   Where(kubeconfig=None, context=None, target=None, allow_exec=False)
                 connect(where, environ, deadline=None) -> Connection(name, host, namespace, credentials, tls, proxy, server_name, impersonate, warnings)
    problems     Problem(Failure): status, reason, message, causes, retry_after, method, path, answer; .not_found .forbidden .invalid .conflict .uncertain
                 Unanswered(Problem): no answer worth the name (status 0): refused, TLS, reset, nonsense, deadline
    transport    Api(connection, *, deadline, in_flight=32, impersonate=None, call_seconds=10.0)
                 .request(method, path, *, query=None, body=None, content_type=JSON, accept=JSON, retry=True, expect=None, limit=…, known=None)
                 -> Answer(status, body, headers)
                 .map(function, items) -> list (in order; at most in_flight at once; the first exception is raised when the running ones have ended)
                 .fence: asked before each try of a request that may write
                 .acting_as(user | None, deadline=None) -> Api (same connections and counters) · .requests: Counter[method] · .warnings: dict[text, None]
                 .cancel() · .close()
    discovery    discover(api, cache=None) -> Kinds   (cache: the user's own cache folder);  Kinds.resource(api_version | group, kind) -> Resource | None
                 Resource(group, version, plural, kind, namespaced, verbs): .api_version, .path(namespace, name=None, subresource=None)
                 Kinds.warnings: tuple[Diagnostic, …] (a broken aggregated API), Kinds.broken: group/versions that could not be read
    objects      get(api, resource, name, namespace="") -> dict | None                  (None only for a certain 404 of this very object)
                 list_labelled(api, resource, selector="", namespace="") -> Listing(items, resource_version)     (complete, or raises)
                 apply(api, resource, data, *, dry_run=False, force=False, manager="gitopsc") -> dict
                 create(api, resource, data, *, dry_run=False) -> dict · replace(api, resource, data, *, subresource=None, dry_run=False) -> dict
                 patch(api, resource, name, namespace, changes, *, style="merge"|"json"|"strategic", subresource=None, dry_run=False) -> dict
                 delete(api, resource, name, namespace, *, uid=None, resource_version=None, propagation="Background", dry_run=False) -> dict | None
    watching     follow(api, resource, selector="", namespace="", *, stop: threading.Event, lasting=150) -> Iterator[Event(type, object)]
                 type: SYNC (object is the Listing: first, and after whatever may have been missed) ADDED MODIFIED DELETED
    health       health(obj, applied_generation=None, *, pods=(), storage_classes=(), expressions=None) -> Health(status, message): .is_current .is_terminal
                 vanished(manifest) -> Health, of an object that was applied and is gone · pods.cause(pods), pods.pod_selector(workload)
    lease        Lease(api, namespace, name, identity, *, duration=15.0): .acquire(stop) -> bool · .keep() · .fence() · .held · .lost: Event · .release()
                 refuse_while_held(api, namespace, name), for a single pass: Conflict naming the holder; writes nothing
    holders      holders(api, namespace) -> list[Held(name, holder, annotations, created)]: the live Leases of a namespace

``data`` is an object as a mapping with apiVersion, kind, metadata.
"""
