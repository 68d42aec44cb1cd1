"""graft beside what people use today: same pictures, same pretrained weights, same machine, one process after another.

    python benchmarks/peers.py DATA [--epochs N] [--only NAME ...] [--environment FOLDER] [--out docs/peers.md]

DATA is a folder with train/ val/ test/ of one sub-folder per class. The peers live in an environment of their own
that this script makes (about 6 GB); one that cannot be installed or run is named with its error. Every peer keeps
its weights after each epoch; afterwards all are judged on the test part in one way, outside the clock. Seconds are
wall-clock from the start of the process's own work, imports of the peer's library and reading of the data included.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent / "peer_runs"
PEERS = {
    # name: (script, what it does, epochs: those that compute in bf16 get more of the same time)
    "classic loop": ("classic", "SGD 0.001, batch 4", 6),
    "best-practice loop": ("best_practice", "AdamW, augmentation, bf16", 9),
    "timm": ("timm_run", "its loader, AdamW, layer decay, EMA, bf16", 9),
    "fastai": ("fastai_run", "vision_learner, fine_tune", 5),
    "Keras 3": ("keras_run", "frozen, then unfrozen", 5),
    "Hugging Face Trainer": ("huggingface_run", "AdamW 5e-4", 5),
    "AutoGluon MultiModal": ("autogluon_run", "defaults", 4),
}
PACKAGES = ["torch", "torchvision", "timm", "fastai", "keras", "transformers", "accelerate", "safetensors"]
APART = {"autogluon_run": ["autogluon.multimodal"]}  # what would move the versions of the others
LEFT_OUT = {  # unless they are asked for by --only
    "AutoGluon MultiModal": "not run: it installs Lightning, of which releases stole credentials on 2026-04-30",
}
LEVELS = (0.70, 0.75, 0.80, 0.85)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, help="for every peer  [default: the number that stands in PEERS]")
    parser.add_argument("--only", nargs="*", default=[name for name in PEERS if name not in LEFT_OUT])
    parser.add_argument(
        "--efforts",
        nargs="*",
        default=["quick", "good@1.75", "good", "best"],
        help="of graft fit, with @MINUTES or without",
    )
    parser.add_argument("--environment", type=Path, default=Path(".peers"))
    parser.add_argument("--limit", type=float, default=1800, help="seconds that a peer may take")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        table = measure(arguments, Path(scratch))
    print(table)
    if arguments.out:
        arguments.out.write_text(table)


def measure(arguments: argparse.Namespace, scratch: Path) -> str:
    data = arguments.data.resolve()
    weights = scratch / "weights.safetensors"
    write_weights(weights)
    rows = []
    for name in [name for name in PEERS if name in arguments.only]:
        script, how, epochs = PEERS[name]
        epochs = arguments.epochs or epochs
        out = scratch / script
        out.mkdir()
        try:
            python = environment(arguments.environment, script)
        except subprocess.CalledProcessError as error:
            rows.append({"name": name, "how": how, "error": last_line(error.stderr)})
            continue
        command = [str(python), str(HERE / f"{script}.py"), str(data), str(weights), str(out), str(epochs)]
        code, peak, log = watch(command, arguments.limit)
        row = {
            "name": name,
            "how": f"{how}, {epochs} epochs",
            "memory": peak,
            "lines": lines_typed(HERE / f"{script}.py"),
        }
        if not (out / "times.jsonl").exists():
            row["error"] = last_line(log)
        else:
            judge = [str(python), str(HERE / "judge.py"), *command[2:]]
            subprocess.run(judge, check=True, capture_output=True)
            row["course"] = [json.loads(line) for line in (out / "judged.jsonl").read_text().splitlines()]
            if code:
                row["error"] = f"stopped after {len(row['course'])} epochs: {last_line(log)}"
        rows.append(row)
        show(rows)
    for name, reason in LEFT_OUT.items():
        if name not in arguments.only:
            rows.append({"name": name, "how": PEERS[name][1], "error": reason})
    for effort in arguments.efforts:
        rows.append(run_graft(data, effort, scratch))
        show(rows)
    versions = packages(arguments.environment / "main")
    return render(rows, data, versions)


def write_weights(path: Path) -> None:
    from safetensors.torch import save_file

    from graft.backbones import DEFAULT, open_backbone

    state = open_backbone(DEFAULT).module.state_dict()
    save_file({name: value.contiguous() for name, value in state.items()}, path)


def environment(folder: Path, script: str) -> Path:
    """The interpreter of the environment that a peer runs in, made where it is missing."""
    place = folder / (script if script in APART else "main")
    python = place / "bin" / "python"
    if (place / "ready").exists():
        return python.absolute()
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, capture_output=True, text=True)
    wanted = APART.get(script, PACKAGES)
    install = [str(python), "-m", "pip", "install", "--quiet", *wanted, "pillow"]
    subprocess.run(install, check=True, capture_output=True, text=True)
    (place / "ready").touch()
    return python.absolute()


def watch(command: list[str], limit: float) -> tuple[int, float, str]:
    """Run a command; its exit code, the most memory that it and its children held at once in MB, and its output."""
    peak, done = [0.0], threading.Event()
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

        def sample() -> None:
            while not done.wait(0.5):
                peak[0] = max(peak[0], memory_of_group(process.pid))

        thread = threading.Thread(target=sample)
        thread.start()
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            code = process.wait()
        done.set()
        thread.join()
        log.seek(0)
        return code, peak[0], log.read()


def memory_of_group(group: int) -> float:
    """Proportional memory in MB of all processes of a group, so that shared pages count once."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[2]) != group:
                continue
            lines = (folder / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1e3


def run_graft(data: Path, effort: str, scratch: Path) -> dict:
    """graft fit from an empty cache, then the official test part."""
    run = scratch / f"graft-{effort}"
    name, _, minutes = effort.partition("@")
    command = [str(Path(sys.executable).with_name("graft")), "fit", str(data), "--out", str(run), "--effort", name]
    command += ["--minutes", minutes] * bool(minutes)
    os.environ["GRAFT_CACHE"] = str(scratch / f"cache-{effort}")
    began = time.perf_counter()
    code, peak, log = watch(command, 3600)
    seconds = time.perf_counter() - began
    told = f"graft --effort {name}" + f" --minutes {minutes}" * bool(minutes)
    row = {"name": told, "how": "graft fit DATA", "memory": peak, "lines": 1}
    if code:
        return {**row, "error": last_line(log)}
    judge = [str(Path(sys.executable).with_name("graft")), "evaluate", str(run), "--json"]
    judged = json.loads(subprocess.run(judge, check=True, capture_output=True, text=True).stdout)
    accuracy = judged["evaluation"]["accuracy"]["value"]
    return {**row, "course": [{"seconds": seconds, "accuracy": accuracy}]}


def lines_typed(script: Path) -> int:
    """Lines between the marks in a peer's script, without empty ones."""
    typed, count = False, 0
    for line in script.read_text().splitlines():
        if "typed by the user from here" in line or "# to here" in line:
            typed = "from here" in line
        elif typed and line.strip():
            count += 1
    return count


def last_line(text: str) -> str:
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no message"


def packages(place: Path) -> str:
    listed = subprocess.run(
        [str(place / "bin" / "python"), "-m", "pip", "list", "--format=json"], capture_output=True, text=True
    )
    found = {one["name"].lower(): one["version"] for one in json.loads(listed.stdout or "[]")}
    return ", ".join(f"{name} {found[name]}" for name in PACKAGES if name in found)


def reached(course: list[dict], level: float) -> str:
    first = next((one["seconds"] for one in course if one["accuracy"] >= level), None)
    return "–" if first is None else f"{first:,.0f} s"


def show(rows: list[dict]) -> None:
    print(json.dumps(rows[-1]), file=sys.stderr, flush=True)


def render(rows: list[dict], data: Path, versions: str) -> str:
    heads = [
        "",
        "how",
        "test accuracy",
        "after",
        *(f"{level:.0%} at" for level in LEVELS),
        "peak memory",
        "lines typed",
    ]
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join('---' for _ in heads)} |"]
    for row in rows:
        course = row.get("course")
        if not course:
            told = row["error"] if row["error"].startswith("not run") else f"could not run: {row['error']}"
            lines.append(f"| {row['name']} | {row['how']} | {told} |" + " |" * (len(heads) - 3))
            continue
        last = course[-1]
        cells = [row["name"], row["how"], f"{last['accuracy']:.1%}", f"{last['seconds']:,.0f} s"]
        cells += [reached(course, level) for level in LEVELS]
        cells += [f"{row['memory']:,.0f} MB", str(row["lines"])]
        lines.append(f"| {' | '.join(cells)} |")
        if "error" in row:
            lines.append(f"| | {row['error']} |" + " |" * (len(heads) - 2))
    from graft import machine

    about = machine.describe()
    where = f"{about['cores']} cores, {about['processor']}, {about['system']}, Python {about['python']}"
    footer = f"Data: {data.name}. {date.today()}; {where}. {versions}."
    return "\n".join([*lines, "", footer, ""])


if __name__ == "__main__":
    main()
