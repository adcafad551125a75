"""The predictor over HTTP, for search loops in other languages and processes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from cosearch.latency.predictor import LatencyPredictor
from cosearch.spaces import Space

MAX_BODY_BYTES = 8 << 20
MAX_BATCH = 100_000
MAX_TEXT = 4096

Encoding = Annotated[list[int], Field(max_length=MAX_TEXT)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]


class Query(BaseModel):
    """One architecture: as the space writes it, or its encoding."""

    space: Text
    architecture: Text | Encoding


class BatchQuery(BaseModel):
    """Architectures, all as text or all as encodings."""

    space: Text
    architectures: Annotated[list[Text] | list[Encoding], Field(max_length=MAX_BATCH)]


class Answer(BaseModel):
    """A predicted latency in microseconds, with its interval and its source."""

    us: float
    low_us: float
    high_us: float
    source: str


class BatchAnswer(BaseModel):
    """Predicted latencies in microseconds, in the order of the query."""

    latency_us: list[float]


class Health(BaseModel):
    """What is served."""

    target: str
    threads: int
    spaces: list[str]


def make_app(
    predictor: LatencyPredictor,
    spaces: Mapping[str, Space],
    *,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> FastAPI:
    """Make the application that answers queries.

    Parameters
    ----------
    predictor : LatencyPredictor
        Who answers.
    spaces : mapping of str to Space
        What may be asked about, by name.
    max_body_bytes : int
        Longer requests are refused.

    Returns
    -------
    fastapi.FastAPI
        With ``/v1/predict``, ``/v1/predict_batch``, ``/v1/health`` and ``/openapi.json``.
    """
    app = FastAPI(title="cosearch", description=__doc__ or "")
    lock = asyncio.Lock()
    known: dict[tuple[str, bytes], Answer] = {}

    @app.middleware("http")
    async def limit_body(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        length = request.headers.get("content-length", "")
        if request.method == "POST" and not length.isdecimal():
            return JSONResponse({"detail": "say the request's Content-Length"}, 411)
        if length.isdecimal() and int(length) > max_body_bytes:
            return JSONResponse({"detail": f"more than {max_body_bytes} bytes"}, 413)
        return await call_next(request)

    @app.get("/v1/health")
    async def health() -> Health:
        return Health(
            target=predictor.conditions.target,
            threads=predictor.conditions.threads,
            spaces=sorted(spaces),
        )

    @app.post("/v1/predict")
    async def predict(query: Query) -> Answer:
        space = _space(spaces, query.space)
        row = _rows(space, [query.architecture])[0]
        key = space.name, row.tobytes()
        if key not in known:
            async with lock:  # its blocks may be new ones, which takes a while
                found = await asyncio.to_thread(predictor.predict, row, space=space)
            known[key] = Answer(**asdict(found))
        return known[key]

    @app.post("/v1/predict_batch")
    async def predict_batch(query: BatchQuery) -> BatchAnswer:
        space = _space(spaces, query.space)
        if not query.architectures:
            return BatchAnswer(latency_us=[])
        rows = _rows(space, query.architectures)
        async with lock:
            latency_us = await asyncio.to_thread(predictor.predict_batch, rows, space)
        return BatchAnswer(latency_us=latency_us.tolist())

    return app


def _space(spaces: Mapping[str, Space], name: str) -> Space:
    if name not in spaces:
        known = ", ".join(sorted(spaces))
        raise HTTPException(404, f"there is no space {name!r}, only {known}")
    return spaces[name]


def _rows(space: Space, architectures: Any) -> np.ndarray:
    """Read architectures, int64 ``[count, positions]``."""
    try:
        rows = [space.parse(a) if isinstance(a, str) else a for a in architectures]
        return space.canonical(np.array(rows, dtype="int64"))
    except (ValueError, OverflowError) as error:
        raise HTTPException(422, str(error)) from error
