#!/usr/bin/env python3
"""The same clusters by scikit-learn and by quintile: CPU seconds, and the inertia at every k.

    benches/race_clusters.py --quintile target/release/quintile --database-url postgresql://.../shop --python PYTHON

The database holds a built project (`quintile build`). The features are those of models/analytics/customer_clusters.sql:
log1p and standard scores of recency_days, frequency and monetary. scikit-learn fits k = 2 to 10 with n_init = 10, and
takes the figures that quintile keeps; its reading of the database is not billed, ours is: a build of the one model.
PYTHON has scikit-learn, and its threads are held to one on both sides by CPU seconds, not by wall.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import sandbox

FEATURES = "SELECT recency_days, frequency, greatest(monetary, 0) FROM marts.rfm_scores ORDER BY customer_id"
PEER = """
import json, resource, sys, warnings
import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score
from sklearn.preprocessing import StandardScaler
warnings.filterwarnings("ignore")
x = StandardScaler().fit_transform(np.log1p(np.loadtxt(sys.argv[1], delimiter="\\t")))
before = resource.getrusage(resource.RUSAGE_SELF)
found = {}
for k in range(2, 11):
    fit = KMeans(k, n_init=10, random_state=42).fit(x)
    figures = calinski_harabasz_score(x, fit.labels_), davies_bouldin_score(x, fit.labels_)
    silhouette_score(x, fit.labels_, sample_size=min(2000, len(x)), random_state=1)
    found[k] = fit.inertia_ / len(x), *map(float, figures)
after = resource.getrusage(resource.RUSAGE_SELF)
cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
print(json.dumps({"cpu": cpu, "found": found}))
"""


def main():
    arguments = parse_arguments()
    server = sandbox.Server(arguments.database_url)
    table = Path(arguments.scratch, "features.tsv")
    table.write_text("\n".join(server.query(FEATURES)) + "\n")
    customers = sum(1 for _ in table.open())
    command = [arguments.quintile.absolute(), "--project-dir", arguments.project, "--database-url", arguments.database_url]
    built = sandbox.run(command + ["build", "--rebuild", "--select", "customer_clusters", "cluster_quality"], table.parent)
    if built.exit_code:
        raise SystemExit(built.output)
    rows = server.query("SELECT k, inertia_mean, calinski_harabasz, davies_bouldin FROM marts.cluster_quality ORDER BY k")
    ours = {row.split("\t")[0]: [float(cell) for cell in row.split("\t")[1:]] for row in rows}
    print(f"{customers} customers: quintile {built.cpu_seconds:.2f} CPU s (all of the build), {built.peak_rss_mb:.0f} MB")
    done = subprocess.run([arguments.python, "-c", PEER, table], capture_output=True, text=True, check=True)
    peer = json.loads(done.stdout)
    print(f"scikit-learn {peer['cpu']:.2f} CPU s, ratio {built.cpu_seconds / peer['cpu']:.2f}")
    print("k | inertia ours / theirs - 1 | Calinski-Harabasz | Davies-Bouldin")
    wider = 0
    for k, theirs in peer["found"].items():
        ratios = [ours[k][i] / theirs[i] - 1 for i in range(3)]
        wider += ratios[0] > 1e-9
        print(f"{k} | {ratios[0]:+.2e} | {ratios[1]:+.2e} | {ratios[2]:+.2e}")
    sys.exit(f"wider than scikit-learn at {wider} of 9 k" if wider else 0)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quintile", type=Path, required=True)
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--project", type=Path, default=Path.cwd())
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--scratch", default="/tmp")
    return parser.parse_args()


if __name__ == "__main__":
    main()
