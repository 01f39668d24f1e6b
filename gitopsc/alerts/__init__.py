"""The room that tells people: one alert per event, one when it is over, none repeated, and no sink that can hold anything up.

``event``: ``Event(word, environment, application, subject, summary, details)``, ``WORDS``
``book``: what is known and who was told what, pure
    ``Book.advance(events, judged, now)``        the events of a pass; ``judged``: the (word, application) pairs that it could judge
    ``Book.due(sink, words, now, reminder) -> list[Notice]`` · ``Book.told(sink, notices, now)`` · ``Book.settle(sinks, now)`` · ``.dump()``, ``load(text)``
``sinks``: ``routes(alerts, look_up) -> (Sinks, diagnostics)``: the environment's routes, their addresses looked up
``delivery``: ``Courier(sink, book, …)``: a thread for each sink that delivers what is due, again and again until it arrives
``wording``: a notice as a message, as Alertmanager's alert, as a Kubernetes Event
``post``: a program of its own: one delivery, in a process that can be ended at its deadline and that cannot reach a link-local address
"""
