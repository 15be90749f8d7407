#!/bin/sh
# A search by Optuna's command line (Debian: python3-optuna): it proposes the values of keys, each run
# tells it the loss on the test split.
#
#   conf/examples/optuna.sh INI FOLDER [TRIALS]
#
# The study is FOLDER/study.db: started again, or several times side by side, it goes on with it. The
# space below is Optuna's own JSON; its names are keys of the INI. Prints the best trial.
set -eu
[ $# -ge 2 ] || { echo "optuna.sh: give INI FOLDER [TRIALS]" >&2 && exit 2; }
here=$(dirname "$0") ini=$1 folder=$2 trials=${3:-20}
space='{"train.lr": {"name": "FloatDistribution", "attributes": {"low": 1e-4, "high": 1e-1, "log": true}},
"model.ode.rtol": {"name": "CategoricalDistribution", "attributes": {"choices": [1e-2, 1e-3, 1e-4]}}}'
mkdir -p "$folder"

study() { # COMMAND [OPTION ...]
    command=$1
    shift
    PYTHONWARNINGS=ignore optuna "$command" -q --storage "sqlite:///$folder/study.db" --study-name odeon "$@"
}

study create-study --direction minimize --skip-if-exists >/dev/null
while [ "$trials" -gt 0 ]; do
    trials=$((trials - 1))
    # {"number": 0, "params_train.lr": 0.01, ...}
    asked=$(study ask --search-space "$space" --flatten -f json | tr -d '{}" ' | tr ',' '\n')
    number=$(echo "$asked" | sed -n 's/^number://p')
    words=$(echo "$asked" | sed -n 's/^params_\([^:]*\):/\1=/p')
    # shellcheck disable=SC2086
    line=$("$here/one_run.sh" "$folder/trial-$number" "$ini" $words) || [ $? -lt 128 ] || exit
    loss=$(echo "$line" | sed -n 's/.*"state": "finished".*"test_loss": \([^,}]*\).*/\1/p')
    if [ -n "$loss" ]; then
        study tell --trial-number "$number" --values "$loss"
    else
        study tell --trial-number "$number" --state fail
    fi
done
study best-trial -f json
