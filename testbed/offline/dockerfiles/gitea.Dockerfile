# Stands in for the published Gitea image. Context: gitea, share/ (templates, options, public).
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends git ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY share /usr/share/gitea
COPY gitea /usr/local/bin/gitea
ENTRYPOINT ["gitea"]
CMD ["web"]
