"""The same lock file makes an image for arm64: each package has a wheel for it."""

from pathlib import Path

from distribution.platforms import install_wheels, machines_in


def test_every_native_library_of_arm64_is_for_arm64(tmp_path: Path) -> None:
    install_wheels("aarch64", tmp_path)

    machines = machines_in(tmp_path)
    assert set(machines.values()) == {"aarch64"}
    there = {path.partition("/")[0] for path in machines}
    assert {"aiohttp", "cryptography", "pydantic_core", "re2", "yaml"} <= there


def test_a_library_of_another_platform_is_told(tmp_path: Path) -> None:
    (tmp_path / "one.so").write_bytes(b"\x7fELF" + bytes(14) + b"\x3e\x00")
    (tmp_path / "two.so.1").write_text("GROUP ( libc.so.6 ) of a linker")

    assert machines_in(tmp_path) == {"one.so": "x86_64", "two.so.1": "no ELF"}
