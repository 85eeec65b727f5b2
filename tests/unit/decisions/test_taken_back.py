"""A sync policy that somebody takes back: who, and the lines to write there."""

from dataclasses import replace

from album_operator.decisions.taken_back import refuse
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from tests.fakes.builders import APPLICATION, APPLICATION_SEEN


def test_an_applicationset_is_told_what_to_leave_alone() -> None:
    halt = refuse(APPLICATION, replace(APPLICATION_SEEN, made_by=Ref("argocd", "all")))

    assert halt.reason is Reason.MANAGED_ELSEWHERE
    assert "most likely by ApplicationSet argocd/all, which makes it." in halt.message
    assert (
        "spec.ignoreApplicationDifferences: [{jsonPointers: [/spec/syncPolicy, "
        "/metadata/annotations/album.dev~1previous-sync-policy, "
        "/metadata/annotations/album.dev~1applied-sync-policy]}]"
    ) in halt.remedy


def test_an_app_of_apps_is_told_what_to_leave_alone() -> None:
    halt = refuse(APPLICATION, replace(APPLICATION_SEEN, rendered_by="apps"))

    assert "by Application apps, which renders it." in halt.message
    assert (
        "spec.ignoreDifferences: [{group: argoproj.io, kind: Application, name: album-app-backend, "
        "jsonPointers: [/spec/syncPolicy]}] and spec.syncPolicy.syncOptions: "
        "[RespectIgnoreDifferences=true]"
    ) in halt.remedy


def test_whoever_it_is_the_pipeline_can_leave_it_alone() -> None:
    for seen in (None, APPLICATION_SEEN):
        halt = refuse(APPLICATION, seen)
        assert "by whoever writes it." in halt.message
        assert "or set spec.argocd.syncPolicy: {} in the pipeline" in halt.remedy
