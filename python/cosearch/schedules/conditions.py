"""The conditions that a tuned schedule is bound to."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import tvm
from tvm.target import Target, codegen


@dataclass(frozen=True)
class Conditions:
    """Where a schedule was measured; a record is looked up only under equal conditions.

    Attributes
    ----------
    target : str
        Normalised target as canonical JSON: kind, CPU name, sorted extra features; neither cores
        nor tags nor keys.
    features : str
        Instruction-set features that LLVM uses for the target, sorted, separated by commas.
    threads : int
        Threads that the parallel loops of a kernel are spread over.
    tvm_version : str
        Version of TVM that lowered the kernel.
    """

    target: str
    features: str
    threads: int
    tvm_version: str

    @classmethod
    def of(cls, target: Target) -> "Conditions":
        """Conditions of kernels compiled for a resolved target (see `resolve_target`).

        Raises
        ------
        ValueError
            When the target does not say its number of cores.
        """
        cores = target.attrs.get("num-cores")
        if cores is None:
            raise ValueError(
                f"the target {target} does not say how many threads to use: "
                f"pass it through cosearch.schedules.resolve_target first."
            )
        kept = {
            key: _plain(value)
            for key, value in target.export().items()
            if key not in ("tag", "keys", "num-cores", "host")
        }
        return cls(
            target=json.dumps(kept, sort_keys=True),
            features=_features(str(target)),
            threads=int(cores),
            tvm_version=tvm.__version__,
        )

    @property
    def key(self) -> str:
        """Digest (32 hex digits) under which a database files these conditions."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | int | float) or value is None:
        return value
    return sorted(_plain(item) for item in value)


@lru_cache(maxsize=64)
def _features(target_json: str) -> str:
    target = Target(json.loads(target_json))
    if target.kind.name != "llvm":
        return ""
    return ",".join(sorted(str(name) for name in codegen.llvm_get_cpu_features(target)))
