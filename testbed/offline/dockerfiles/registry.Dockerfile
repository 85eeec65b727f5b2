# Stands in for the published registry image, from Debian's docker-registry.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends docker-registry \
    && rm -rf /var/lib/apt/lists/* \
    && ln -s docker-registry /usr/bin/registry \
    && mkdir -p /var/lib/registry
ENTRYPOINT ["registry", "serve"]
CMD ["/etc/docker/registry/config.yml"]
