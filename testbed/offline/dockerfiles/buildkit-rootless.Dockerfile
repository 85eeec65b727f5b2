# Stands in for the published rootless BuildKit image. Context: its programs, runc, the script.
FROM debian:bookworm-slim
# Debian's newuidmap is set-user-ID, and then wants CAP_SYS_ADMIN, which no container has; with the
# file capability it does what that of the published image does.
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        git ca-certificates libcap2-bin libseccomp2 openssh-client pigz uidmap \
    && rm -rf /var/lib/apt/lists/* \
    && chmod u-s /usr/bin/newuidmap /usr/bin/newgidmap \
    && setcap cap_setuid+ep /usr/bin/newuidmap \
    && setcap cap_setgid+ep /usr/bin/newgidmap
RUN useradd --uid 1000 --create-home user \
    && mkdir -p /run/user/1000 /home/user/.local/tmp /home/user/.local/share/buildkit \
    && chown -R user:user /run/user/1000 /home/user \
    && echo user:100000:65536 | tee /etc/subuid > /etc/subgid
COPY runc /usr/bin/buildkit-runc
COPY buildkitd buildctl rootlesskit buildctl-daemonless.sh /usr/bin/
USER 1000:1000
ENV HOME=/home/user USER=user XDG_RUNTIME_DIR=/run/user/1000 TMPDIR=/home/user/.local/tmp
VOLUME /home/user/.local/share/buildkit
ENTRYPOINT ["rootlesskit", "buildkitd"]
