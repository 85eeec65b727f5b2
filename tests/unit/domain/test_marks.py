"""Labels and annotations the operator puts on a release."""

import re
from dataclasses import replace

from album_operator.domain.marks import labels_of, marks_of
from album_operator.domain.record import StepName
from album_operator.domain.release import Ref
from tests.fakes.builders import PULL_REQUEST, RECORD, RELEASE, RESOLVED, record_before

LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def test_a_release_not_yet_resolved_gets_no_mark() -> None:
    assert marks_of(RELEASE, RECORD) == {}


def test_a_resolved_release_is_labelled_with_app_and_pipeline() -> None:
    assert marks_of(RELEASE, record_before(StepName.IMAGE_READY)) == {
        "album.dev/app": "backend",
        "album.dev/pipeline": "album-app",
    }


def test_a_proposed_release_links_its_pull_request_for_argo_cds_pages() -> None:
    marks = marks_of(RELEASE, record_before(StepName.MERGED))

    assert marks["link.argocd.argoproj.io/pull-request"] == PULL_REQUEST.url


def test_a_long_name_is_still_a_labels_value() -> None:
    release = replace(RELEASE, pipeline=f"{'p.' * 120}p", rollback_of=f"{'r.' * 120}r")
    marks = marks_of(release, replace(RECORD, resolved=RESOLVED))

    assert LABEL_VALUE.fullmatch(marks["album.dev/pipeline"])
    assert LABEL_VALUE.fullmatch(marks["album.dev/rollback-of"])


def test_a_rollback_is_labelled_with_what_it_takes_back() -> None:
    release = replace(RELEASE, rollback_of="backend-v1.2.0")

    assert labels_of(release, "backend")["album.dev/rollback-of"] == "backend-v1.2.0"


def test_an_object_is_written_as_namespace_and_name() -> None:
    assert str(Ref("album", "backend-v1.1.0")) == "album/backend-v1.1.0"
