"""What an admin allows of the Pods of builds."""

import pytest

from album_operator.domain.build_pod import (
    SAFE_RULES,
    PodRules,
    PodWish,
    PullSecret,
    Refusal,
    Toleration,
    TolerationOperator,
)

ACCOUNT = PodWish(service_account_name="builder")
ANY_VALUE = Toleration("dedicated", TolerationOperator.EXISTS)


def _fields(wish: PodWish, rules: PodRules = SAFE_RULES) -> list[str]:
    return [each.field for each in rules.refusals(wish, "album")]


def test_without_an_admins_word_nothing_that_lends_power_is_allowed() -> None:
    wish = PodWish(
        labels={"team": "web"},
        annotations={"sidecar.istio.io/inject": "false"},
        node_selector={"kubernetes.io/arch": "arm64", "disk": "ssd"},
        tolerations=(Toleration("node-role.kubernetes.io/control-plane"),),
        service_account_name="builder",
        priority_class_name="high",
        image_pull_secrets=(PullSecret("pull"),),
    )

    assert [*SAFE_RULES.refusals(wish, "album")] == [
        Refusal("serviceAccountName", "builder", "ALBUM_BUILD_SERVICE_ACCOUNTS"),
        Refusal("priorityClassName", "high", "ALBUM_BUILD_PRIORITY_CLASSES"),
        Refusal("nodeSelector", "disk=ssd", "ALBUM_BUILD_NODE_SELECTORS"),
        Refusal(
            "tolerations[0]", "node-role.kubernetes.io/control-plane=", "ALBUM_BUILD_TOLERATIONS"
        ),
    ]
    assert _fields(PodWish()) == []


@pytest.mark.parametrize(("allowed", "elsewhere"), [("builder", True), ("album/builder", False)])
def test_a_service_account_is_allowed_everywhere_or_in_one_namespace(
    allowed: str, elsewhere: bool
) -> None:
    rules = PodRules(service_accounts=frozenset({allowed}))

    assert not [*rules.refusals(ACCOUNT, "album")]
    assert (not [*rules.refusals(ACCOUNT, "team-b")]) is elsewhere


def test_a_priority_class_is_allowed_by_its_name() -> None:
    wish = PodWish(priority_class_name="low")

    assert _fields(wish, PodRules(priority_classes=frozenset({"low"}))) == []


@pytest.mark.parametrize(
    ("allowed", "toleration", "refused"),
    [
        ("dedicated", Toleration("dedicated", value="builds"), []),
        ("dedicated", ANY_VALUE, []),
        ("dedicated=builds", Toleration("dedicated", value="builds"), []),
        ("dedicated=builds", Toleration("dedicated", value="other"), ["tolerations[0]"]),
        ("dedicated=builds", ANY_VALUE, ["tolerations[0]"]),
        ("other", ANY_VALUE, ["tolerations[0]"]),
    ],
)
def test_a_taint_is_tolerated_by_key_or_with_one_value(
    allowed: str, toleration: Toleration, refused: list[str]
) -> None:
    rules = PodRules(tolerations=frozenset({allowed}))

    assert _fields(PodWish(tolerations=(toleration,)), rules) == refused


def test_a_node_is_selected_by_key_or_with_one_value() -> None:
    rules = PodRules(node_selectors=frozenset({"pool=builds", "zone"}))

    assert _fields(PodWish(node_selector={"pool": "builds", "zone": "a"}), rules) == []
    assert _fields(PodWish(node_selector={"pool": "web"}), rules) == ["nodeSelector"]
