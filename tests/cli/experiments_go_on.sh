#!/usr/bin/env bash
# Every experiment of conf/ goes on: two steps in one process; again from the effective.ini that the
# run left, in two, the second with --resume; evaluated by it; a step that fails is replayed. To the
# same bits. An epoch is one step of two samples, so that all are tested at the same steps. Fields
# whose width the INI has as let.filters are narrow: the same layers and calls on fewer channels, whose
# numbers at full width experiments_mnist.sh and its like look at. One in three fails and is replayed,
# another is evaluated. ODEON_EXPERIMENTS=whole leaves fields as wide as they are, and does all of that
# with each.
. "$1/tests/support/cli.sh"
. "$source/tests/support/experiments.sh"
toy 8 4
small=(run.workers=1 run.iterations=2 data.batch=2 data.test_batch=2 data.limit=2 data.test_limit=2)

# run CODE ARGUMENTS...: does odeon end so?
run() {
    local code=$1 answer=0
    shift
    "$odeon" "$@" >out 2>err </dev/null || answer=$?
    [ "$answer" -eq "$code" ]
}

same() {
    cmp -s "$1/weights.safetensors" "$2/weights.safetensors" &&
        cmp -s "$1/weights-best.safetensors" "$2/weights-best.safetensors"
}

# What the test of the run ended with.
result() {
    grep '^test ' out
}

# One run shows both, that effective.ini says all that a run is made of and that a run resumes: a fault
# of either gives other bits than those of the run that was given words and not interrupted.
repeat() {
    local name=$1
    if ! run 0 train whole/effective.ini run.out=parts run.iterations=1; then
        complain "$name does not repeat from effective.ini"
        return
    fi
    sed 's/^iterations = 1$/iterations = 2/' parts/effective.ini | cmp -s - whole/effective.ini ||
        complain "$name repeated from effective.ini has another effective.ini"
    if ! run 0 train parts --resume run.iterations=2; then
        complain "$name does not resume"
    elif ! cmp -s whole/effective.ini parts/effective.ini; then
        complain "$name resumed has another effective.ini"
    elif ! same whole parts; then
        complain "$name repeated from effective.ini and resumed has other bits"
    fi
}

evaluate() { # NAME RESULT
    if ! run 0 eval whole/effective.ini --weights whole/weights.safetensors; then
        complain "$1 is not evaluated from effective.ini"
    elif [ "$(result)" != "$2" ]; then
        complain "$1 evaluated from effective.ini: $(result), expected $2"
    fi
}

# One experiment in three, which is counted: 0, 1 or 2 says which of them.
tried=0
turn() {
    [ "${ODEON_EXPERIMENTS-}" = whole ] || [ $((tried % 3)) -eq "$1" ]
}

experiment() {
    local name=$1 test
    shift
    tried=$((tried + 1))
    rm -rf whole parts failing
    run 0 train "$@" run.out=whole || { complain "$name does not train: $(tail -n 1 err)"; return; }
    test=$(result)
    repeat "$name"
    if turn 2; then
        evaluate "$name" "$test"
    fi
    turn 1 || return 0
    # In float64 tanh of such weights is a number still, and this field's slope 0.
    [ "$name" != hamiltonian_network ] || set -- "$@" run.dtype=float32
    run 6 train "$@" run.out=failing train.lr=1e300 || { complain "$name does not fail"; return; }
    run 6 replay failing/failure || { complain "$name: the failure is not replayed"; return; }
    [ "$(tail -n 1 err)" = "odeon: error: $(cat failing/failure/message.txt)" ] ||
        complain "$name: the failure is another when replayed"
}

for file in "$source"/conf/*.ini; do
    name=$(basename "$file" .ini)
    text=$(whole "$file")
    [ "$name" != reference ] || continue
    data=$(stand_in "$text" "$work/toy")
    narrow=
    [ "${ODEON_EXPERIMENTS-}" = whole ] || ! grep -q '^filters *=' <<<"$text" || narrow=let.filters=8
    if grep -q '^\[train\]' <<<"$text"; then
        experiment "$name" "$file" ${data:+"$data"} ${narrow:+"$narrow"} "${small[@]}"
    else # training looks at all that check does
        run 0 check "$file" ${data:+"$data"} || complain "$name does not check"
    fi
done
[ "$failures" -eq 0 ] || exit 1
