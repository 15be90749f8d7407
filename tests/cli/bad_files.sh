#!/usr/bin/env bash
# tests/bad/TABLE: every bad file costs its exit code and one line that says what is wrong with it.
. "$1/tests/support/cli.sh"

cp -r "$source/tests/bad" bad
bash bad/make_files.sh bad
cd bad
unset ODEON_DEBUG
# A sanitizer is to answer as malloc does where there is no memory, and its word on that is not ours.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}allocator_may_return_null=1

# What a command of the table stands for; $2 is the file, $3 names what may be written.
run_on() {
    local good=ini/ok.ini
    local numbers='inputs=0..3, label=4, classes=4, header=no, test_fraction=0'
    case $1 in
    check) "$odeon" check "$2" ;;
    train) "$odeon" train "$2" run.out="$3" ;;
    images | labels) "$odeon" train $good "data.train_$1=$2" run.out="$3" ;;
    csv) "$odeon" train $good "data.dataset=csv(path=$2, $numbers)" run.out="$3" ;;
    cifar10)
        "$odeon" train $good "data.dataset=cifar10(path=$2)" "model.flat.layer=avgpool(kernel=32)" \
            model.flat.then=flatten run.out="$3"
        ;;
    order) "$odeon" train $good "data.order=$2" run.out="$3" ;;
    steps) "$odeon" train $good "model.ode.control=replay(path=$2)" run.out="$3" ;;
    weights) "$odeon" eval $good --weights "$2" ;;
    batch) "$odeon" grad $good --batch "$2" --out "$3" ;;
    numbers)
        "$odeon" grad $good "data.dataset=csv(path=none, inputs=0..3, label=4..5)" \
            model.head.units=2 train.loss=mse --batch "$2" --out "$3"
        ;;
    *) fail "TABLE: there is no command '$1'" ;;
    esac
}

n=0 good=0 wrong=0
declare -A named
while read -r file command code text; do
    case $file in '' | '#') continue ;; esac
    answer=0
    run_on "$command" "$file" "$work/results_$n" </dev/null >out 2>err || answer=$?
    mapfile -t lines <err
    [[ ${lines[0]-} != "=="*"==WARNING: AddressSanitizer failed to allocate"* ]] ||
        lines=("${lines[@]:1}")
    last=
    [ ${#lines[@]} -eq 0 ] || last=${lines[-1]}
    reason=
    if [ "$answer" -ne "$code" ]; then
        reason="exit code $answer, expected $code"
    elif [ "$code" -eq 0 ]; then
        good=$((good + 1))
        [ ${#lines[@]} -eq 0 ] || reason="a good file is complained about"
    elif [[ $last != "odeon: error: "* ]]; then
        reason="the last line is no error"
    elif [[ $last != *"$text"* ]]; then
        reason="no '$text'"
    elif [ ${#lines[@]} -ne 1 ] && [[ ${lines[0]} != "odeon: warning: "*"$file"* ]]; then
        reason="${#lines[@]} lines"
    fi
    if [ -n "$reason" ]; then
        echo "$command $file: $reason: ${last:0:300}" >&2
        wrong=$((wrong + 1))
    fi
    named[$file]=yes
    n=$((n + 1))
done <TABLE

[ "$wrong" -eq 0 ] || fail "$wrong of $n rows of tests/bad/TABLE do not hold"
[ $((n - good)) -ge 150 ] || fail "only $((n - good)) bad files"

# No file is left out of the table, but those that others include.
for file in {ini,csv,order,steps}/* made/{ini,idx,gz,cifar10,csv,weights,batch,order,steps}/*; do
    case $file in ini/include_cycle_back.ini) continue ;; esac
    [ -n "${named[$file]-}" ] || fail "$file is not in TABLE"
done
echo "$((n - good)) bad files, $good good ones"
