#!/usr/bin/env python3
"""PyTorch's scaled_dot_product_attention on the shapes that `noesis-gpu-check cells` prints, each of its kernels
forced in turn, measured as ours is: from an idle device between two events, and in a row as a CUDA graph over
buffers that together exceed the cache. Also the rate of a large matrix product and of a large copy: the ceilings.

    noesis-gpu-check cells | sdpa.py --out sdpa.json

Without PyTorch or a GPU the file says so, and the exit code is 0: there is nothing to compare with, which is no fault.
"""

import argparse
import json
import os
import statistics
import sys
import time

try:
    import torch
    import torch.nn.functional as F
    from torch.nn.attention import SDPBackend, sdpa_kernel
except ImportError as error:
    torch, MISSING = None, f"PyTorch can't be imported: {error}"
else:
    MISSING = None if torch.cuda.is_available() else "PyTorch finds no GPU"

WARM_UPS, TRIALS = 100, 1000
# Most seconds of trials per shape, kernel and way of measuring.
SECONDS = 0.2
# Launches in one graph, and how often it is replayed.
IN_A_ROW, REPLAYS = 32, 30
# Most bytes of rotating buffers.
MOST_BYTES = 8 << 30


def percentiles(times):
    """Of milliseconds, in microseconds, by the nearest rank."""
    times = sorted(times)
    rank = lambda percent: times[max(1, -(-len(times) * percent // 100)) - 1] * 1e3
    return {"p50": rank(50), "p95": rank(95), "p99": rank(99), "trials": len(times)}


def elapsed(work):
    """Milliseconds between two events around the work, from an idle device."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    start.record()
    work()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end)


def ceilings():
    """TFLOP/s of an 8192-cubed product on ordinary values, and GB/s (read plus written) of a 2 GiB copy."""
    out = {}
    for name, dtype in [("matmul_f16_tflops", torch.float16), ("matmul_bf16_tflops", torch.bfloat16)]:
        a, b = (torch.randn(8192, 8192, device="cuda", dtype=dtype) for _ in range(2))
        times = [elapsed(lambda: a @ b) for _ in range(20)]
        out[name] = 2 * 8192**3 / (statistics.median(times[5:]) * 1e-3) / 1e12
    a = torch.randn(1 << 29, device="cuda")
    b = torch.empty_like(a)
    times = [elapsed(lambda: b.copy_(a)) for _ in range(20)]
    out["copy_gbs"] = 2 * a.numel() * 4 / (statistics.median(times[5:]) * 1e-3) / 1e9
    return out


def inputs(cell):
    """Independent queries, keys and values, and the gradient of the output."""
    dtype = {"f16": torch.float16, "bf16": torch.bfloat16}[cell["number"]]
    queries = 1 if cell["pass"] == "decode" else cell["length"]
    backward = cell["pass"] == "backward"
    make = lambda heads, rows: torch.randn(
        cell["batch"], heads, rows, cell["head_dim"], device="cuda", dtype=dtype, requires_grad=backward
    )
    q = make(cell["heads"], queries)
    k, v = (make(cell["kv_heads"], cell["length"]) for _ in range(2))
    return q, k, v, torch.randn_like(q) if backward else None


def work_on(cell, tensors):
    """What is timed, for one set of inputs."""
    q, k, v, gradient = tensors
    options = {"is_causal": cell["causal"], "enable_gqa": cell["heads"] != cell["kv_heads"]}
    if cell["pass"] != "backward":
        return lambda: F.scaled_dot_product_attention(q, k, v, **options)
    out = F.scaled_dot_product_attention(q, k, v, **options)
    return lambda: torch.autograd.grad(out, (q, k, v), gradient, retain_graph=True)


def in_a_row(works, once):
    """Times per call of many calls (of `once` ms each) in turn over all sets: as a graph, or, where none can be
    recorded, as calls."""
    fitting = int(SECONDS * 1e3 / once)
    rounds = max(1, -(-min(IN_A_ROW, fitting // 5) // len(works)))
    calls = rounds * len(works)

    def all_of_them():
        for _ in range(rounds):
            for work in works:
                work()

    run, is_graph = all_of_them, False
    all_of_them()
    try:
        graph = torch.cuda.CUDAGraph()
        # On the stream of the forward pass: a backward pass queues its work there, whatever the caller's.
        with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
            all_of_them()
        run, is_graph = graph.replay, True
    except RuntimeError:
        torch.cuda.synchronize()
    run()
    repeats = max(3, min(REPLAYS, fitting // calls))
    return {
        "call": percentiles([elapsed(run) / calls for _ in range(repeats)]),
        "graph": is_graph,
        "sets": len(works),
    }


def measure(cell):
    """All on the current stream, which must not be the default one: that can't be recorded."""
    first = inputs(cell)
    size = 2 * sum(tensor.numel() * tensor.element_size() for tensor in first if tensor is not None)
    cache = torch.cuda.get_device_properties(0).L2_cache_size
    sets = max(1, min(2 * cache // size + 2, MOST_BYTES // size, 64))
    works = [work_on(cell, first)] + [work_on(cell, inputs(cell)) for _ in range(sets - 1)]
    work = works[0]
    for _ in range(3):
        once = elapsed(work)
    trials = max(20, min(TRIALS, int(SECONDS * 1e3 / once)))
    for _ in range(min(WARM_UPS, trials)):
        elapsed(work)
    call = percentiles([elapsed(work) for _ in range(trials)])
    return {"call": call, "replayed": in_a_row(works, once)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="the JSON file to write")
    parser.add_argument("--seconds", type=float, default=240, help="when to stop measuring further shapes")
    arguments = parser.parse_args()
    report = {"missing": MISSING, "cells": []}

    def save():
        """Replaces the file as a whole, after every shape: whoever stops this finds what was measured."""
        with open(arguments.out + ".partial", "w") as file:
            json.dump(report, file)
        os.replace(arguments.out + ".partial", arguments.out)

    if MISSING is None:
        torch.manual_seed(0)
        started = time.monotonic()
        report |= {
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "device": torch.cuda.get_device_name(0),
            "ceilings": ceilings(),
        }
        kernels = {
            "flash": SDPBackend.FLASH_ATTENTION,
            "cudnn": SDPBackend.CUDNN_ATTENTION,
            "efficient": SDPBackend.EFFICIENT_ATTENTION,
        }
        stream = torch.cuda.Stream()
        for cell in json.load(sys.stdin):
            if time.monotonic() - started > arguments.seconds:
                report["stopped"] = f"after {arguments.seconds:.0f} s, before {cell['name']}"
                break
            found = {}
            for name, kernel in kernels.items():
                try:
                    with torch.cuda.stream(stream), sdpa_kernel(kernel):
                        found[name] = measure(cell["cell"])
                except RuntimeError as error:  # this kernel takes no such shape, or there is no memory
                    found[name] = {"error": str(error).splitlines()[0]}
                    torch.cuda.empty_cache()
            report["cells"].append({"name": cell["name"], "kernels": found})
            times = (f"{name} {times['call']['p50']:.1f} us" for name, times in found.items() if "call" in times)
            print(cell["name"], *times, file=sys.stderr)
            save()
    else:
        print(MISSING, file=sys.stderr)
    save()


if __name__ == "__main__":
    main()
