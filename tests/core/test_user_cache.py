from pathlib import Path

from accord.core.user_cache import user_cache


def test_the_environment_moves_it(monkeypatch, tmp_path):
    monkeypatch.setenv("ACCORD_CACHE", str(tmp_path))
    assert user_cache("results") == tmp_path / "results"
    monkeypatch.delenv("ACCORD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert user_cache("results") == tmp_path / "xdg" / "accord" / "results"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert user_cache("results") == Path.home() / ".cache" / "accord" / "results"
    assert not list(tmp_path.iterdir())
