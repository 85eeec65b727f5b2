"""What is known of a pipeline, and what is taken out of it before it is shown."""

from album_operator.domain.pipeline_record import AppRecord, BaseVersion, PipelineRecord
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Miss
from tests.fakes.builders import BASE


def test_an_app_of_which_nothing_is_known_has_its_name() -> None:
    known = AppRecord("web", BaseVersion("v1.0.0", BASE))
    record = PipelineRecord((known,))
    assert record.app("web") == known
    assert record.app("api") == AppRecord("api")


def test_secrets_are_taken_out_of_all_that_a_look_brings() -> None:
    miss = Miss(Reason.REJECTED, "It says s3cret.", "Take s3cret out")
    apps = (AppRecord("web", BaseVersion("s3cret", BASE)), AppRecord("api"))
    record = PipelineRecord(apps, message="A s3cret.", misses=(miss,))
    clean = record.clean(lambda text: text.replace("s3cret", "***"))
    assert "s3cret" not in str(clean)
    assert clean.app("web").base == BaseVersion("***", BASE)
    assert clean.app("api") == AppRecord("api")
