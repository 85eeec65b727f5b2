"""What an Application must be like."""

from dataclasses import replace

import pytest

from album_operator.decisions import application
from album_operator.domain.applications import (
    ApplicationSeen,
    ApplicationSource,
    ConsentedApplication,
)
from album_operator.domain.argocd import ResolvedApplicationSelector, RewrittenRegistry
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.domain.verdict import Halt
from tests.fakes.builders import APPLICATION, APPLICATION_SEEN, CONFIG, IMAGE, PIPELINE, RESOLVED


def _check(seen: ApplicationSeen | None, *, consent: bool = True) -> Halt | None:
    asked = application.admit(APPLICATION, seen, [seen], RESOLVED, PIPELINE.ref, consent=consent)
    if isinstance(asked, Halt):
        return asked
    assert asked.seen is seen
    return None


def _of(path: str, revision: str = "main", repository: str = CONFIG) -> ApplicationSeen:
    source = ApplicationSource(repository, path, revision, tool="Directory")
    return replace(APPLICATION_SEEN, sources=(source,))


def test_an_application_of_the_config_repository_with_consent_will_do() -> None:
    assert _check(APPLICATION_SEEN) is None


def test_an_application_that_is_not_there_is_named() -> None:
    halt = _check(None)

    assert halt is not None
    assert halt.reason is Reason.APPLICATION_NOT_FOUND
    assert "argocd/album-app-backend" in halt.sentence


@pytest.mark.parametrize(
    "seen",
    [
        _of("backend"),
        _of("backend/"),
        _of("./backend"),
        _of("."),
        _of(""),
        _of("backend", "refs/heads/main"),
        _of("backend", ""),
        _of("backend", "HEAD"),
        _of("backend", repository=f"{CONFIG}.git/"),
    ],
    ids=lambda seen: str(seen.sources[0]),
)
def test_a_source_that_holds_the_edited_file_on_the_base_branch_matches(
    seen: ApplicationSeen,
) -> None:
    assert _check(seen) is None


@pytest.mark.parametrize(
    "seen",
    [
        _of("frontend"),
        _of("back"),
        _of("backend", "v1.0.0"),
        _of("backend", "production"),
        _of("backend", repository="https://git.example.org/owner/other"),
        replace(APPLICATION_SEEN, sources=()),
    ],
    ids=lambda seen: str(seen.sources),
)
def test_an_application_the_change_would_never_reach_is_refused(seen: ApplicationSeen) -> None:
    halt = _check(seen)

    assert halt is not None
    assert halt.reason is Reason.APPLICATION_MISMATCH
    assert CONFIG in halt.sentence


@pytest.mark.parametrize("repository", [CONFIG.replace("owner", "Owner"), f"{CONFIG.upper()}.GIT"])
def test_case_does_not_count_in_the_repository_of_a_forge(repository: str) -> None:
    seen = _of("backend", repository=repository.replace("HTTPS", "https").replace(".GIT", ".git"))
    assert _check(seen) is None


def test_case_counts_where_no_forge_is_known() -> None:
    config = replace(RESOLVED.config, forge_type=None)
    seen = _of("backend", repository=CONFIG.replace("owner", "Owner"))
    assert application.find_source(seen, replace(RESOLVED, config=config)) is None


def test_an_application_calls_the_repository_as_the_release_does() -> None:
    theirs = CONFIG.replace("https://git.example.org", "http://gitea.gitea.svc:3000")
    aliases = HostAliases({"gitea.gitea.svc:3000": "git.example.org"})
    seen = _of("backend", repository=theirs)
    chart = ApplicationSource("https://charts.example.org/stable", "", "1.2.3")
    both = replace(seen, sources=(*seen.sources, chart))

    assert application.name_alike(both, RESOLVED, NO_ALIASES) == both
    known = application.name_alike(both, RESOLVED, aliases)
    assert [source.repository for source in known.sources] == [CONFIG, chart.repository]
    assert _check(known) is None


def test_an_image_of_a_rewritten_registry_has_its_name_before_that() -> None:
    registries = (
        RewrittenRegistry("ghcr.io", "mirror.example.org/ghcr"),
        RewrittenRegistry("docker.io", "mirror.example.org/hub"),
    )
    resolved = replace(RESOLVED, argocd=replace(RESOLVED.argocd, rewritten_registries=registries))
    images = (
        f"mirror.example.org/ghcr/{IMAGE.removeprefix('ghcr.io/')}:v1.1.0",
        "mirror.example.org/hub/library/redis:7",
        "mirror.example.org/quay/acme/tool:1",
        "ghcr.io/acme/other:1",
    )
    seen = application.name_alike(replace(APPLICATION_SEEN, images=images), resolved, NO_ALIASES)

    assert seen.images == (f"{IMAGE}:v1.1.0", "docker.io/library/redis:7", *images[2:])


def test_where_the_hosts_alone_differ_the_setting_that_makes_them_one_is_named() -> None:
    theirs = CONFIG.replace("https://git.example.org", "http://gitea.gitea.svc:3000")
    halt = _check(_of("backend", repository=theirs))

    assert halt is not None
    assert halt.reason is Reason.APPLICATION_MISMATCH
    assert "gitea.gitea.svc:3000=git.example.org" in halt.sentence
    assert "ALBUM_HOST_ALIASES" in halt.sentence


@pytest.mark.parametrize("repository", ["https://h:port/owner/x", "https://[", "oci://h/chart", ""])
def test_a_source_nobody_can_read_is_another_one(repository: str) -> None:
    halt = _check(_of("backend", repository=repository))

    assert halt is not None
    assert halt.reason is Reason.APPLICATION_MISMATCH


def test_the_fitting_source_of_several_is_found() -> None:
    chart = ApplicationSource("https://charts.example.org/stable", "", "1.2.3", "1.2.3")
    values = ApplicationSource(CONFIG, "backend", "main", "b" * 40)

    assert application.find_source(
        replace(APPLICATION_SEEN, sources=(chart, values)), RESOLVED
    ) == (values)


def test_without_consent_the_line_that_gives_it_is_shown() -> None:
    halt = _check(replace(APPLICATION_SEEN, consents=frozenset({"other/pipeline"})))

    assert halt is not None
    assert halt.reason is Reason.NOT_AUTHORIZED
    assert (
        "kubectl annotate application -n argocd album-app-backend "
        "album.dev/authorized-pipeline=album/album-app,other/pipeline --overwrite"
    ) in halt.sentence


def test_consent_for_a_pipeline_of_the_same_name_elsewhere_is_none() -> None:
    seen = replace(APPLICATION_SEEN, consents=frozenset({"elsewhere/album-app", "album/*", "*"}))

    assert _check(seen) is not None
    elsewhere = application.ask(APPLICATION, seen, Ref("elsewhere", "album-app"), consent=True)
    assert elsewhere == ConsentedApplication(seen)


def test_an_application_that_is_gone_cannot_be_asked() -> None:
    halt = application.ask(APPLICATION, None, PIPELINE.ref, consent=True)

    assert isinstance(halt, Halt)
    assert halt.reason is Reason.APPLICATION_NOT_FOUND


def test_an_operator_that_asks_for_no_consent_needs_none() -> None:
    assert _check(replace(APPLICATION_SEEN, consents=frozenset()), consent=False) is None


@pytest.mark.parametrize("made_by", [None, Ref("argocd", "shops")])
def test_whom_to_name_beside_an_application_of_another_repository_is_said(
    made_by: Ref | None,
) -> None:
    seen = replace(_of("", repository="https://charts.example.org"), made_by=made_by)
    halt = _check(seen)

    assert halt is not None
    whom = "its ApplicationSet argocd/shops" if made_by is not None else "it"
    assert f"the app of apps that renders {whom} from that file" in halt.remedy
    for parent in (
        replace(_of("backend"), name="apps", renders={seen.ref: "Synced"}),
        replace(_of("backend"), name="apps", renders_sets={Ref("argocd", "shops"): "Synced"}),
    ):
        is_named = bool(parent.renders) or made_by is not None
        known = application.find_parent(seen, [None, seen, parent], RESOLVED)
        assert known == (parent if is_named else None)


@pytest.mark.parametrize(
    ("count", "reason", "said"),
    [
        (0, Reason.APPLICATION_NOT_FOUND, "has the labels app=backend,tier=web."),
        (17, Reason.APPLICATION_MISMATCH, "More than 16 Applications in namespace argocd"),
    ],
)
def test_labels_of_none_or_too_many_are_refused(count: int, reason: Reason, said: str) -> None:
    selector = ResolvedApplicationSelector("argocd", {"app": "backend", "tier": "web"})
    refs = [Ref("argocd", f"x{number}") for number in range(count)]
    halt = application.check_selected(refs, selector, "backend")

    assert halt is not None
    assert halt.reason is reason
    assert said in halt.message
    assert "applicationSelector of app backend" in halt.remedy
    assert application.check_selected([APPLICATION] * 16, selector, "backend") is None


def test_an_application_that_argo_cd_refuses_is_told_in_its_words() -> None:
    broken = replace(APPLICATION_SEEN, conditions={"InvalidSpecError": "no such project"})
    halt = application.check_valid(APPLICATION, broken)

    assert halt is not None
    assert halt.reason is Reason.APPLICATION_INVALID
    assert "no such project" in halt.message
    passing = replace(APPLICATION_SEEN, conditions={"ComparisonError": "no answer"})
    assert application.check_valid(APPLICATION, passing) is None
    assert application.check_valid(APPLICATION, None) is None
