#!/bin/sh
# Root mean square errors (mV) of what ecg_latent.ini makes of the readings that its encoder did not see,
# beside those of plainer means: a line between the readings seen, the last one seen, and the mean of all
# beats trained on at that time (Gaussian weights of deviation 5 ms).
#   odeon predict RUN --split test --out answers.csv
#   conf/ecg_latent_errors.sh answers.csv
set -eu
awk -F, -v beats="$(dirname "$0")/ecg_latent.csv" '
function add(name, error) { square[name] += error * error }
function weight(d) { return exp(-d * d / 2 / 0.0025) }
BEGIN {
    n = 0; getline <beats
    while ((getline <beats) > 0) { b[n] = $1; t[n] = $2; x[n] = $3; seen[n] = $4; n++ }
}
FNR == 1 { width = (NF - 1) / 2; next }
{ is_test[b[$1 + 0]] = 1; first[++answers] = $1 + 0; for (k = 0; k < width; k++) y[answers, k] = $(2 + width + k) }
END {
    for (a = 1; a <= answers; a++) for (i = first[a]; b[i] == b[first[a]]; i++) if (!seen[i]) {
        for (p = i; !seen[p]; p--); for (q = i; !seen[q]; q++)
        above = below = 0
        for (j = 0; j < n; j++) if (!(b[j] in is_test) && (d = t[j] - t[i]) < 0.3 && d > -0.3) { above += weight(d) * x[j]; below += weight(d) }
        add("model", y[a, i - first[a]] - x[i]); add("last", x[p] - x[i]); add("mean", above / below - x[i])
        add("line", x[p] + (x[q] - x[p]) * (t[i] - t[p]) / (t[q] - t[p]) - x[i]); hidden++
    }
    for (m = split("model line mean last", names, " "); r < m; r++) printf "%s %.4f\n", names[r + 1], sqrt(square[names[r + 1]] / hidden)
    printf "of %d readings of %d beats\n", hidden, answers
}' "$1"
