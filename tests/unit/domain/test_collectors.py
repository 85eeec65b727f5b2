"""The variables that say where traces go."""

import pytest

from album_operator.domain.collectors import (
    Collector,
    CollectorVariablesError,
    read_collector,
)

URL = "http://collector.monitoring.svc:4318"


def _read(url: str = URL, headers: str = "", **more: str) -> Collector | None:
    return read_collector(
        {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_HEADERS": headers, **more}
    )


def _refuse(*args: str, **more: str) -> str:
    with pytest.raises(CollectorVariablesError) as caught:
        _read(*args, **more)
    return str(caught.value)


@pytest.mark.parametrize("environment", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": " "}])
def test_without_an_endpoint_there_is_no_collector(environment: dict[str, str]) -> None:
    assert read_collector(environment) is None


@pytest.mark.parametrize("url", [URL, "https://otlp.example.org", "https://[::1]:4318/otlp/"])
def test_a_url_is_enough(url: str) -> None:
    assert _read(url) == Collector(url)


def test_headers_are_pairs_whose_values_are_percent_encoded() -> None:
    read = _read(headers="Authorization=Bearer%20s3cret,  x-scope-orgid = a ,")
    assert read is not None
    assert read.headers == {"authorization": "Bearer s3cret", "x-scope-orgid": "a"}
    assert "s3cret" not in repr(read)
    assert {"Bearer s3cret", "s3cret"} <= read.words.secrets


@pytest.mark.parametrize(
    "url",
    [
        "collector:4318",
        "grpc://collector:4317",
        "http://",
        "http://collector:99999",
        "http://collector:0x",
        "http://[::1",
        "http://user:s3cret@collector:4318",
        "http://collector:4318?key=s3cret",
        "http://collector:4318#s3cret",
        "http://collector:4318/a b",
    ],
)
def test_what_is_no_url_of_a_collector_is_refused_without_being_said(url: str) -> None:
    said = _refuse(url)
    assert said.startswith("OTEL_EXPORTER_OTLP_ENDPOINT is not of the form")
    assert "s3cret" not in said


def test_all_that_is_wrong_is_told_at_once_without_a_value() -> None:
    said = _refuse(
        "collector", "a=1,s3cret,b c=s3cret,d=%0As3cret", OTEL_EXPORTER_OTLP_PROTOCOL="grpc"
    )
    assert said == (
        "OTEL_EXPORTER_OTLP_ENDPOINT is not of the form http://host:4318 or https://host[/path]; "
        "OTEL_EXPORTER_OTLP_PROTOCOL: `grpc` is not http/protobuf, all that is spoken here; "
        "OTEL_EXPORTER_OTLP_HEADERS: entry 2 is not of the form name=value; "
        "OTEL_EXPORTER_OTLP_HEADERS: entry 3 is not of the form name=value; "
        "OTEL_EXPORTER_OTLP_HEADERS: entry 4 is not of the form name=value"
    )


def test_the_protocol_that_is_spoken_may_be_named() -> None:
    assert _read(OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf") == Collector(URL)
