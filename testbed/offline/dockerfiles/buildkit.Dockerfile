# Stands in for the published BuildKit image. Context: buildkitd, buildctl, runc, the script.
FROM debian:bookworm-slim
# pigz, as the published image has it: BuildKit unpacks layers with it where it is there.
RUN apt-get update \
    && apt-get install -y --no-install-recommends git ca-certificates libseccomp2 openssh-client pigz \
    && rm -rf /var/lib/apt/lists/*
COPY runc /usr/bin/buildkit-runc
COPY buildkitd buildctl buildctl-daemonless.sh /usr/bin/
# Without a volume its snapshots would lie on the container's own overlay, where overlayfs cannot be
# used, and every layer would be a whole copy.
VOLUME /var/lib/buildkit
ENTRYPOINT ["buildkitd"]
