# The kind node without its preloaded images. Context: root/ (kind's own node files, as
# node_image.py changes them) and bin/, sbin/, usrbin/, cni/ (programs).
# Debian 12's systemd still starts on cgroup v1; newer ones do not.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        systemd systemd-sysv dbus iproute2 iptables nftables conntrack ethtool socat util-linux \
        mount kmod procps ca-certificates jq libseccomp2 curl findutils e2fsprogs hostname \
    && rm -rf /var/lib/apt/lists/*
COPY root/ /
COPY cni/ /opt/cni/bin/
COPY sbin/ /usr/local/sbin/
COPY usrbin/ /usr/bin/
COPY bin/ /usr/local/bin/
# Units that make no sense in a container go, as in the Dockerfile kind makes its own image from.
RUN find /lib/systemd/system/sysinit.target.wants/ -name systemd-tmpfiles-setup.service -delete \
    && rm -f /lib/systemd/system/multi-user.target.wants/* /etc/systemd/system/*.wants/* \
        /lib/systemd/system/local-fs.target.wants/* \
        /lib/systemd/system/sockets.target.wants/*udev* \
        /lib/systemd/system/sockets.target.wants/*initctl* \
        /lib/systemd/system/basic.target.wants/* \
    && echo ReadKMsg=no >>/etc/systemd/journald.conf \
    && ln -sf /usr/lib/systemd/systemd /sbin/init \
    && systemctl enable kubelet.service containerd.service undo-mount-hacks.service \
    && systemctl mask systemd-binfmt.service \
    && mkdir -p /etc/kubernetes/manifests \
    && ctr oci spec \
        | jq '.hooks.createContainer += [{"path": "/kind/bin/mount-product-files.sh"}]' \
        | jq 'del(.process.rlimits)' >/etc/containerd/cri-base.json
