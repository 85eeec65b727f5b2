# Stands in for the published Argo CD image. Context: argocd and helm, the module's scripts.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        git tini ca-certificates gpg gpg-agent openssh-client \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 999 argocd \
    && useradd --system --uid 999 --gid 999 argocd \
    && mkdir -p /home/argocd /app/config/ssh /app/config/tls /app/config/gpg/source \
        /app/config/gpg/keys \
    && touch /app/config/ssh/ssh_known_hosts \
    && chown 999:0 /home/argocd /app/config/gpg/keys \
    && chmod g=u /home/argocd
COPY scripts/ helm argocd /usr/local/bin/
# One program with many names: it looks at the name it is started by.
RUN cd /usr/local/bin \
    && for name in server repo-server cmp-server application-controller dex notifications \
        applicationset-controller k8s-auth commit-server; do \
        ln -s argocd "argocd-$name"; done \
    && ln -s entrypoint.sh uid_entrypoint.sh
ENV USER=argocd GRPC_ENABLE_TXT_SERVICE_CONFIG=false
USER 999
WORKDIR /home/argocd
ENTRYPOINT ["/usr/bin/tini", "--"]
