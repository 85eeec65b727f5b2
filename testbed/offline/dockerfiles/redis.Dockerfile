# Stands in for the published Redis image of Argo CD's manifest, from Debian's Redis.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/* \
    && mkdir -p /data && chmod 777 /data
WORKDIR /data
ENTRYPOINT ["redis-server"]
