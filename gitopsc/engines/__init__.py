"""The room that writes down who reconciles an environment: gitopsc's own agent, Flux or Argo CD, as Kubernetes manifests.

Pure: what an environment holds comes in, manifests come out. It knows nothing of clusters or Git.

``subject``: ``Environment``, ``Application``: what must be known of an environment
``plurals``: the name of a kind's resource, which RBAC speaks of
``grants``: the rights that it takes to write some objects, and no others
``installation``: ``Agent(...)``: what an agent is installed with; ``pod``: its Deployment
``agent``: gitopsc in the cluster: ``agent(Agent(...)) -> manifests``
``flux``: ``flux(environment, Source(...)) -> manifests``: a GitRepository, and a Kustomization per application and wave
``argocd``: ``argocd(environment, Source(...)) -> manifests``: an Application per application
``guard``: one engine an environment
"""
