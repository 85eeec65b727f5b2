"""A file of SOPS is edited only where SOPS can still decrypt it afterwards."""

import pytest

from album_operator.domain.reasons import Reason
from album_operator.domain.release import Edit
from album_operator.render.values import NotEditableError, edit_values

TAG = Edit("v.yaml", "image.tag")
NEW = Edit("v.yaml", "image.new", create=True)
ENC = "ENC[AES256_GCM,data:Tr7oo8=,iv:1vF=,tag:aZ==,type:str]"

RULES = {
    "none": "",
    "unencrypted_suffix": "    unencrypted_suffix: _unencrypted\n",
    "encrypted_suffix": "    encrypted_suffix: _secret\n",
    "encrypted_regex": "    encrypted_regex: ^(data|stringData|password)$\n",
    "unencrypted_regex": "    unencrypted_regex: ^(image|tag)$\n",
    "comment": "    unencrypted_comment_regex: plain\n",
}
KEYS = {
    "age": "    age:\n    -   recipient: age1x\n        enc: |\n            -----BEGIN AGE\n",
    "pgp": "    pgp:\n    -   created_at: '2026-11-01T00:00:00Z'\n        fp: 85D77543B3D624B6\n",
    "kms": "    kms: []\n    gcp_kms: []\n    azure_kv: []\n    hc_vault: []\n",
}


def sops(rules: str, keys: str, more: str = "") -> str:
    return (
        f"image:\n  tag: v1\n  password: {ENC}\nsops:\n{KEYS[keys]}    lastmodified: "
        f"'2026-11-01T00:00:00Z'\n    mac: {ENC}\n{RULES[rules]}    version: 3.9.0\n{more}"
    )


def refusal(data: str, edit: Edit = TAG) -> str:
    with pytest.raises(NotEditableError) as caught:
        edit_values(data.encode(), {edit: "v2"})
    assert caught.value.reason is Reason.VALUES_NOT_EDITABLE
    return caught.value.sentence


@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("rules", RULES)
def test_a_plain_value_that_the_code_covers_is_left_alone(rules: str, keys: str) -> None:
    data = sops(rules, keys)

    assert "v.yaml:4:1: the file is encrypted by SOPS" in refusal(data)
    assert "mac_only_encrypted: true" in refusal(data)
    for no in ("false", "'true'", '"true"', "", "1"):
        assert "nobody could decrypt" in refusal(f"{data}    mac_only_encrypted: {no}\n")


@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("rules", RULES)
def test_a_plain_value_is_edited_where_the_code_is_of_encrypted_ones_alone(
    rules: str, keys: str
) -> None:
    data = sops(rules, keys, "    mac_only_encrypted: true\n")

    after = edit_values(data.encode(), {TAG: "v2"}).decode()
    assert after == data.replace("tag: v1", 'tag: "v2"')


def test_an_encrypted_value_is_left_alone() -> None:
    data = sops("none", "age", "    mac_only_encrypted: true\n").replace("tag: v1", f"tag: {ENC}")

    assert "v.yaml:2:8: the value is encrypted" in refusal(data)
    assert "the value is encrypted" in refusal(f"image:\n  tag: {ENC}\n")
    assert "the value is encrypted" in refusal("image:\n  tag: 'ENC[PKCS7,MIIB=]'\n")


def test_no_key_is_added_to_an_encrypted_file() -> None:
    data = sops("none", "age", "    mac_only_encrypted: true\n")

    assert "Add the key by sops itself" in refusal(data, NEW)
    with_it = data.replace("  tag: v1\n", "  tag: v1\n  new: x\n").encode()
    assert b'  new: "v2"\n' in edit_values(with_it, {NEW: "v2"})


def test_flat_metadata_as_of_dotenv_counts_too() -> None:
    data = f"image: {{tag: v1}}\nsops_mac: {ENC}\nsops_lastmodified: '2026-11-01T00:00:00Z'\n"

    assert "v.yaml:2:1: the file is encrypted by SOPS" in refusal(data)
    edited = edit_values(f"{data}sops_mac_only_encrypted: true\n".encode(), {TAG: "v2"})
    assert b'tag: "v2"' in edited


@pytest.mark.parametrize(
    "data",
    [
        "image: {tag: v1}\nsops: {enabled: true}\n",
        "image: {tag: v1}\nsops: x\n",
        "image: {tag: v1}\nsops_image: x\n",
        "image: {tag: v1}\nother: {sops: {mac: x}}\n",
    ],
)
def test_a_key_of_that_name_alone_is_no_encryption(data: str) -> None:
    assert edit_values(data.encode(), {TAG: "v2"}) == data.replace("v1", '"v2"').encode()


def test_json_of_sops_counts_too() -> None:
    data = f'{{"image": {{"tag": "v1"}}, "sops": {{"mac": "{ENC}", "lastmodified": "x"}}}}\n'

    assert "the file is encrypted by SOPS" in refusal(data)
