"""A small network as torch module and as ONNX file, and a database that schedules its kernels."""

import io
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from cosearch import timing
from cosearch.latency import Laboratory
from cosearch.relay.label_network import label_network
from cosearch.relay.log_overhead import log_overhead_us
from cosearch.relay.measure_network import measure_network, measure_run
from cosearch.schedules import (
    Conditions,
    Provenance,
    Record,
    ScheduleDatabase,
    extract_workloads,
    lower_to_workloads,
    resolve_target,
)

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
sys.path.insert(0, str(Path(__file__).parent / "schedules"))
sys.path.insert(0, str(Path(__file__).parent))

from mbconv_family import MBConvNet, Stage, calibrate
from sampling import sample_trace

# Several workers run tests at once: threads of each would only wait for those of the others.
torch.set_num_threads(1)
threadpool_limits(1, user_api="blas")

# Figures of tests need not be sure, and several workers measure at once.
ROUGHLY_S = 0.5
timing.calibrate.__defaults__ = (ROUGHLY_S,)
for measures in (
    Laboratory.measure,
    label_network,
    log_overhead_us,
    measure_network,
    measure_run,
):
    measures.__kwdefaults__["budget_s"] = ROUGHLY_S

TARGET = "llvm -mcpu=native -num-cores=2"


@dataclass(frozen=True)
class Network:
    """A network through both front doors, with an input and the output that torch gives."""

    torch: torch.nn.Module
    onnx: bytes
    input: np.ndarray
    output: np.ndarray


@pytest.fixture(scope="session")
def network() -> Network:
    """Two MBConv blocks, one with squeeze-and-excitation, on a 16 × 16 picture."""
    torch.manual_seed(0)
    stages = (Stage(16, 1, ((3, 1),)), Stage(24, 2, ((5, 3),), excite=True))
    module = calibrate(MBConvNet(stages, classes=10), torch.randn(16, 3, 16, 16))
    picture = torch.randn(1, 3, 16, 16)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (picture,), file, input_names=["input"], dynamo=False)
    with torch.no_grad():
        output = module(picture).numpy()
    # A network whose output hardly depends on its input would pass any comparison.
    assert np.abs(output - module(torch.zeros_like(picture)).detach().numpy()).max() > 0.05
    return Network(module, file.getvalue(), picture.numpy(), output)


@pytest.fixture(scope="session")
def onnx_file(network, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    path.write_bytes(network.onnx)
    return path


@pytest.fixture(scope="session")
def target():
    return resolve_target(TARGET)


@pytest.fixture(scope="session")
def sampled_records(network, target) -> list[Record]:
    """One schedule for each kernel of the network, sampled from MetaSchedule's space."""
    from cosearch import frontend

    lowered = lower_to_workloads(frontend.from_onnx(network.onnx), target)
    conditions = Conditions.of(target)
    return [
        Record(
            task.workload,
            sample_trace(task.workload.mod, target),
            (5.0,),
            conditions,
            Provenance(network="donor", block=task.block, trials=1, search="sampled"),
        )
        for task in extract_workloads(lowered)
    ]


@pytest.fixture
def database(sampled_records):
    """A database that knows every kernel of the network."""
    database = ScheduleDatabase.in_memory()
    database.add_many(sampled_records)
    yield database
    database.close()
