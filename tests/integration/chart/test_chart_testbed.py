"""The testbed's values, and what they change."""

from testbed.deploy import VALUES
from tests.integration.chart.conftest import DEFAULTS, Helm, objects_of, without_helms_own


def test_the_testbed_differs_only_in_lease_poll_webhooks_processor_and_privileged_builds(
    helm: Helm,
) -> None:
    wanted, testbed = objects_of(helm.template()), objects_of(helm.template(f"--values={VALUES}"))
    wanted["ConfigMap", "album-system", DEFAULTS]["data"] |= {
        "ALBUM_ALLOW_PRIVILEGED_BUILDS": "true",
        "ALBUM_LEASE_SECONDS": "10",
        "ALBUM_LEASE_RENEW_SECONDS": "7",
        "ALBUM_LEASE_RETRY_SECONDS": "1",
        "ALBUM_MERGE_POLL_SECONDS": "2",
        "ALBUM_WEBHOOK_SECRET_FILE": "/etc/album-operator/webhook/secret",
    }
    service = wanted["Service", "album-system", "album-operator-webhooks"]["spec"]
    service["type"] = "NodePort"
    service["ports"][0]["nodePort"] = 30081
    deployment = wanted["Deployment", "album-system", "album-operator"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["resources"]["requests"]["cpu"] = "250m"
    labels = wanted["Namespace", "", "album"]["metadata"]["labels"]
    labels["pod-security.kubernetes.io/enforce"] = "privileged"
    assert without_helms_own(testbed) == without_helms_own(wanted)
