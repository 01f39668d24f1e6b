"""``ports`` of a container, and how its other fields name them."""

from __future__ import annotations

from gitopsc.render.lower.shape import add, copy_fields
from gitopsc.values import Map, Seq


def ports(container: Map) -> Seq:
    """``{n: {port, protocol, hostPort, named}}`` → ``[{name, containerPort, protocol, hostPort}]``."""
    declared = container.get("ports") or Map()
    out = Seq((), getattr(declared, "at", None))
    for name, port in declared.items():
        place = declared.place(name)
        entry = Map((), place)
        if port.get("named") is not False:
            entry.put("name", name, declared.key_place(name))
        copy_fields(port, entry, {"port": "containerPort"})
        entry.put("protocol", port.get("protocol", "TCP"), port.place("protocol"))
        copy_fields(port, entry, {"hostPort": "hostPort"})
        add(out, entry, place)
    return out


def port_reference(container: Map, name: str) -> str | int | None:
    """How a probe or a Service names a declared port: by its name, by number where it is not named; None where there is none."""
    declared = container.get("ports") or Map()
    if name not in declared:
        return None
    return name if declared[name].get("named") is not False else int(declared[name]["port"])


def first_port(container: Map) -> str | None:
    """The name of the first declared port."""
    return next(iter(container.get("ports") or ()), None)
