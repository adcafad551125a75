"""The fork server: a process that has imported TVM, and has one thread, so that it can fork.

`ForkServer` starts it with `command`; a worker is then a fork of some milliseconds. It runs no
candidate itself.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import sys

ENVIRONMENT = {
    # A second thread would make forking unsafe.
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TVM_FFI_DISABLE_TORCH_C_DLPACK": "1",
}


def command() -> str:
    """Return the Python code that starts a fork server with this process's packages.

    Without torch, which tvm-ffi imports when it can, the start is twice as fast.
    """
    return (
        f"import sys; sys.path[:] = {sys.path!r}; sys.modules['torch'] = None; "
        "from cosearch.schedules.workers.zygote import main; main()"
    )


def main() -> None:
    """Serve the pool whose socket is standard input, until it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=os.dup(0))
    devnull = os.open(os.devnull, os.O_RDWR)
    os.dup2(devnull, 0)
    os.close(devnull)
    _warm_up()
    serve(control, os.getppid())
    # Nothing here is worth the second that TVM's finalisers take.
    os._exit(0)


def serve(control: socket.socket, parent: int) -> None:
    """Fork a worker, or tell how one died, for as long as the parent lives."""
    from cosearch.schedules.workers import channel

    workers: set[int] = set()
    channel.send(control, {"pid": os.getpid()})
    try:
        while _wait(control, parent):
            message, descriptors, _, _ = socket.recv_fds(control, 64, 1)
            if not message:
                break
            if message == b"fork":
                workers.add(_fork(control, descriptors[0]))
            else:
                pid = int(message)
                workers.discard(pid)
                channel.send(control, {"death": _death(os.waitpid(pid, 0)[1])})
    finally:
        for pid in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _wait(control: socket.socket, parent: int) -> bool:
    """Wait for a message; False when the parent died without closing its end."""
    while not select.select([control], [], [], 1.0)[0]:
        if os.getppid() != parent:
            return False
    return True


def _fork(control: socket.socket, descriptor: int) -> int:
    from cosearch.schedules.workers import channel, process

    server = os.getpid()
    pid = os.fork()
    if pid == 0:
        control.close()
        process.run(socket.socket(fileno=descriptor), server)
    os.close(descriptor)
    channel.send(control, {"pid": pid})
    return pid


def _death(status: int) -> str:
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"exit status {os.WEXITSTATUS(status)}"


def _warm_up() -> None:
    """Import and initialise what every worker needs, LLVM included."""
    import tvm
    from tvm import te

    from cosearch.schedules.workers import process

    x = te.placeholder((16,), name="x")
    y = te.compute((16,), lambda i: x[i] + x[i], name="y")
    func = te.create_prim_func([x, y]).with_attr("global_symbol", "main")
    target = tvm.target.Target({"kind": "llvm"})
    process.compile_candidate(tvm.IRModule({"main": func}), target, max_stores=16)
    threads = len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 1  # noqa: PTH208
    if threads > 1:
        raise RuntimeError(f"the fork server has {threads} threads, where it must have one")
    gc.collect()
    gc.freeze()
