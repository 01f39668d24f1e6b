"""Tables of validation cases, used by the unit tests and, where a case says so, put before a real API server."""

from tests.tables import network, others, pods, workloads

CASES = [*pods.CASES, *workloads.CASES, *network.CASES, *others.CASES]
