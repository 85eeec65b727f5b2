"""A company's authorities are trusted beside the image's, or said to be none."""

import os
import ssl
from pathlib import Path

import pytest

from album_operator.adapters.servers.authorities import AuthoritiesError, trusting
from tests.contract.company_network import company_network

VARIABLES = ("SSL_CERT_FILE", "GIT_SSL_CAINFO")


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    with company_network(folder, {}) as company:
        return company.ca_file


def _trusted() -> set[bytes]:
    context = ssl.create_default_context(cafile=os.environ["GIT_SSL_CAINFO"])
    return set(context.get_ca_certs(binary_form=True))


def test_they_are_trusted_beside_those_of_the_image_and_no_longer(
    ca_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with company_network(tmp_path, {}) as other:
        images = other.ca_file
    wanted = {ssl.PEM_cert_to_DER_cert(file.read_text()) for file in (images, ca_file)}
    ca_file.write_text("# Gesellschaft für Schlüssel\n" + ca_file.read_text())
    monkeypatch.setenv("SSL_CERT_FILE", str(images))
    monkeypatch.delenv("GIT_SSL_CAINFO", raising=False)
    with trusting(ca_file):
        bundle = Path(os.environ["SSL_CERT_FILE"])
        assert os.environ["GIT_SSL_CAINFO"] == str(bundle)
        assert _trusted() == wanted
    assert os.environ["SSL_CERT_FILE"] == str(images)
    assert "GIT_SSL_CAINFO" not in os.environ
    assert not bundle.exists()


def test_without_a_file_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with trusting(None):
        assert not set(VARIABLES) & os.environ.keys()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "No such file or directory"),
        (b"", "holds no certificate as PEM, or a broken one"),
        (b"\xff\xfe\x00binary", "holds no certificate as PEM, or a broken one"),
        (
            b"{certificate}\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            "broken",
        ),
        (b"{certificate}\n-----BEGIN EC PRIVATE KEY-----\n", "holds a private key"),
        (b"x" * (4 * 1024 * 1024 + 1), "has more than 4194304 bytes"),
    ],
)
def test_a_file_that_holds_none_is_told(ca_file: Path, data: bytes | None, said: str) -> None:
    if data is None:
        ca_file.unlink()
    else:
        ca_file.write_bytes(data.replace(b"{certificate}", ca_file.read_bytes()))
    with pytest.raises(AuthoritiesError, match=said), trusting(ca_file):
        pass
