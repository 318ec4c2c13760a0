#!/usr/bin/env python3
"""The same fits by lifetimes and by quintile on the same rows: CPU seconds, peak memory, log-likelihood, total of the next 39 weeks.

    cargo bench --no-run --bench ltv_fit        # prints where the program is
    benches/race_lifetimes.py --program target/release/deps/ltv_fit-HASH --python PYTHON [--customers 2357 50000 500000 2000000]

PYTHON has: pip install "numpy<2" "scipy<1.14" "pandas<2.2" lifetimes        (the last versions that lifetimes 0.11.3 runs with)

2357 is the CDNOW sample; any other number is drawn from a BG/NBD with the published CDNOW parameters, seen for 28 days to two
years, day by day. lifetimes gets whole customers ("rows") and, as its `weights` allow, grouped rows ("grouped"), with the
grouping billed; quintile reads customers and groups them itself, which is billed too. Each program runs alone in a process of
its own, with threads held to one by CPU seconds, not by wall.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

PEER = """
import json, resource, sys, warnings
import numpy as np, pandas as pd
warnings.filterwarnings("ignore")
from lifetimes import BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter
file, name, grouped = sys.argv[1], sys.argv[2], sys.argv[3] == "grouped"
def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
start = cpu()
rows = pd.read_csv(file)
rows.columns = ["x", "last", "age"]
rows["weight"] = 1
if grouped:
    rows = rows.groupby(["x", "last", "age"], as_index=False).weight.sum()
x, last, age, weight = rows.x, rows["last"] / 7, rows.age / 7, rows.weight
read, start = cpu() - start, cpu()
fitter = {"bg_nbd": BetaGeoFitter, "mbg_nbd": ModifiedBetaGeoFitter, "pareto_nbd": ParetoNBDFitter}[name]()
fitter.fit(x, last, age, weights=weight)
fit, start = cpu() - start, cpu()
ahead = fitter.conditional_expected_number_of_purchases_up_to_time(39, x, last, age)
score = cpu() - start
print(json.dumps({"read": read, "fit": fit, "score": score, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "purchases": float((np.asarray(ahead) * weight).sum()), "parameters": {k: float(v) for k, v in fitter.params_.items()}}))
"""

MAKE = """
import sys
import numpy as np
customers, file = int(sys.argv[1]), sys.argv[2]
random = np.random.default_rng(7)
age = random.integers(28, 731, customers)
rate = random.gamma(.243, 1 / 4.414, customers) / 7
dropout = random.beta(.793, 2.426, customers)
now, count, last = np.zeros(customers), np.zeros(customers, int), np.zeros(customers, int)
alive = np.arange(customers)
while len(alive):
    now[alive] += random.exponential(1 / np.maximum(rate[alive], 1e-12))
    day = np.ceil(now[alive]).clip(max=1e9).astype(int)
    seen = day <= age[alive]
    new = seen & (day > last[alive])
    count[alive[new]] += 1
    last[alive[new]] = day[new]
    alive = alive[seen & (random.random(len(alive)) >= dropout[alive])]
np.savetxt(file, np.c_[count, last, age], fmt="%d", delimiter=",", header="x,last_days,age_days", comments="")
"""


def main():
    arguments = parse_arguments()
    scratch = Path(arguments.scratch)
    print("customers | estimator | | read and group CPU s | fit CPU s | score CPU s | peak MB | purchases in 39 weeks")
    for customers in arguments.customers:
        file = rows_of(customers, arguments, scratch)
        ours = ours_of(file, arguments)
        for name in arguments.estimators:
            ratios = None
            for mode in arguments.modes:
                if customers > arguments.largest_rows and mode == "rows":
                    continue
                done = subprocess.run([arguments.python, "-c", PEER, file, name, mode], capture_output=True, text=True)
                if done.returncode:
                    print(f"{customers} | {name} | lifetimes, {mode} | {done.stderr.strip().splitlines()[-1]}")
                    continue
                peer = json.loads(done.stdout)
                line(customers, name, f"lifetimes, {mode}", peer)
                ratios = peer
            line(customers, name, "quintile", ours[name])
            if ratios:
                cpu = lambda run: run["read"] + run["fit"]
                print(f"  read, group and fit: {cpu(ratios) / max(cpu(ours[name]), 0.01):.0f} times the CPU of ours by lifetimes,"
                      f" {ratios['peak_mb'] / ours[name]['peak_mb']:.1f} times the memory;"
                      f" purchases ours / theirs - 1 = {ours[name]['purchases'] / ratios['purchases'] - 1:+.1e}")


def ours_of(file, arguments):
    """Each estimator alone, so that peaks of memory are its own."""
    found = {}
    for name in arguments.estimators:
        done = subprocess.run([arguments.program, file, "--estimators", name], capture_output=True, text=True, check=True)
        steps = {step["step"]: step for step in map(json.loads, done.stdout.splitlines())}
        found[name] = {
            "read": steps["read and group"]["cpu_seconds"],
            "fit": steps["fit"]["cpu_seconds"],
            "score": steps["score"]["cpu_seconds"],
            "peak_mb": steps["score"]["peak_mb"],
            "purchases": steps["score"]["purchases"],
        }
    return found


def rows_of(customers, arguments, scratch):
    file = scratch / f"lifetimes_{customers}.csv"
    if customers == 2357:
        fixture = Path(__file__).parent.parent / "tests/fixtures/cdnow_sample_cbs_exact.csv"
        rows = [row.split(",")[1:4] for row in fixture.read_text().splitlines()[1:]]
        file.write_text("x,last_days,age_days\n" + "\n".join(",".join(row) for row in rows) + "\n")
    elif not file.exists():
        subprocess.run([arguments.python, "-c", MAKE, str(customers), file], check=True)
    return file


def line(customers, name, who, run):
    print(f"{customers} | {name} | {who} | {run['read']:.2f} | {run['fit']:.2f} | {run['score']:.2f} | {run['peak_mb']:.0f} | {run['purchases']:.2f}", flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--customers", type=int, nargs="+", default=[2357, 500_000])
    parser.add_argument("--estimators", nargs="+", default=["bg_nbd", "mbg_nbd", "pareto_nbd"])
    parser.add_argument("--modes", nargs="+", default=["rows", "grouped"])
    parser.add_argument("--largest-rows", type=int, default=500_000, help="beyond it lifetimes gets grouped rows only")
    parser.add_argument("--scratch", default="/tmp")
    return parser.parse_args()


if __name__ == "__main__":
    main()
