"""ONNX's own backend tests, judged by ONNX: node, simple, converted and real-model cases out of the
package onnx 1.22.0 go through brisk's import, compile and cpu backend; what comes out is compared by
onnx.backend.test.runner at ONNX's tolerances. The score stands in docs/results/onnx_cases.md, beside
ONNX Runtime's on the same cases, and every failing case there with its reason.

    python tests/oracle/onnx_cases.py [--only PART_OF_A_NAME] [--backend NAME] [--mode stages|program|again|export] [--no-peer] [--report FILE]

Fails when fewer cases pass than the committed list says, or one that passed fails. In several processes at a
time, on a machine with a GPU, and one report of what they found (docs/results/onnx_cases_cuda.md):

    python tests/oracle/onnx_cases.py --backend cuda --no-peer --part 3/12 --failures part3.json
    python tests/oracle/onnx_cases.py --backend cuda --no-peer --found part*.json --on "NVIDIA H100, cuDNN 9.14" --report FILE
"""

import argparse
import collections
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
import onnx
from onnx import numpy_helper
from onnx.backend.test.runner import Runner

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "onnx"))
from machine import run_on  # noqa: E402

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
REPORT = ROOT / "docs" / "results" / "onnx_cases.md"
KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator", "real")
SECONDS_A_CASE = 300


# Why a case cannot pass, where that is known; other failures are shown with what was found.
KNOWN = {
    "node/test_bernoulli": "random: the expected draws are those of an unseeded NumPy generator",
    "node/test_dft_inverse": "the expected value is the rounding noise of the reference's FFT (1.9e-7 for a zero), larger than the "
                             "absolute tolerance; brisk gives 3e-15",
    "node/test_image_decoder": "the file is JPEG 2000 or WebP, which brisk does not read",
}


KNOWN_OF_WRITTEN = {
    "node/test_cast_": "a result of an element type that travels in a wider one (or that ONNX Runtime gives as bytes)",
    "node/test_dft_inverse": "as above: the reference's rounding noise",
    "real/test_squeezenet": "ONNX Runtime 1.32 with all of its optimizations on filters of one repeated number; right at its extended level",
}


class Case:
    """A model, one of its data sets and the tolerances."""

    def __init__(self, kind, folder):
        self.kind, self.folder, self.name = kind, folder, f"{kind}/{folder.name}"
        self.model = folder / "model.onnx"
        self.data = folder / "test_data_set_0"
        self.rtol, self.atol = 1e-3, 1e-7
        self.light = None
        if (folder / "data.json").exists():
            fields = json.loads((folder / "data.json").read_text())
            self.rtol, self.atol = fields.get("rtol", self.rtol), fields.get("atol", self.atol)
            self.light = fields.get("url")

    def load(self):
        return onnx.load(str(self.model), load_external_data=False)


def find_cases(only):
    cases = []
    for kind in KINDS:
        for folder in sorted((DATA / kind).iterdir()):
            if folder.is_dir() and (not only or only in folder.name):
                cases.append(Case(kind, folder))
    return cases


def prepare_real(case, scratch):
    """The real models' weights are made in the graph; their input is what onnx's runner takes."""
    light = DATA / "light" / Path(case.light).name
    case.model = light
    case.data = scratch / "real" / case.folder.name
    case.data.mkdir(parents=True, exist_ok=True)
    model = onnx.load(str(light))
    given = {entry.name for entry in model.graph.initializer}
    for i, port in enumerate(p for p in model.graph.input if p.name not in given):
        shape = [d.dim_value if d.HasField("dim_value") else 1 for d in port.type.tensor_type.shape.dim]
        count = numpy.prod(shape)
        values = (numpy.arange(count).reshape(shape) / count).astype(numpy.float32)
        (case.data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(values, port.name).SerializeToString())
    for source in sorted((DATA / "light").glob(light.stem + "_output_*.pb")):
        (case.data / source.name[len(light.stem) + 1:]).write_bytes(source.read_bytes())


def load_value(path, type_proto):
    kind = type_proto.WhichOneof("value")
    data = Path(path).read_bytes()
    if kind == "sequence_type":
        proto = onnx.SequenceProto()
        proto.ParseFromString(data)
        return numpy_helper.to_list(proto)
    if kind == "optional_type":
        proto = onnx.OptionalProto()
        proto.ParseFromString(data)
        return numpy_helper.to_optional(proto)
    proto = onnx.TensorProto()
    proto.ParseFromString(data)
    return numpy_helper.to_array(proto)


def expected_outputs(case, model):
    count = len(list(case.data.glob("output_*.pb")))
    return [load_value(case.data / f"output_{i}.pb", model.graph.output[i].type) for i in range(count)]


def flat(values):
    """The arrays of nested sequences, and their structure: ONNX's runner cannot compare scalars in them."""
    arrays, structure = [], []
    for value in values:
        if isinstance(value, (list, tuple)):
            inner, shape = flat(value)
            arrays += inner
            structure.append(shape)
        elif value is None:
            structure.append(None)
        else:
            arrays.append(value)
            structure.append("tensor")
    return arrays, structure


def judge(case, model, outputs):
    """None, or why ONNX's runner refuses the outputs."""
    try:
        expected = expected_outputs(case, model)
        (left, shape), (right, other) = flat(expected), flat(outputs)
        if shape != other:
            return f"differs: the structure is {other}, not {shape}"[:200]
        Runner.assert_similar_outputs(left, right, case.rtol, case.atol, str(case.folder))
    except Exception as error:  # the comparison's own message
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return "differs: " + "; ".join(lines[:4])[:200]
    return None


class Worker:
    """The runner program; started again after a crash."""

    def __init__(self, program, out, *arguments):
        self.program, self.out, self.arguments, self.process = program, out, arguments, None

    def start(self):
        self.process = subprocess.Popen([self.program, self.out, *self.arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.pending = b""

    def line(self, end):
        """The next line; "" where the process has ended, None where the time has."""
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.time()))
            if not ready:
                return None
            chunk = os.read(self.process.stdout.fileno(), 1 << 16)
            if not chunk:
                return ""
            self.pending += chunk
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode(errors="replace")

    def run(self, case):
        """None, or the reason of failure."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        self.process.stdin.write(f"{case.name}\t{case.model}\t{case.data}\n".encode())
        self.process.stdin.flush()
        end = time.time() + SECONDS_A_CASE
        while (line := self.line(end)) is not None:
            if line == "":
                return f"crash: the process ended with {self.process.wait()}"
            if line == f"done {case.name}":
                return None
            if line.startswith(f"fail {case.name} "):
                return line[len(f"fail {case.name} "):].strip()
        self.process.kill()
        self.process.wait()
        return f"no answer within {SECONDS_A_CASE} s"


def run_brisk(cases, program, out, *arguments):
    worker, failures = Worker(program, out, *arguments), {}
    for i, case in enumerate(cases):
        reason = worker.run(case)
        if reason is None and "export" not in arguments:
            model = case.load() if case.light is None else onnx.load(str(case.model))
            folder = Path(out) / case.name
            try:
                outputs = [load_value(folder / f"output_{k}.pb", port.type) for k, port in enumerate(model.graph.output)]
            except Exception as error:
                reason = f"unreadable output: {error}"
            else:
                reason = judge(case, model, outputs)
        if reason is not None:
            failures[case.name] = reason
        if (i + 1) % 100 == 0:
            print(f"  {i + 1} of {len(cases)}, {len(failures)} failed", flush=True)
    return failures


def peer_inputs(case, model):
    given = {entry.name for entry in model.graph.initializer}
    ports = [port for port in model.graph.input if port.name not in given]
    count = len(list(case.data.glob("input_*.pb")))
    if count > len(ports):
        ports = list(model.graph.input)
    return {ports[i].name: load_value(case.data / f"input_{i}.pb", ports[i].type) for i in range(count)}


def run_peer_here(case, exported=None):
    """ONNX Runtime on one case, or on what brisk exported of it, in this process: None or the reason."""
    import onnxruntime
    onnxruntime.set_default_logger_severity(4)
    model = onnx.load(str(case.model))
    file = exported or case.model
    if exported:
        try:
            onnx.checker.check_model(str(exported), full_check=True)
        except Exception as error:
            return f"checker: {str(error).splitlines()[0][:160]}"
    try:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        read = {port.name for port in session.get_inputs()}
        inputs = {name: value for name, value in peer_inputs(case, model).items() if not exported or name in read}
        outputs = session.run(None, inputs)
    except Exception as error:
        return f"ONNX Runtime: {str(error).splitlines()[0][:160]}"
    return judge(case, model, outputs)


def run_peer(cases, exported=None):
    """ONNX Runtime on the cases' own files, or on NAME/model.onnx in the folder `exported`."""
    # In children, since some cases take ONNX Runtime's process with them.
    failures, remaining = {}, list(cases)
    while remaining:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            with os.fdopen(write, "w", buffering=1) as stream:
                for case in remaining:
                    file = Path(exported) / case.name / "model.onnx" if exported else None
                    stream.write(json.dumps(["begin", case.name, None]) + "\n")
                    stream.write(json.dumps(["end", case.name, run_peer_here(case, file)]) + "\n")
            os._exit(0)
        os.close(write)
        done, begun = set(), None
        with os.fdopen(read) as stream:
            for line in stream:
                what, name, reason = json.loads(line)
                begun = name
                if what == "end":
                    done.add(name)
                    if reason is not None:
                        failures[name] = reason
        os.waitpid(child, 0)
        if begun is not None and begun not in done:
            failures[begun] = "crash"
            done.add(begun)
        remaining = [case for case in remaining if case.name not in done]
    return failures


def operator(case):
    """The op that a node case tests: the one its name begins with, else the rarest in its model."""
    model = case.load() if case.light is None else onnx.load(str(case.model))
    wanted = case.folder.name.removeprefix("test_").replace("_", "").lower()
    ops = [node.op_type for node in model.graph.node]
    named = [op for op in ops if wanted.startswith(op.lower())]
    if named:
        return max(named, key=len)
    return ops[0] if len(set(ops)) == 1 else "(several)"


def table(cases, ours, peers):
    rows = collections.defaultdict(lambda: [0, 0, 0])
    for case in cases:
        key = operator(case) if case.kind == "node" and not case.folder.name.endswith("_expanded") and "_expanded_" not in case.folder.name \
            else {"node": "(expanded functions)", "real": "(real models)"}.get(case.kind, f"({case.kind})")
        row = rows[key]
        row[0] += 1
        row[1] += case.name not in ours
        row[2] += peers is not None and case.name not in peers
    return rows


def score(cases, failures, kind=None):
    chosen = [case for case in cases if kind is None or case.kind == kind]
    return len(chosen), sum(case.name not in failures for case in chosen)


class RoundTrips:
    """What becomes of the cases that are one program: failures of each mode."""

    def __init__(self, program, again, unwritten, exported):
        self.program, self.again, self.unwritten, self.exported = program, again, unwritten, exported


def round_trips(cases, arguments, scratch):
    run = lambda mode: run_brisk(cases, arguments.runner, scratch, arguments.backend, mode)  # noqa: E731
    program, again, unwritten = run("program"), run("again"), run("export")
    return RoundTrips(program, again, unwritten, run_peer([case for case in cases if case.name not in unwritten], scratch))


def round_trip_lines(cases, rounds, peers):
    """The section of the report about writing."""
    total = len(cases)
    texts = [name for name, reason in rounds.again.items() if reason.startswith("text:")]
    values = [name for name, reason in rounds.again.items() if reason.startswith("differs")]
    written = total - len(rounds.unwritten)
    kinds = collections.Counter(reason.partition(":")[0] for reason in rounds.exported.values())
    refused_by_peer = sum(reason.startswith("ONNX Runtime") and peers is not None and name in peers for name, reason in rounds.exported.items())
    lines = ["", "## As one program, written, and read again", "",
             "Shapes that depend on what a case has as inputs make stages of it. Where these inputs are integers or",
             "lists of numbers, the model that is written holds the case's own. What is left then cannot be one",
             "program: strings, sequences, optional values, results whose shape depends on data.", "",
             "| | cases |", "| --- | ---: |",
             f"| imported as one program, inputs open, right | {total - len(rounds.program)} |",
             f"| written (opset 17 where it says it) | {written} |",
             f"| written and read again (opset 25): the whole printed program the same | {written - len(texts)} |",
             f"| ... and its results right | {total - len(rounds.again)} |",
             f"| accepted by `onnx.checker` with full checks | {written - kinds['checker']} |",
             f"| run by ONNX Runtime | {written - kinds['checker'] - kinds['ONNX Runtime'] - kinds['crash']} |",
             f"| ... and right | {written - len(rounds.exported)} |"]
    if peers is not None:
        lines += ["", f"Of those that ONNX Runtime does not run, it does not run the case's own file either in {refused_by_peer}."]
    shown = {name: rounds.again[name] for name in texts + values}
    shown |= {name: reason for name, reason in rounds.exported.items()
              if peers is None or name not in peers or not reason.startswith("ONNX Runtime")}
    shown = {name: ([why for prefix, why in KNOWN_OF_WRITTEN.items() if name.startswith(prefix)] or [reason])[0]
             for name, reason in shown.items()}
    if shown:
        lines += ["", "| written, but | reason |", "| --- | --- |"]
        lines += [f"| {name} | {shown[name]} |".replace("\n", " ") for name in sorted(shown)]
    return [line.replace("`", "'") if line.startswith("| node") else line for line in lines]


def write_report(path, cases, ours, peers, backend, machine, rounds):
    def row(name, total, passed, peer):
        return f"| {name} | {total} | {passed} |" + (f" {peer} |" if peers is not None else "")
    header = [row("cases", "all", "brisk", "ONNX Runtime"), row("---", "---:", "---:", "---:")]
    lines = [f"# ONNX's own test cases{'' if backend == 'cpu' else ' on the backend ' + backend}", "",
             f"The backend tests of onnx {onnx.__version__} through `brisk`'s import, compilation and {backend} backend, compared by ONNX's",
             "own runner (relative 1e-3, absolute 1e-7 unless a case says otherwise; shapes and types exactly)."]
    if peers is not None:
        import onnxruntime
        lines.append(f"ONNX Runtime {onnxruntime.__version__} ran the same files, judged the same way. Made by `./dev test --oracle onnx`.")
    lines += [f"{machine}.", "", *header]
    for kind in (*KINDS, None):
        peer = score(cases, peers, kind)[1] if peers is not None else ""
        lines.append(row(kind or "**together**", *score(cases, ours, kind), peer))
    lines += ["", "## By operator", "", "Cases of the whole model's functions written out (`_expanded`) count in a row of their own.", "",
              header[0].replace("cases", "operator", 1).replace("all", "cases", 1), header[1]]
    for op, counts in sorted(table(cases, ours, peers).items()):
        lines.append(row(op, *counts))
    lines += ["", "## Cases that fail", ""]
    if not ours:
        lines.append("None.")
    else:
        lines += ["| case | reason |", "| --- | --- |"]
        for name in sorted(ours):
            known = [reason for prefix, reason in KNOWN.items() if name.startswith(prefix)]
            reason = (known or [ours[name]])[0].replace("|", "/").replace("\n", " ")
            lines.append(f"| {name} | {reason} |")
    if rounds is not None:
        lines += round_trip_lines(cases, rounds, peers)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def committed_failures():
    if not REPORT.exists():
        return None
    text = REPORT.read_text().partition("## Cases that fail")[2].partition("\n## ")[0]
    return {line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ") and "/" in line.split("|")[1]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--backend", default="cpu")
    parser.add_argument("--mode", choices=("stages", "program", "again", "export"), default="stages",
                        help="program: imported as one program, as brisk::load does; again: that program written and read once more; "
                             "export: that program written, for ONNX's checker and ONNX Runtime")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--report", type=Path, help="write the table and the list of failures here (docs/results/onnx_cases.md)")
    parser.add_argument("--runner", help="the built onnx_case_runner; else it is built in build/")
    parser.add_argument("--failures", type=Path, help="write the failures as JSON here")
    parser.add_argument("--part", default="0/1", help="I/N: each N-th case from the I-th on")
    parser.add_argument("--found", type=Path, nargs="+", help="failures that were written before: judge them, run nothing")
    parser.add_argument("--on", help="the machine that the report names; else this one and the commit")
    arguments = parser.parse_args()
    if arguments.runner is None and arguments.found is None:
        subprocess.run(["cmake", "--build", ROOT / "build", "--target", "onnx_case_runner"], check=True, stdout=subprocess.DEVNULL)
        arguments.runner = str(ROOT / "build" / "tests" / "onnx_case_runner")
    part, parts = map(int, arguments.part.split("/"))
    cases = find_cases(arguments.only)[part::parts]
    with tempfile.TemporaryDirectory() as scratch:
        for case in cases:
            if case.light:
                prepare_real(case, Path(scratch))
        if arguments.found:
            ours = {name: reason for path in arguments.found for name, reason in json.loads(path.read_text()).items()}
        else:
            ours = run_brisk(cases, arguments.runner, scratch, arguments.backend, arguments.mode)
        if arguments.mode == "export":
            unwritten = len(ours)
            ours |= run_peer([case for case in cases if case.name not in ours], scratch)
        peers = None if arguments.no_peer else run_peer(cases)
        rounds = round_trips(cases, arguments, scratch) if arguments.report and not arguments.found else None
    total, passed = score(cases, ours)
    if arguments.mode == "again":
        texts = sum(reason.startswith("text:") for reason in ours.values())
        unwritten = sum("has no counterpart" in reason for reason in ours.values())
        print(f"written and read again: {passed} are the same and pass, {texts} differ in their text, {unwritten} need an op that is not written")
    if arguments.mode == "export":
        found = collections.Counter(reason.partition(":")[0] for reason in ours.values())
        print(f"exported: {total - unwritten}, of which {passed} are accepted by the checker and right in ONNX Runtime; {found['checker']} "
              f"refused by the checker, {found['ONNX Runtime']} not run, {found['differs']} different")
    print(f"brisk: {passed} of {total} cases pass ({score(cases, ours, 'node')[1]} of {score(cases, ours, 'node')[0]} node cases)")
    if peers is not None:
        print(f"ONNX Runtime: {score(cases, peers)[1]} of {total}")
    if arguments.failures:
        arguments.failures.write_text(json.dumps(ours, indent=1))
    known = committed_failures()
    if arguments.report:
        write_report(arguments.report, cases, ours, peers, arguments.backend, arguments.on or run_on(), rounds)
        print(f"written: {arguments.report}")
        return 0
    broken = sorted(set(ours) - known) if known is not None else sorted(ours)
    for name in broken:
        print(f"fails: {name}: {ours[name]}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
