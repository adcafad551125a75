"""An entry: a record in the encoded form that moves between tables and files."""

import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from statistics import median

from tvm.ir import IRModule

from cosearch.blocks import Signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.record import Provenance, Record, Workload
from cosearch.schedules.similarity import describe_workload
from cosearch.schedules.store import codec, traces
from cosearch.schedules.store.errors import DamagedDataError, DatabaseError

_LAYOUT = re.compile(r"(?:^|_)(nhwc|nchwc?|nwc|ncw|ndhwc|ncdhw)(?:_|$)", re.IGNORECASE)


@dataclass(frozen=True)
class StoredIR:
    """The IR of a workload as a row of ``workloads`` holds it."""

    signature: Signature
    digest: str
    data: bytes = field(repr=False)
    dtype: str = ""
    layout: str = ""
    name: str = "main"
    kind: str = ""
    coordinates: tuple[float, ...] = ()

    @classmethod
    def of(cls, workload: Workload) -> "StoredIR":
        """Encode a workload."""
        mod = codec.canonical_module(workload.mod)
        text = codec.module_text(mod)
        point = describe_workload(mod["main"])
        return cls(
            signature=workload.signature,
            digest=codec.digest(text),
            data=codec.pack(text),
            dtype=_dtype(mod),
            layout=_layout(mod),
            name=workload.name,
            kind=point.kind,
            coordinates=point.coordinates,
        )

    def read_text(self) -> str:
        """Return the IR as JSON, checked against its digest.

        Raises
        ------
        DamagedDataError
            When it is not what was stored.
        """
        text = codec.unpack(self.data, codec.MAX_IR_BYTES)
        if codec.digest(text) != self.digest:
            raise DamagedDataError("its IR is not the one that was stored")
        return text

    @cached_property
    def mod(self) -> IRModule:
        """The module.

        Raises
        ------
        DamagedDataError
            When TVM cannot read it.
        """
        return codec.read_module(self.read_text())


class StoredWorkload(Workload):
    """A workload out of a database, which decodes its IR (milliseconds) when first asked for it."""

    def __init__(self, stored: StoredIR) -> None:
        object.__setattr__(self, "stored", stored)
        object.__setattr__(self, "signature", stored.signature)
        object.__setattr__(self, "name", stored.name)

    @property
    def mod(self) -> IRModule:
        """The module.

        Raises
        ------
        DatabaseError
            When this TVM cannot read it.
        """
        stored: StoredIR = object.__getattribute__(self, "stored")
        try:
            return stored.mod
        except DamagedDataError as error:
            raise DatabaseError(
                f"the workload {self.signature.shape_aware} is damaged: {error}; "
                f"`cosearch db verify` names its records."
            ) from error


@dataclass(frozen=True)
class Entry:
    """One record, encoded."""

    uid: str
    ir: StoredIR
    conditions: Conditions
    trace: bytes = field(repr=False)
    latencies_us: tuple[float, ...]
    failure: str
    provenance: Provenance
    id: int | None = None

    @classmethod
    def of(cls, record: Record, ir: StoredIR | None = None) -> "Entry":
        """Encode a record as a new entry.

        Raises
        ------
        ValueError
            When it has neither latencies nor a failure, or holds something that is no trace.
        """
        latencies = codec.check_latencies(record.latencies_us)
        if bool(latencies) == bool(record.failure):
            raise ValueError("a record has latencies, or a failure that says why it has none")
        return cls(
            uid=uuid.uuid4().hex,
            ir=ir or StoredIR.of(record.workload),
            conditions=record.conditions,
            trace=codec.pack(traces.trace_text(record.trace)),
            latencies_us=latencies,
            failure=record.failure,
            provenance=_dated(record.provenance),
        )

    @property
    def latency_us(self) -> float | None:
        """Median of the measured times, None for a failed candidate."""
        return median(self.latencies_us) if self.latencies_us else None

    def decode(self) -> Record:
        """Decode the record; its IR is decoded when asked for.

        Raises
        ------
        DamagedDataError
            When the trace is damaged.
        """
        return Record(
            workload=StoredWorkload(self.ir),
            trace=traces.read_trace(self.trace),
            latencies_us=self.latencies_us,
            conditions=self.conditions,
            provenance=self.provenance,
            id=self.id,
            failure=self.failure,
        )


def _dated(provenance: Provenance) -> Provenance:
    if provenance.created:
        return provenance
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return Provenance(**{**vars(provenance), "created": now})


def _dtype(mod: IRModule) -> str:
    func = mod["main"]
    dtypes = (str(param.dtype) for param in func.params)
    return ",".join(dict.fromkeys(dtypes))


def _layout(mod: IRModule) -> str:
    """Layout that the operators' names speak of, such as ``NHWC``, or nothing."""
    matches = (_LAYOUT.search(name) for name in codec.block_names(mod["main"]))
    return next((match.group(1).upper() for match in matches if match), "")
