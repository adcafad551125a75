"""The tables of a schedule database, the same for SQLite and PostgreSQL."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

FORMAT_VERSION = 4
"""Written to ``meta``. Versions 1 to 3 are brought up to date when they are opened for writing; a
database of another version is refused."""

metadata = MetaData()

# SQLite counts rows only in columns of exactly the type INTEGER.
_RowId = BigInteger().with_variant(Integer, "sqlite")


def _id_column() -> "Column[int]":
    return Column("id", _RowId, primary_key=True, autoincrement=True)


meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

conditions = Table(
    "conditions",
    metadata,
    _id_column(),
    Column("key", String(32), nullable=False, unique=True),
    Column("target", Text, nullable=False),
    Column("features", Text, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("tvm_version", Text, nullable=False),
    sqlite_autoincrement=True,
)

# Two workloads of one signature, a collision or a mere difference in block names (which traces
# use), are two rows: the digest of the IR tells them apart.
workloads = Table(
    "workloads",
    metadata,
    _id_column(),
    Column("shape_aware", String(32), nullable=False),
    Column("shape_agnostic", String(32), nullable=False, index=True),
    Column("ir_digest", String(32), nullable=False),
    Column("ir", LargeBinary, nullable=False),
    Column("dtype", Text, nullable=False),
    Column("layout", Text, nullable=False),
    Column("name", Text, nullable=False),
    # What other workloads are compared by: see `describe_workload`. Empty where it is not known.
    Column("kind", String(32), nullable=False, server_default=""),
    Column("coordinates", Text, nullable=False, server_default=""),
    UniqueConstraint("shape_aware", "ir_digest", name="uq_workloads_identity"),
    # Row numbers are cached by readers, so a deleted one must not come back as another workload.
    sqlite_autoincrement=True,
)

records = Table(
    "records",
    metadata,
    _id_column(),
    # Names a record in every database that it is copied to: importing it twice adds it once.
    Column("uid", String(32), nullable=False, unique=True),
    Column("workload_id", _RowId, ForeignKey("workloads.id"), nullable=False),
    Column("conditions_id", _RowId, ForeignKey("conditions.id"), nullable=False),
    Column("trace", LargeBinary, nullable=False),
    Column("latencies_us", Text, nullable=False),
    Column("latency_us", Float(53)),  # the median; NULL for a candidate that failed
    Column("failure", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("block", Text, nullable=False),
    Column("trials", Integer, nullable=False),
    Column("search", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("design", Text, nullable=False, server_default=""),
    Index("ix_records_best", "workload_id", "conditions_id", "latency_us", "id"),
    # None on conditions_id: SQLite would prefer it to this one, and read most of the table.
    Index("ix_records_workload", "workload_id", "id"),
    sqlite_autoincrement=True,
)

# Donors that did not suit a workload. The record is named by its uid: it may be another database's.
rejections = Table(
    "rejections",
    metadata,
    _id_column(),
    Column("shape_aware", String(32), nullable=False),
    Column("record_uid", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    UniqueConstraint("shape_aware", "record_uid", name="uq_rejections_pair"),
)

cost_models = Table(
    "cost_models",
    metadata,
    _id_column(),
    Column("key", String(64), nullable=False, unique=True),
    Column("trained_on", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

# Measured latencies of kernels, blocks and networks, by what they are of. Of one thing measured
# twice in the same way, the newest.
labels = Table(
    "labels",
    metadata,
    _id_column(),
    Column("level", String(16), nullable=False),
    Column("key", String(64), nullable=False),
    Column("context", String(16), nullable=False),
    Column("network", String(64), nullable=False),
    Column("conditions_id", _RowId, ForeignKey("conditions.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("protocol", Integer, nullable=False),
    Column("latency_us", Float(53), nullable=False),
    Column("low_us", Float(53), nullable=False),
    Column("high_us", Float(53), nullable=False),
    Column("unstable", Integer, nullable=False),
    Column("exclusive", Integer, nullable=False),
    Column("parts", Text, nullable=False),
    Column("created", Text, nullable=False),
    UniqueConstraint(
        "level", "key", "context", "network", "conditions_id", name="uq_labels_identity"
    ),
)

# How fast the reference work is on a quiet machine, which labels are scaled to.
calibrations = Table(
    "calibrations",
    metadata,
    _id_column(),
    Column("machine", Text, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("protocol", Integer, nullable=False),
    Column("compute_us", Float(53), nullable=False),
    Column("memory_us", Float(53), nullable=False),
    Column("clock_us", Float(53), nullable=False),
    Column("exclusive", Integer, nullable=False),
    UniqueConstraint("machine", "threads", "protocol", name="uq_calibrations_machine"),
)

ADDED_IN_2 = (
    (workloads, ("kind", "coordinates")),
    (records, ("design",)),
)
"""Columns that a database of version 1 lacks. Older ones lack some of the last tables as well."""
