"""A wrong TVM or tvm-ffi is refused at import, in one sentence."""

from importlib import metadata

import pytest

from cosearch import _versions


def test_installed_versions_are_accepted():
    _versions.check_versions()


@pytest.mark.parametrize(
    ("package", "version"),
    [("apache-tvm", "0.28.0"), ("apache-tvm-ffi", "0.1.15"), ("apache-tvm", None)],
)
def test_other_versions_are_refused(monkeypatch, package, version):
    real = metadata.version

    def fake(name):
        if name != package:
            return real(name)
        if version is None:
            raise metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(metadata, "version", fake)
    with pytest.raises(ImportError) as caught:
        _versions.check_versions()
    message = str(caught.value)
    assert (version or "(not installed)") in message
    assert "apache-tvm==0.27.0.post1" in message
    assert "\n" not in message
