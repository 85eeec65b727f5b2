"""The proof at a child of an app of apps, and at the app of apps itself."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from album_operator.decisions import app_of_apps, deploy
from album_operator.decisions.application import ask
from album_operator.decisions.proof import DeploySeen
from album_operator.domain import progress
from album_operator.domain.applications import ApplicationSeen, ApplicationSource, OperationSeen
from album_operator.domain.reasons import Reason
from album_operator.domain.record import StepName
from album_operator.domain.release import Document, Edit, EditValue, Ref
from album_operator.domain.verdict import (
    Act,
    DeployAction,
    Done,
    Halt,
    RefreshApplication,
    Verdict,
    Wait,
)
from tests.fakes.builders import (
    APPLICATION_SEEN,
    BASE,
    CONFIG,
    IMAGE,
    MERGED,
    NOW,
    PIPELINE,
    RESOLVED,
    record_before,
)

TAG = Edit("apps/shop.yaml", "spec.source.helm.valuesObject.image.tag")
HELM = {"valuesObject": {"image": {"tag": "v1.1.0"}}}
SHOP = replace(
    APPLICATION_SEEN,
    name="shop",
    sources=(ApplicationSource("https://charts.example.org", "", "1.2.3", "1.2.3", helm=HELM),),
    images=(f"{IMAGE}:v1.1.0",),
    is_of_spec=True,
)
APPS = replace(
    APPLICATION_SEEN,
    name="apps",
    sources=(ApplicationSource(CONFIG, "apps", "main", MERGED),),
    images=(),
    renders={SHOP.ref: "Synced"},
)
FAILED = OperationSeen("Failed", ("1.2.3",), "boom", NOW, is_of_spec=True)
RUNNING = replace(FAILED, phase="Running")


def _decide(
    *seen: ApplicationSeen, contains: frozenset[str] = frozenset({MERGED})
) -> Verdict[DeployAction]:
    config = replace(RESOLVED.config, edits=(TAG,))
    argocd = replace(RESOLVED.argocd, applications=tuple(one.ref for one in seen))
    resolved = replace(RESOLVED, config=config, argocd=argocd)
    record = progress.begin(record_before(StepName.DEPLOYED), StepName.DEPLOYED, NOW)
    found = {
        one.ref: DeploySeen(
            one,
            is_applied=True,
            contains_merge=contains,
            asked=ask(one.ref, one, PIPELINE.ref, consent=True),
            behind=app_of_apps.find_behind(one, {TAG: "v1.1.0"}),
        )
        for one in seen
    }
    return deploy.decide(record, resolved, found, NOW)


def test_child_and_parent_together_are_proof() -> None:
    for seen in ((SHOP, APPS), (APPS, SHOP)):
        verdict = _decide(*seen)
        assert isinstance(verdict, Wait)
        assert verdict.reason is Reason.SETTLING
        assert verdict.record is not None
        records = {one.name: one for one in verdict.record.applications}
        assert records["shop"].revision == records["apps"].revision == MERGED
        assert records["shop"].accepted_because == "Equal"


@pytest.mark.parametrize(
    ("shop", "said"),
    [
        ({"is_of_spec": False}, "is not compared yet to what Application argocd/apps made of it."),
        ({"sync_status": "OutOfSync"}, "argocd/shop is OutOfSync."),
        ({"sync_status": ""}, "argocd/shop is Unknown."),
        ({"operation_requested": True}, "argocd/shop is Synced."),
        (
            {"sources": (replace(SHOP.sources[0], helm={"valuesObject": {"image": {"tag": ""}}}),)},
            "argocd/shop has nothing at spec.source.helm.valuesObject.image.tag, though",
        ),
        ({"operation": RUNNING}, "Argo CD syncs Application argocd/shop: boom."),
        ({"images": (f"{IMAGE}:v1.0.0",)}, "not ghcr.io/owner/album-app-backend:v1.1.0"),
        ({"health": "Progressing"}, "argocd/shop is Progressing."),
        (
            {"is_of_spec": False, "conditions": {"ComparisonError": "no chart 1.2.3"}},
            "Argo CD says: ComparisonError: no chart 1.2.3.",
        ),
    ],
)
def test_what_the_child_lacks_is_waited_for(shop: Mapping[str, object], said: str) -> None:
    verdict = _decide(replace(SHOP, **shop), APPS)  # type: ignore[arg-type]

    assert isinstance(verdict, Wait)
    assert said in verdict.message


def test_a_failed_sync_of_the_child_counts_only_for_its_present_spec() -> None:
    verdict = _decide(replace(SHOP, operation=FAILED), APPS)
    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.SYNC_FAILED
    earlier = replace(SHOP, operation=replace(FAILED, is_of_spec=False))
    assert isinstance(_decide(earlier, APPS), Wait)


@pytest.mark.parametrize("status", ["OutOfSync", ""])
def test_nothing_of_the_child_counts_before_its_parent_has_it_synced(status: str) -> None:
    apps = replace(APPS, renders={SHOP.ref: status})
    verdict = _decide(replace(SHOP, operation=FAILED), apps)

    assert isinstance(verdict, Wait)
    said = f"argocd/shop is {status or 'Unknown'} in Application argocd/apps, which renders it."
    assert said in verdict.message


@pytest.mark.parametrize("status", ["Synced", "OutOfSync"])
def test_what_an_application_set_makes_is_not_ended_by_a_sync_that_failed(status: str) -> None:
    made_by = Ref("argocd", "shops")
    apps = replace(APPS, renders={}, renders_sets={made_by: status})
    verdict = _decide(replace(SHOP, made_by=made_by, operation=FAILED), apps)

    assert isinstance(verdict, Wait)
    behind = "ApplicationSet argocd/shops of Application argocd/shop is OutOfSync in Application"
    assert (behind in verdict.message) is (status == "OutOfSync")


def test_a_parent_at_an_older_revision_is_asked_to_compare() -> None:
    source = replace(APPS.sources[0], revision=BASE)
    verdict = _decide(SHOP, replace(APPS, sources=(source,)))

    assert isinstance(verdict, Act)
    assert isinstance(verdict.action, RefreshApplication)
    assert verdict.action.application.seen.name == "apps"


def test_a_parents_failed_sync_ends_the_release_only_where_it_is_about_the_child() -> None:
    failed = OperationSeen("Failed", (MERGED,), "boom", NOW)
    assert isinstance(_decide(SHOP, replace(APPS, operation=failed)), Wait)
    behind = replace(APPS, operation=failed, renders={SHOP.ref: "OutOfSync"})
    assert isinstance(_decide(SHOP, behind), Halt)


def test_an_app_of_apps_that_runs_the_image_itself_is_proved_like_any_other() -> None:
    apps = replace(APPS, images=(f"{IMAGE}:v1.0.0",))
    verdict = _decide(SHOP, apps)

    assert isinstance(verdict, Wait)
    assert "argocd/apps runs ghcr.io/owner/album-app-backend:v1.0.0" in verdict.message
    assert not isinstance(verdict, Done)


def _with(helm: Mapping[str, object], *, many: bool = False) -> ApplicationSeen:
    source = replace(SHOP.sources[0], helm=helm)
    chart = ApplicationSource("https://charts.example.org", "", "1")
    return replace(SHOP, sources=(chart, source) if many else (source,))


def _set(name: str, value: str) -> ApplicationSeen:
    return _with({"parameters": [{"name": name, "value": value}]})


PARAMETERS = "spec.source.helm.parameters[name=image.tag].value"
OLD = {"valuesObject": {"image": {"tag": "v1.0.0"}}}


@pytest.mark.parametrize(
    ("seen", "edit", "value"),
    [
        (_with(HELM), TAG, None),
        (_with(OLD), TAG, "v1.0.0"),
        (_set("image.tag", "v1"), {"key": PARAMETERS}, "v1"),
        (
            _with({"parameters": [{"name": "image.tag", "value": "v1.1.0"}]}),
            {"key": PARAMETERS},
            None,
        ),
        (_set("other", "v1"), {"key": PARAMETERS}, ""),
        (
            _with(OLD, many=True),
            {"key": "spec.sources[1].helm.valuesObject.image.tag"},
            "v1.0.0",
        ),
        (_with({}), TAG, None),
        (_with({"valuesObject": {"image": {"tag": {}}}}), TAG, None),
        (replace(SHOP, sources=()), TAG, None),
        (_with(OLD), {"key": "image.tag"}, None),
        (_with(OLD), {"document": Document(kind="Application", name="other")}, None),
        (_with(OLD), {"document": Document(kind="Application", name="shop")}, "v1.0.0"),
    ],
)
def test_a_value_of_the_spec_that_is_not_ours_is_found(
    seen: ApplicationSeen, edit: Edit | dict[str, object], value: str | None
) -> None:
    asked = edit if isinstance(edit, Edit) else replace(TAG, **edit)  # type: ignore[arg-type]
    found = app_of_apps.find_behind(seen, {asked: "v1.1.0"})

    assert (found.value if found is not None else None) == value


def test_one_edit_that_fits_is_enough_where_the_others_are_another_applications() -> None:
    other = replace(TAG, path="apps/other.yaml", key="spec.source.helm.valuesObject.tag")
    seen = _with({"valuesObject": {"image": {"tag": "v1.1.0"}, "tag": "v0.1.0"}})

    assert app_of_apps.find_behind(seen, {TAG: "v1.1.0", other: "v1.1.0"}) is None


def test_a_digest_in_the_spec_is_compared_too() -> None:
    edit = replace(TAG, key="spec.source.helm.valuesObject.image.digest", value=EditValue.DIGEST)
    ours = f"sha256:{'f' * 64}"

    assert (
        app_of_apps.find_behind(_with({"valuesObject": {"image": {"digest": ours}}}), {edit: ours})
        is None
    )
    assert app_of_apps.find_behind(_with({"valuesObject": {"image": {"digest": ""}}}), {edit: ours})
