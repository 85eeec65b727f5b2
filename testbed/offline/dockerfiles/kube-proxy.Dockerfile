# kube-proxy needs the packet filter's programs with all their libraries: without libm it starts
# and Services are silently refused. Context: usr/local/bin/kube-proxy.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends nftables iptables conntrack kmod \
    && rm -rf /var/lib/apt/lists/*
COPY . /
