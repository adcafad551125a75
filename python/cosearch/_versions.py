"""The versions of TVM and tvm-ffi that this release is built against."""

from importlib import metadata

REQUIRED = {
    "apache-tvm": ("0.27.0.post1",),
    # Later ones crash MetaSchedule of TVM 0.27 as soon as tuning starts.
    "apache-tvm-ffi": ("0.1.14.post0", "0.1.14.post1"),
}


def check_versions() -> None:
    """Refuse to run against a TVM whose object layouts were not checked.

    Raises
    ------
    ImportError
        Naming the versions found and the versions wanted.
    """
    found = {name: _installed(name) for name in REQUIRED}
    if all(found[name] in accepted for name, accepted in REQUIRED.items()):
        return
    have = " and ".join(f"{name} {version}" for name, version in found.items())
    want = " and ".join(f"{name}=={accepted[0]}" for name, accepted in REQUIRED.items())
    pins = " ".join(f"{name}=={accepted[0]}" for name, accepted in REQUIRED.items())
    raise ImportError(f"cosearch needs {want}, but found {have}: run `pip install {pins}`.")


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(not installed)"
