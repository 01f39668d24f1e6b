"""The room that keeps a reconciler going: when the next pass is, what ends one early, and what others may ask meanwhile.

It knows nothing of clusters or Git; what it runs, polls and holds is handed to it.

``pace``: ``Pace(interval, clock)``: when the next pass is due: interval with jitter, wakes with a pause between them, never a burst
``changes``: ``Changes``: which events of a watch are worth a pass (pure)
``metrics``: ``Metrics``: counters, gauges and histograms, as Prometheus reads them
``listener``: ``Listener(address, …)``: ``/metrics``, ``/healthz``, ``/readyz``, ``POST /hook``
``loop``: ``Loop(parts, …).run() -> int``: leads or waits, passes, and ends within seconds when it is told to
"""
