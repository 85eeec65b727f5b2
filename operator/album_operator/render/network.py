"""What the containers of a build know of the company's network: its proxy and its authorities."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from album_operator.domain.proxies import DIRECTLY, HTTPS_PROXY, NO_PROXY, Proxies

CA_KEY = "ca.crt"
"""Key of the ConfigMap, and name of the file it is mounted as."""

VOLUME = "authorities"


@dataclass(frozen=True)
class JobNetwork:
    """How containers of a build reach servers.

    Attributes:
        proxies: through which they go, and what they do not.
        proxy_secret: Secret of the release's namespace whose key HTTPS_PROXY they have instead.
        ca_configmap: ConfigMap there with authorities they trust beside those of their image.
    """

    proxies: Proxies = DIRECTLY
    proxy_secret: str | None = None
    ca_configmap: str | None = None

    def render_env(self, direct: Collection[str]) -> list[dict[str, Any]]:
        """Render the variables of the proxy.

        Args:
            direct: `host[:port]` in plain HTTP, which through a proxy everybody would read.
        """
        proxy: dict[str, Any] = {"name": HTTPS_PROXY}
        if self.proxy_secret is not None:
            reference = {"name": self.proxy_secret, "key": HTTPS_PROXY}
            proxy["valueFrom"] = {"secretKeyRef": reference}
        elif self.proxies.proxy is not None:
            proxy["value"] = self.proxies.proxy.url
        else:
            return []
        return [proxy, {"name": NO_PROXY, "value": self.proxies.no_proxy(sorted(direct))}]

    def step_variables(self, direct: Collection[str]) -> Mapping[str, str]:
        """Give what the steps of a Dockerfile have: a proxy without a password, in both spellings.

        These are build arguments that need no ARG and stay out of the image (Dockerfile reference,
        "Predefined ARGs").
        """
        if self.proxy_secret is not None or self.proxies.proxy is None:
            return {}
        values = {
            HTTPS_PROXY: self.proxies.proxy.url,
            NO_PROXY: self.proxies.no_proxy(sorted(direct)),
        }
        return {
            spelling: value for name, value in values.items() for spelling in (name, name.lower())
        }

    def render_mounts(self, folder: str) -> list[dict[str, Any]]:
        """Render where the authorities are."""
        if self.ca_configmap is None:
            return []
        return [{"name": VOLUME, "mountPath": folder, "readOnly": True}]

    def render_volumes(self) -> list[dict[str, Any]]:
        """Render what they come from."""
        if self.ca_configmap is None:
            return []
        source = {
            "name": self.ca_configmap,
            "items": [{"key": CA_KEY, "path": CA_KEY}],
            # A Pod would wait for it for ever and not say why; the init container does.
            "optional": True,
        }
        return [{"name": VOLUME, "configMap": source}]


OPEN_NETWORK = JobNetwork()
