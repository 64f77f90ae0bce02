"""Where the configuration comes from, what lies over what, and how faults are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schedules.config import Setup, find_file, load_setup
from schedules.errors import UsageFailure


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own configuration is in reach."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def load(environ: dict[str, str] | None = None, config: Path | None = None, **flags: Any) -> Setup:
    return load_setup(config=config, flags=flags, environ=environ or {})


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def test_without_any_file_the_defaults_hold(tmp_path: Path) -> None:
    setup = load()
    assert setup.crawl.delay_seconds == 2
    assert setup.crawl.obey_robots
    assert setup.data_folder == tmp_path / "home/.local/share/kabarkota"
    assert setup.contact_hint


def test_flags_lie_over_variables_and_variables_over_the_file(tmp_path: Path) -> None:
    write(tmp_path / "kabarkota.toml", "[crawl]\ndelay_seconds = 3\nmax_redirects = 3\nconcurrency = 3\n")
    environ = {"KABARKOTA_CRAWL__DELAY_SECONDS": "4", "KABARKOTA_CRAWL__MAX_REDIRECTS": "4"}
    crawl = load(environ, crawl={"delay_seconds": 5}).crawl
    assert (crawl.delay_seconds, crawl.max_redirects, crawl.concurrency) == (5, 4, 3)


def test_the_first_file_in_order_is_read(tmp_path: Path) -> None:
    named = write(tmp_path / "a.toml", "")
    said = write(tmp_path / "b.toml", "")
    here = write(tmp_path / "kabarkota.toml", "")
    xdg = write(tmp_path / "xdg/kabarkota/kabarkota.toml", "")
    environ = {"KABARKOTA_CONFIG": str(said), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    assert find_file(named, environ) == named
    assert find_file(None, environ) == said
    del environ["KABARKOTA_CONFIG"]
    assert find_file(None, environ) == Path("kabarkota.toml")
    here.unlink()
    assert find_file(None, environ) == xdg


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret", "redaksi@kabar.example\n")
    assert load({"KABARKOTA_CONTACT_FILE": str(secret)}).crawl.contact == "redaksi@kabar.example"


def test_networks_may_be_listed_in_a_variable() -> None:
    networks = load({"KABARKOTA_ALLOW_NETWORKS": "127.0.0.0/8, ::1/128"}).crawl.allow_networks
    assert [str(network) for network in networks] == ["127.0.0.0/8", "::1/128"]


def test_contact_goes_into_the_user_agent() -> None:
    assert "redaksi@kabar.example" in load({"KABARKOTA_CONTACT": "redaksi@kabar.example"}).crawl.user_agent


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"KABARKOTA_DATA": "/srv/berita"}, "/srv/berita"),
        ({"XDG_DATA_HOME": "/srv/xdg"}, "/srv/xdg/kabarkota"),
    ],
)
def test_data_folder_of_the_environment(environ: dict[str, str], folder: str) -> None:
    assert load(environ).data_folder == Path(folder)


def test_data_folder_here_is_used_where_it_exists(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert load().data_folder == Path("data")
    assert load(data="lain").data_folder == Path("lain")


def test_tilde_in_a_path_is_the_home_folder(tmp_path: Path) -> None:
    write(tmp_path / "kabarkota.toml", 'data = "~/berita"\n')
    assert load().data_folder == tmp_path / "home/berita"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("warna = 1\n", ("kabarkota.toml", "warna", "unknown key"), id="unknown key"),
        pytest.param("[crawl]\nwarna = 1\n", ("kabarkota.toml", "crawl.warna", "unknown key"), id="in a section"),
        pytest.param("[crawl]\ntimeout_seconds = -1\n", ("kabarkota.toml", "crawl.timeout_seconds"), id="out of range"),
        pytest.param('[crawl]\nkeep = "semua"\n', ("kabarkota.toml", "crawl.keep"), id="no such choice"),
        pytest.param('allow_networks = ["rumah"]\n', ("kabarkota.toml", "allow_networks"), id="no network"),
        pytest.param('contact = "a\n', ("kabarkota.toml", "not valid TOML"), id="broken"),
        pytest.param("\ud800", ("kabarkota.toml",), id="no UTF-8"),
    ],
)
def test_a_fault_names_file_and_key(tmp_path: Path, content: str, words: tuple[str, ...]) -> None:
    (tmp_path / "kabarkota.toml").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(UsageFailure) as fault:
        load()
    assert all(word in str(fault.value) for word in words)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("KABARKOTA_WARNA", "1", ("KABARKOTA_WARNA", "unknown")),
        ("KABARKOTA_CRAWL__WARNA", "1", ("KABARKOTA_CRAWL__WARNA", "unknown")),
        ("KABARKOTA_CRAWL__DELAY_SECONDS", "dua", ("KABARKOTA_CRAWL__DELAY_SECONDS",)),
        ("KABARKOTA_CRAWL", "1", ("KABARKOTA_CRAWL",)),
        ("KABARKOTA_CONTACT_FILE", "/tidak/ada", ("KABARKOTA_CONTACT_FILE", "/tidak/ada")),
        ("KABARKOTA_CONFIG", "/tidak/ada", ("/tidak/ada",)),
    ],
)
def test_a_fault_names_the_variable(name: str, value: str, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageFailure) as fault:
        load({name: value})
    assert all(word in str(fault.value) for word in words)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('contact = "redaksi"', "contact: Value error, must be an e-mail address"),
        ('contact = "redaksi@kabar"', "contact"),
        ('contact = "a@b.example, c@d.example"', "contact"),
        ('contact = "javascript:alert(1)"', "contact"),
        ('contact = "https://"', "contact"),
        ('contact = "http://[kabar"', "contact"),
        ('operator_password = "pendek"', "operator_password: Value error, must have at least 12 characters"),
        ('operator_header = "X Remote User"', "operator_header"),
        ('trusted_proxies = ["rumah"]', "trusted_proxies"),
        ('private_pages = ["front"]\noperator_header = "X-User"', "private_pages"),
    ],
)
def test_a_fault_in_what_is_said_of_the_operator(tmp_path: Path, content: str, problem: str) -> None:
    write(tmp_path / "kabarkota.toml", f"[aggregator]\n{content}\n")
    with pytest.raises(UsageFailure) as fault:
        load()
    assert f"kabarkota.toml: aggregator.{problem}" in str(fault.value)
    assert "pendek" not in str(fault.value)


def test_what_is_private_and_the_password_may_come_from_different_places(tmp_path: Path) -> None:
    write(tmp_path / "kabarkota.toml", '[aggregator]\ncontact = "https://kabar.example/kontak"\n')
    secret = write(tmp_path / "sandi", "kata sandi yang panjang\n")
    environ = {
        "KABARKOTA_AGGREGATOR__PRIVATE_PAGES": "status, metrics",
        "KABARKOTA_AGGREGATOR__OPERATOR_PASSWORD_FILE": str(secret),
        "KABARKOTA_AGGREGATOR__TRUSTED_PROXIES": "10.0.0.1",
    }
    settings = load(environ).aggregator
    assert [page.value for page in settings.private_pages] == ["status", "metrics"]
    assert settings.operator_password is not None
    assert settings.operator_password.get_secret_value() == "kata sandi yang panjang"
    assert "panjang" not in repr(settings)
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.1/32"]


def test_a_section_and_its_key_may_not_both_be_variables() -> None:
    with pytest.raises(UsageFailure, match="KABARKOTA_CRAWL"):
        load({"KABARKOTA_CRAWL": "1", "KABARKOTA_CRAWL__KEEP": "all"})
