"""Labels and annotations the operator puts on a release."""

import re
from dataclasses import replace

from album_operator.domain.marks import marks_of
from album_operator.domain.record import StepName
from album_operator.domain.release import Ref
from tests.fakes.builders import PULL_REQUEST, RECORD, RESOLVED, record_before

LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def test_a_release_not_yet_resolved_gets_no_mark() -> None:
    assert marks_of(RECORD) == {}


def test_a_resolved_release_is_labelled_with_app_and_pipeline() -> None:
    assert marks_of(record_before(StepName.IMAGE_READY)) == {
        "album.dev/app": "backend",
        "album.dev/pipeline": "album-app",
    }


def test_a_proposed_release_links_its_pull_request_for_argo_cds_pages() -> None:
    marks = marks_of(record_before(StepName.MERGED))

    assert marks["link.argocd.argoproj.io/pull-request"] == PULL_REQUEST.url


def test_a_long_name_is_still_a_labels_value() -> None:
    resolved = replace(RESOLVED, pipeline=replace(RESOLVED.pipeline, name=f"{'p.' * 120}p"))
    marks = marks_of(replace(RECORD, resolved=resolved))

    assert LABEL_VALUE.fullmatch(marks["album.dev/pipeline"])


def test_an_object_is_written_as_namespace_and_name() -> None:
    assert str(Ref("album", "backend-v1.1.0")) == "album/backend-v1.1.0"
