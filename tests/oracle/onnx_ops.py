"""brisk's own ops written as ONNX, judged by onnx.checker and by ONNX Runtime: the operands of every
case of the op tests, and what brisk's reference backend makes of them. The list of ops and of what
is refused stands in docs/results/onnx_ops.md.

    python tests/oracle/onnx_ops.py [--only PART_OF_A_NAME] [--report FILE]

Fails where the checker refuses a file or ONNX Runtime computes something else.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
import onnxruntime
from onnx import numpy_helper

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "onnx"))
from machine import run_on  # noqa: E402

# Relative and absolute: the op tests' own tolerances, a digit wider, since two programs round differently.
TOLERANCES = {"float64": (1e-9, 1e-9), "float32": (1e-3, 1e-4), "float16": (2e-2, 2e-2)}


# What ONNX or its runtime leaves open, so that another value is none that is wrong.
KNOWN = {
    "atan2/": "the arc tangent of a quotient: signs of zeros and quotients of infinities are lost",
    "cast/": "numbers beyond the integers' range: ONNX leaves them open, brisk saturates",
    "reduce_mean/": "the mean of no elements",
}


def load(path):
    proto = onnx.TensorProto()
    proto.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(proto)


def judge(folder):
    """None, or what is wrong, in this process."""
    file = str(folder / "model.onnx")
    try:
        onnx.checker.check_model(file, full_check=True)
    except Exception as error:
        return f"checker: {str(error).splitlines()[0][:200]}"
    try:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 4
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        inputs = {port.name: load(folder / f"input_{port.name.removeprefix('operand')}.pb") for port in session.get_inputs()}
        outputs = session.run(None, inputs)
    except Exception as error:
        return f"not run: {str(error).splitlines()[0][:200]}"
    for i, found in enumerate(outputs):
        expected = load(folder / f"output_{i}.pb")
        if found.shape != expected.shape or found.dtype != expected.dtype:
            return f"differs: output {i} is {found.dtype}{list(found.shape)}, not {expected.dtype}{list(expected.shape)}"
        relative, absolute = TOLERANCES.get(str(found.dtype), (0, 0))
        if not numpy.allclose(found.astype(numpy.float64), expected.astype(numpy.float64), relative, absolute, equal_nan=True):
            worst = numpy.nanmax(numpy.abs(found.astype(numpy.float64) - expected.astype(numpy.float64)))
            return f"differs: output {i} by up to {worst:.3g}"
    return None


def judge_all(folders):
    """In children: some files take ONNX Runtime's process with them."""
    verdicts, remaining = {}, list(folders)
    while remaining:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            onnxruntime.set_default_logger_severity(4)
            with os.fdopen(write, "w", buffering=1) as stream:
                for name in remaining:
                    stream.write(json.dumps([name, "not run: crash"]) + "\n")
                    stream.write(json.dumps([name, judge(folders[name])]) + "\n")
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as stream:
            for line in stream:
                name, verdict = json.loads(line)
                verdicts[name] = verdict
        os.waitpid(child, 0)
        remaining = [name for name in remaining if name not in verdicts]
    return verdicts


def open_cases(verdicts):
    """Marks those that differ where nothing is said."""
    for name, verdict in verdicts.items():
        known = [why for prefix, why in KNOWN.items() if name.startswith(prefix)]
        if verdict and verdict.startswith("differs") and known:
            verdicts[name] = f"open: {known[0]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--report", type=Path, help="write the list of ops here (docs/results/onnx_ops.md)")
    parser.add_argument("--writer", help="the built onnx_op_writer; else it is built in build/")
    arguments = parser.parse_args()
    if arguments.writer is None:
        subprocess.run(["cmake", "--build", ROOT / "build", "--target", "onnx_op_writer"], check=True, stdout=subprocess.DEVNULL)
        arguments.writer = str(ROOT / "build" / "tests" / "onnx_op_writer")
    refused, opsets, texts = {}, {}, []
    with tempfile.TemporaryDirectory() as scratch:
        command = [arguments.writer, scratch, *([arguments.only] if arguments.only else [])]
        for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
            what, name, *rest = line.split(" ")
            if what == "refused":
                refused[name] = " ".join(rest)
            elif what == "text":
                texts.append(name)
            else:
                opsets[name] = int(rest[1])
        verdicts = judge_all({name: Path(scratch) / name for name in opsets if name not in refused})
    open_cases(verdicts)
    ops = collections.defaultdict(lambda: collections.Counter())
    for name in list(refused) + list(verdicts):
        verdict = "refused" if name in refused else (verdicts[name] or "right").partition(":")[0]
        ops[name.partition("/")[0]][verdict] += 1
    total = collections.Counter()
    for counts in ops.values():
        total.update(counts)
    said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(total.items()))
    print(f"{len(ops)} ops, {sum(total.values())} cases: {said}; {len(texts)} whose text is no fixed point")
    for name, verdict in sorted(verdicts.items()):
        if verdict:
            print(f"  {name} (opset {opsets[name]}): {verdict}")
    for name in texts:
        print(f"  {name}: what is read back is written as something else")
    for op in sorted(op for op, counts in ops.items() if counts["refused"]):
        names = [name for name in refused if name.partition("/")[0] == op]
        print(f"  {op}: {len(names)} of {sum(ops[op].values())} refused: {refused[names[0]]}")
    if arguments.report:
        write_report(arguments.report, ops, refused, verdicts, opsets, total)
    return 1 if any(v and v.startswith(("checker", "differs")) for v in verdicts.values()) or texts else 0


def write_report(path, ops, refused, verdicts, opsets, total):
    whole = sorted(op for op, counts in ops.items() if not counts["refused"])
    lines = ["# brisk's ops as ONNX", "",
             f"The cases of the op tests written as ONNX, checked by onnx {onnx.__version__} and run by ONNX Runtime {onnxruntime.__version__}, beside",
             "brisk's reference backend. Made by `./dev test --oracle onnx_ops`.", f"{run_on()}.", "",
             "| cases | |", "| --- | ---: |"]
    words = {"right": "written, accepted by the checker, the same in ONNX Runtime", "not run": "written, accepted by the checker, for ONNX Runtime has no kernel",
             "refused": "refused, with a reason", "open": "different in ONNX Runtime, where ONNX leaves it open", "checker": "refused by the checker",
             "differs": "different in ONNX Runtime"}
    lines += [f"| {text} | {total[key]} |" for key, text in words.items()]
    lines += ["", f"{len(whole)} of {len(ops)} ops are written in all of their cases.", "",
              "## Refused", "", "| op | cases | why |", "| --- | ---: | --- |"]
    for op in sorted(set(ops) - set(whole)):
        names = [name for name in refused if name.partition("/")[0] == op]
        reasons = sorted({refused[name].replace("|", "/") for name in names})
        lines.append(f"| {op} | {len(names)} of {sum(ops[op].values())} | {'; '.join(reasons[:3])} |")
    others = {name: verdict for name, verdict in verdicts.items() if verdict and not verdict.startswith("not run")}
    if others:
        lines += ["", "## Different", "", "| case | what |", "| --- | --- |"]
        lines += [f"| {name} | {verdict.replace('|', '/')} |" for name, verdict in sorted(others.items())]
    path.write_text("\n".join(lines) + "\n")
    print(f"written: {path}")


if __name__ == "__main__":
    sys.exit(main())
