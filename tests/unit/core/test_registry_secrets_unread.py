"""A push Secret that no builder can read is told of before there is a build."""

import base64
import json

from tests.fakes.cluster import raw_registry_secret
from tests.unit.core.stage import Stage

UNPADDED = "dTpzM2NyZXQtd29yZA"


async def test_an_auth_without_its_padding_stops_the_release_whichever_registry_it_is_for() -> None:
    stage = Stage()
    raw = raw_registry_secret("album-registry", "ghcr.io")
    config = json.loads(base64.b64decode(raw["data"][".dockerconfigjson"]))
    config["auths"]["quay.io"] = {"auth": UNPADDED}
    raw["data"][".dockerconfigjson"] = base64.b64encode(json.dumps(config).encode()).decode()
    stage.cluster.apply(raw)
    stage.apply()

    assert (await stage.settle()).after is None
    assert stage.ready() == ("False", "CredentialsMissing")
    assert "has an entry for quay.io in its key .dockerconfigjson whose `auth`" in stage.message()
    assert "kubectl create secret docker-registry -n album album-registry" in stage.message()
    assert UNPADDED not in str(stage.status())
    assert stage.jobs == []
