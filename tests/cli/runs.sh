#!/usr/bin/env bash
# runs: a list of what there is; train --json: a line for the program that started it.
. "$1/tests/support/cli.sh"
toy
cp "$ini/small.ini" .

expect 5 "runs: No such file or directory" runs
expect 0 "results in runs/small/1" train small.ini run.epochs=1 --json
tail -n 1 out >line
has line '{"run": "runs/small/1", "name": "small", "state": "finished", "step": 8, "steps": 8, '
has line '"test_loss": '
has line '"accuracy": '
has line '"evals_forward": '
accuracy=$(sed 's/.*"accuracy": \([0-9.]*\).*/\1/' line)
[ "$(printf %.4f "$accuracy")" = "$(sed -n 's/^test accuracy //p' out)" ] ||
    fail "the line has another accuracy"

expect 0 "nothing is left to do" train runs/small/1 --resume --json
tail -n 1 out | cmp - line || fail "a finished run has another line"

# What ends otherwise ends with a line, too, and with its own exit code and error.
expect 2 "override run.epochs=x" train small.ini run.epochs=x --json
has out '{"run": null, "state": "failed", "error": "override run.epochs=x'
expect 6 "" train small.ini train.optimizer='sgd(lr=1e30)' run.epochs=2 --json
tail -n 1 out >line
has line '"run": "runs/small/2", "name": "small", "state": "failed"'
has line '"error": "'

expect 0 "differs" runs
[ "$(wc -l <out)" -eq 3 ] || fail "not two runs"
grep -q "^small .* finished .* runs/small/1 .*train.optimizer=adam " out ||
    fail "the first run is not listed as it is"
grep -q "^small .* failed .* runs/small/2 .*run.epochs=2" out || fail "no failed run"

# Runs in folders of folders; a folder of one run; CSV and JSON.
mkdir -p deep/er
cp -r runs/small/1 deep/er/copy
expect 0 "deep/er/copy" runs deep
expect 0 "deep/er/copy" runs deep/er/copy
"$odeon" runs --csv >list.csv
[ "$(head -n 1 list.csv | cut -d , -f 1-5)" = name,started,state,step,steps ] || fail "no CSV"
"$odeon" runs --json >list.json
has list.json '"state": "failed"'

# Damaged files are not known, and no failure; a name that would turn a terminal about is cleaned.
printf '\0\1\2' >deep/er/copy/metrics.csv
rm deep/er/copy/manifest.json
expect 0 "finished" runs deep
mkdir bad
echo '[run' >bad/effective.ini
"$odeon" runs . >out 2>err
has err "warning: left out: "
expect 2 "one of --csv and --json" runs --csv --json

# ---- other programs drive it: conf/examples ----

cp -r "$source/conf" .
examples=conf/examples
export ODEON=$odeon
for script in "$examples"/*.sh; do
    sh -n "$script"
    code=0
    sh "$script" >out 2>err || code=$?
    [ "$code" -eq 2 ] || fail "$script without words ends with $code"
    has err "${script##*/}: give "
done

# A run prints its line alone, keeps its exit code, is not repeated, and goes on where it was stopped.
one() {
    code=0
    "$examples/one_run.sh" "$@" >out 2>err || code=$?
}
one many/a small.ini run.epochs=1
[ "$code" -eq 0 ] && [ "$(wc -l <out)" -eq 1 ] || fail "a run of an example"
has out '/many/a", "name": "small", "state": "finished", "step": 8, '
has many/a.log "results go to "
cp many/a.json first
one many/a small.ini run.epochs=1
cmp out first || fail "a finished run was run again"
[ "$(grep -c 'results go to' many/a.log)" -eq 1 ] || fail "a finished run was run again"
one many/b small.ini run.epochs=x
[ "$code" -eq 2 ] || fail "a run that cannot be ends with $code"
has out '{"run": null, "state": "failed"'
has many/b.log "override run.epochs=x"
one many/b small.ini run.epochs=1
has out '/many/b", "name": "small", "state": "finished"'

set -m # a process group of its own, all of which gets the signal
"$examples/one_run.sh" many/c small.ini run.epochs=100000 run.log_every=1 >out 2>err &
driver=$!
set +m
for _ in $(seq 200); do
    [ "$(wc -l 2>/dev/null <many/c/metrics.csv || echo 0)" -lt 5 ] || break
    sleep 0.05
done
kill -TERM -- "-$driver"
wait "$driver" && fail "a stopped run ends with 0"
has out '"state": "stopped"'
has out '"error": "stopped by SIGTERM'
sed -i 's,^epochs = 100000,epochs = 40,' many/c/effective.ini
one many/c small.ini
has many/c.log "many/c, on from step "

# A task of an array, without Slurm, which gives it no more than its number.
SLURM_ARRAY_TASK_ID=5 "$examples/slurm_array.sh" small.ini array >out
has out '/array/rtol=1e-5,seed=2", "name": "small", "state": "finished"'
grep -q '^seed = 2' array/rtol=1e-5,seed=2/effective.ini || fail "task 5 has another seed"
grep -q '^rtol = 1e-0*5' array/rtol=1e-5,seed=2/effective.ini || fail "task 5 has another tolerance"
code=0
SLURM_ARRAY_TASK_ID=7 "$examples/slurm_array.sh" small.ini array >out 2>err || code=$?
[ "$code" -eq 2 ] || fail "task 7 of 6 ends with $code"
has err "task 7 of 6"

if command -v parallel >/dev/null && parallel --version 2>/dev/null | grep -q GNU; then
    "$examples/parallel.sh" small.ini parallel -j 2 >out 2>err
    [ "$(grep -c '"state": "finished"' out)" -eq 6 ] || fail "parallel has not run six"
    has out '/parallel/rtol=1e-5,seed=3"'
    "$examples/parallel.sh" small.ini parallel >out 2>err
    [ ! -s out ] || fail "parallel has run them again"
else
    echo "not covered: GNU parallel (not installed)"
fi

# Optuna, or a program with its words and its answers.
if ! command -v optuna >/dev/null; then
    echo "not covered: Optuna (not installed; one that answers like it)"
    mkdir -p bin
    cat >bin/optuna <<'TEXT'
#!/bin/sh
echo "$*" >>told
case $1 in
    ask) echo "{\"number\": $(grep -c ^ask told), \"params_train.lr\": 0.01, \"params_model.ode.rtol\": $RTOL}" ;;
    best-trial) echo best ;;
esac
TEXT
    chmod +x bin/optuna
    RTOL=0.001 PATH=$PWD/bin:$PATH "$examples/optuna.sh" small.ini study 2 >out 2>err
    [ "$(cat out)" = best ] || fail "no best trial"
    grep -q '^tell .*--trial-number 2 --values [0-9.]*$' told || fail "it is not told a loss: $(cat told)"
    grep -q '^rtol = 0*1e-03\|^rtol = 0.001' study/trial-1/effective.ini || fail "a trial has another tolerance"
    RTOL=-1 PATH=$PWD/bin:$PATH "$examples/optuna.sh" small.ini study 1 >out 2>err
    grep -q '^tell .*--trial-number 3 --state fail$' told || fail "it is not told of a failure: $(cat told)"
else
    "$examples/optuna.sh" small.ini study 1 >out 2>err
    has out '"number": '
    has out '"state": "COMPLETE"'
fi
