"""What a pipeline may not have of its builds' Pods is refused, with the way to get it."""

from dataclasses import replace

from album_operator.decisions.build_pod import check_pod
from album_operator.domain.build_pod import PodRules, PodWish
from album_operator.domain.reasons import Reason
from tests.fakes.builders import RELEASE, RESOLVED

WISH = PodWish(service_account_name="builder", priority_class_name="high")
RESOLVED_WITH_POD = replace(RESOLVED, build=replace(RESOLVED.build, pod=WISH))


def test_all_that_is_not_allowed_is_told_at_once() -> None:
    halt = check_pod(RELEASE, RESOLVED_WITH_POD, PodRules())

    assert halt is not None
    assert halt.reason is Reason.POD_NOT_ALLOWED
    assert halt.message == (
        "AlbumPipeline album-app sets spec.build.pod.serviceAccountName: builder and "
        "spec.build.pod.priorityClassName: high, which the operator's settings do not allow."
    )
    assert halt.remedy == (
        "Take it out of the pipeline, or ask an admin for `builder` in "
        "ALBUM_BUILD_SERVICE_ACCOUNTS and `high` in ALBUM_BUILD_PRIORITY_CLASSES in the operator's "
        "settings"
    )


def test_what_an_admin_allows_is_no_reason_to_stop() -> None:
    rules = PodRules(service_accounts=frozenset({"builder"}), priority_classes=frozenset({"high"}))

    assert check_pod(RELEASE, RESOLVED_WITH_POD, rules) is None
    assert check_pod(RELEASE, RESOLVED, PodRules()) is None
