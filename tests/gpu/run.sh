#!/usr/bin/env bash
# Everything that only a card can show, in one go and under ten minutes, as one page of tables.
#
#   tests/gpu/run.sh [DATA]
#
# DATA holds MNIST's four files, or folders mnist and fashion-mnist; without it a toy set is made.
# README.md beside this file says what is needed on the machine, and what the environment may set:
#   OUT     where RESULTS.md, results.tsv, log.txt and the folder parts go; else build/gpu
#   DEPS    folder of Debian packages for what the machine lacks (deps.sh gathers them)
#   BUILD   a build to use in place of making one
#   DEVICE  another device than cuda: a dry run, with few samples and small batches. With mocked
#           it is a rehearsal: all parts, what only a GPU has by stand-ins (folder standins)
#   PYTHON  the python3 that has torch and jax
#   BUDGET, BUILD_SECONDS  seconds for all of it, 570, and for its build, 200
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source=$(cd "$here/../.." && pwd)

# ---- settings, which the parts, run as `run.sh --part NAME`, find in the environment ----

settle() {
    export DATA=${1:+$(cd "$1" && pwd)} DEVICE=${DEVICE:-cuda} BUDGET=${BUDGET:-570} DEPS=${DEPS:-}
    export OUT=${OUT:-$source/build/gpu} PYTHON=${PYTHON:-python3} READY=${BUILD:+yes}
    export BUILD=${BUILD:-$source/build/gpu/build} SEED=${SEED:-$RANDOM} DRY=no
    mkdir -p "$OUT"
    OUT=$(cd "$OUT" && pwd)
    export WORK=${WORK:-$(mktemp -d)} PARTS=$OUT/parts SMALL=no
    case $DEVICE in cuda*) ;; mocked*) SMALL=yes ;; *) DRY=yes SMALL=yes ;; esac
    export SECONDS_EACH=1 LEAST=5 QUICK=no BATCH=0 CURVE=300 TESTS=2000 TRIALS=20
    if [ "$SMALL" = yes ]; then
        SECONDS_EACH=0 LEAST=1 QUICK=yes BATCH=2 CURVE=2 TESTS=4 TRIALS=3
    fi
    if [ "$SMALL" = yes ] && [ "$DRY" = no ]; then
        export PATH=$here/standins:$PATH REHEARSED=$PYTHON
        PYTHON=$here/standins/python3
    fi
    unset OPENBLAS_CORETYPE ODEON_PLUGIN_PATH
    export XDG_DATA_HOME=$WORK/share PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
}

tell() { # FIELD...: one line of results, of the part under way
    local IFS=$'\t'
    printf '%s\n' "$*" >>"$PARTS/$part.tsv"
}

# The libraries that lie in packages of python or beside the compiler, for our programs alone.
library_path() {
    local folder path=
    for folder in "$BUILD/deps"/usr/lib/*/openblas-pthread "$BUILD/deps"/usr/lib/*-linux-gnu \
        "${CUDA_PATH:-/usr/local/cuda}/lib64" $(python_packages cudnn/lib) \
        $(python_packages 'cu1*/lib') $(python_packages cublas/lib); do
        [ -d "$folder" ] && path=$path${path:+:}$folder
    done
    printf %s "$path"
}

python_packages() { # PATTERN below python's package nvidia
    "$PYTHON" -c 'import glob, os, sys, nvidia
for folder in nvidia.__path__:
    print("\n".join(glob.glob(os.path.join(folder, sys.argv[1]))))' "$1" 2>/dev/null
}

ours() { # PROGRAM ARGUMENTS...
    LD_LIBRARY_PATH=$(cat "$WORK/library_path" 2>/dev/null)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$@"
}

# Seconds that this part has left for a program that ends before the part is ended: a program of its
# own process group would outlive it.
rest() {
    local left=$((limit - SECONDS - 4))
    echo $((left > 1 ? left : 1))
}

# The device with options, which come beside those that it has.
with() { # OPTIONS
    case $DEVICE in
        *'('*) printf '%s, %s)' "${DEVICE%)}" "$1" ;;
        *) printf '%s(%s)' "$DEVICE" "$1" ;;
    esac
}

# All of some cases; of a rehearsal the first.
some() { # CASES
    [ "$SMALL" = no ] && printf %s "$1" || printf %s "${1:0:1}"
}

odeon() {
    ours "$BUILD/odeon" --plugin-path "$PLUGINS" "$@"
}

# ---- parts ----

part_facts() {
    tell fact date "$(date -u +%Y-%m-%d\ %H:%M) UTC"
    tell fact source "$(git -C "$source" rev-parse --short HEAD 2>/dev/null || echo 'no repository')"
    tell fact device "$DEVICE$([ "$SMALL" = no ] || echo ', a dry run: its figures mean nothing')"
    if command -v nvidia-smi >/dev/null; then
        nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total,clocks.sm,clocks.max.sm \
            --format=csv,noheader | head -n 1 | while IFS= read -r line; do
            tell fact card "$line (name, driver, capability, memory, clock, highest clock)"
        done
    else
        tell fact card "none: no nvidia-smi"
    fi
    tell fact processor "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores"
    tell fact compilers "$(cc --version 2>/dev/null | head -n 1); $(nvcc_file --version 2>/dev/null |
        sed -n 's/.*release/nvcc/p')"
}

nvcc_path() {
    local file
    for file in "$(command -v nvcc)" "${CUDA_PATH:-/usr/local/cuda}/bin/nvcc"; do
        if [ -x "$file" ]; then
            echo "$file"
            return
        fi
    done
    echo nvcc # which is not there
}

nvcc_file() {
    "$(nvcc_path)" "$@"
}

capability() { # "90" of the first card; 90 where it cannot be asked
    local cap
    cap=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d .)
    printf %s "${cap:-90}"
}

unpack_deps() {
    local package link name file
    [ -n "$DEPS" ] || return 0
    mkdir -p "$BUILD/deps"
    for package in "$DEPS"/*.deb; do
        dpkg -x "$package" "$BUILD/deps" || return 1
    done
    # A development package points to where its library lies once installed; some of what it has
    # belongs to packages that are not there, and is not needed.
    find "$BUILD/deps" -name '*.so' -type l | while IFS= read -r link; do
        name=$(basename "$(readlink "$link")")
        file=$(find "$BUILD/deps" -name "$name" -type f | head -n 1)
        [ -e "$link" ] || [ -z "$file" ] || ln -sf "$file" "$link"
    done
    return 0
}

cudnn_include() {
    local folder
    for folder in "${CUDA_PATH:-/usr/local/cuda}/include" /usr/include /usr/include/*-linux-gnu \
        $(python_packages cudnn/include); do
        if [ -e "$folder/cudnn.h" ]; then
            printf %s "$folder"
            return
        fi
    done
}

part_build() {
    local generator='Unix Makefiles' begin=$SECONDS tests=ON found
    if [ -n "$READY" ]; then
        tell check build ok "given: $BUILD"
        return
    fi
    command -v ninja >/dev/null && generator=Ninja
    mkdir -p "$BUILD"
    unpack_deps || { tell check build FAILED "the packages of $DEPS cannot be unpacked"; return 1; }
    echo '#include <cmocka.h>' >"$WORK/cmocka.c"
    if [ -z "$(find "$BUILD/deps" -name cmocka.h 2>/dev/null)" ] && [ ! -e /usr/include/cmocka.h ]; then
        tests=OFF
    fi
    found=$(cudnn_include)
    if ! cmake -S "$source" -B "$BUILD" -G "$generator" -DCMAKE_BUILD_TYPE=Release -DODEON_CUDA=on \
        "-DODEON_CUDA_ARCHITECTURES=$(capability)-real" -DODEON_WARNINGS_ARE_ERRORS=OFF \
        "-DCMAKE_PREFIX_PATH=$BUILD/deps/usr" "-DODEON_TESTS=$tests" \
        ${found:+"-DODEON_CUDNN_INCLUDE=$found"} || ! cmake --build "$BUILD" -j "$(nproc)" --target gpu_run; then
        tell check build FAILED "see log.txt"
        return 1
    fi
    tell check build ok "$((SECONDS - begin)) s for sm_$(capability), $generator, tests $tests"
}

# Without a usable device there is nothing to measure.
part_device() {
    local said
    if said=$(odeon check "$source/conf/mnist_odenet_groupnorm.ini" "run.device=$DEVICE" 2>&1); then
        tell check device ok "$DEVICE can be used"
    else
        tell check device FAILED "$(tail -n 1 <<<"$said")"
        return 1
    fi
}

# What the build's compiler is called through, such as ccache; nothing if it is called itself.
launcher() {
    sed -n 's/^CMAKE_C_COMPILER_LAUNCHER:[A-Z]*=//p' "$BUILD/CMakeCache.txt" 2>/dev/null
}

part_constants() {
    local library flags='-O2 -std=c++17 -Werror all-warnings -Xcompiler -Wall,-Wextra,-Werror'
    if ! nvcc_file --version >/dev/null 2>&1; then
        tell skip constants - "no nvcc"
    elif [ "$DRY" = yes ]; then # shellcheck disable=SC2046,SC2086
        $(launcher) "$(nvcc_path)" $flags -arch=sm_90 -c "$here/constants.cu" -o "$WORK/constants.o"
        judge constants $? "compiled without a warning; run on a card alone"
    else
        library=$(tr : '\n' <"$WORK/library_path" | while IFS= read -r folder; do
            ls "$folder"/libcublas.so* 2>/dev/null
        done | head -n 1)
        # shellcheck disable=SC2086
        LAUNCHER=$(launcher) "$(nvcc_path)" $flags "-arch=sm_$(capability)" "$here/constants.cu" \
            ${library:--DWITHOUT_CUBLAS} -o "$WORK/constants" && ours "$WORK/constants" >>"$PARTS/$part.tsv"
        judge constants $? "below"
    fi
}

# Every operator against plain loops in float64, on fresh random numbers, outputs poisoned.
part_operators() {
    local program=$BUILD/tests/test_device_operators log=$WORK/operators.txt
    if [ ! -x "$program" ]; then
        tell skip operators - "no cmocka: test_device_operators is not built"
        return
    fi
    ours "$program" "$([ "$SMALL" = yes ] && echo '*float64: unary*' || echo '*')" "$DEVICE" "$SEED" \
        >"$log" 2>&1
    judge operators $? "$(grep -c '^\[       OK' "$log") cases, $(grep -c '^\[  FAILED  \].*:' "$log") failed, seed $SEED"
    grep -B 2 '^\[  FAILED' "$log" | head -n 60
}

# Recordings, and whole networks against central differences, other devices' bits and PyTorch's
# recorded numbers: tests that take another device from the environment.
part_networks() {
    local name wanted
    wanted=(test_capture_solve test_captured_solves test_torchdiffeq_adjoint test_torchdiffeq_steps
        test_gradients test_network_parity)
    [ "$SMALL" = no ] || wanted=(test_capture_solve test_torchdiffeq_steps)
    for name in "${wanted[@]}"; do
        if [ -x "$BUILD/tests/$name" ]; then
            suite_test "$name" &
        else
            tell skip "$name" - "not built: no cmocka"
        fi
    done
    wait
}

suite_test() { # NAME
    local log=$WORK/$1.txt status=0
    ODEON_TEST_DEVICE=$DEVICE ours timeout -k 2 "$(rest)" "$BUILD/tests/$1" >"$log" 2>&1 || status=$?
    judge "$1" "$status" "$(grep -c '^\[       OK' "$log") tests passed$(sed -n 's/^\[  FAILED  \] \(test_[a-z_]*\)$/, not \1/p' "$log" | sort -u | tr -d '\n')"
    [ "$status" -eq 0 ] || grep -B 3 '^\[  FAILED' "$log" | head -n 60
}

judge() { # NAME STATUS TEXT
    if [ "$2" -eq 0 ]; then
        tell check "$1" ok "$3"
    elif [ "$2" -eq 124 ] || [ "$2" -eq 137 ]; then
        tell skip "$1" - "not finished in the time that it has; $3"
    else
        tell check "$1" FAILED "$3; exit code $2, see log.txt"
    fi
}

data_of() { # LETTER of a case: the folder of its images
    cat "$WORK/data_$([ "$1" = b ] && echo b || echo a)"
}

ini_of() {
    case $1 in
        a) echo mnist_odenet_groupnorm ;;
        b) echo fashion_mnist_conv_node ;;
        c) echo mnist_rknet_rk4 ;;
        d) echo mnist_anode_conv ;;
        e) echo mnist_odenet ;;
    esac
}

# Sets rough: e is the costliest case of all, and takes fewer steps in a rehearsal.
few_steps() { # CASE [PREFIX OF THE KEYS]
    rough=()
    [ "$SMALL" = no ] || [ "$1" != e ] || rough=("${2-}model.ode.rtol=1" "${2-}model.ode.atol=1")
}

# Gradients of a small batch of every model against the processor's in float64.
part_gradients() {
    local c dtype limit found='' files=$WORK/small
    local -a rough
    few_steps e e:
    mkdir -p "$files"
    ours "$BUILD/tests/gpu/bench_models" --device cpu --plugins "$PLUGINS" --root "$source" \
        --data "$(data_of a)" --fashion "$(data_of b)" --out "$files" --seconds 0 --least 1 --quick yes \
        --batch "$([ "$SMALL" = yes ] && echo 1 || echo 8)" "${rough[@]}" >/dev/null || { judge gradients 1 ""; return; }
    for c in a b c d e; do
        gradient cpu float64 "$files/$c-cpu" || { judge "gradients $c" 1 "the processor's"; continue; }
        for dtype in float64 float32; do
            gradient "$DEVICE" "$dtype" "$files/$c-device" &&
                found=$("$PYTHON" "$here/compare.py" gradients "$files/$c-device" "$files/$c-cpu")
            limit=$([ "$dtype" = float64 ] && echo 1e-8 || echo 5e-2)
            awk -v gap="${found%% *}" -v limit="$limit" 'BEGIN { exit !(gap != "" && gap + 0 <= limit + 0) }'
            judge "gradients $c $dtype" $? \
                "distance of all, worst parameter, loss: $found; at most $limit of all"
            found=
        done
    done
}

gradient() { # DEVICE DTYPE OUT of case $c
    local -a rough
    few_steps "$c"
    odeon grad "$source/conf/$(ini_of "$c").ini" --batch "$files/$c-train.safetensors" --out "$3" \
        --weights "$files/$c-weights.safetensors" --dtype "$2" "run.device=$1" "${rough[@]}" >/dev/null
}

train() { # LETTER OUT OVERRIDES...
    local c=$1 run=$2
    shift 2
    odeon train "$source/conf/$(ini_of "$c").ini" "data.path=$(data_of "$c")" "run.out=$run" \
        run.log_every=1 "data.test_limit=$TESTS" "$@" >/dev/null
}

losses() { # RUN RUN: first loss, band, two accuracies, single losses, rows
    "$PYTHON" "$here/compare.py" losses "$WORK/$1/metrics.csv" "$WORK/$2/metrics.csv"
}

# Both first experiments on the processor and on the device, one curve beside the other.
part_curves() {
    local c found
    for c in a b; do
        if ! train $c "$WORK/curve-$c-cpu" run.device=cpu "run.iterations=$CURVE" "${small[@]}" ||
            ! train $c "$WORK/curve-$c-device" "run.device=$DEVICE" "run.iterations=$CURVE" "${small[@]}" ||
            ! found=$(losses "curve-$c-cpu" "curve-$c-device"); then
            judge "curves $c" 1 "no curve"
            continue
        fi
        awk -v found="$found" 'BEGIN { split(found, x); gap = x[3] - x[4]
            exit !(x[1] <= 1e-3 && x[2] <= 0.05 && gap <= 0.02 && gap >= -0.02) }'
        judge "curves $c" $? "first loss, means over tenths, accuracies, single losses, steps: $found; at most 1e-3, 0.05, and 0.02 between accuracies"
    done
}

# A recorded solve gives what the same calls give one after another.
part_capture() {
    local c found
    for c in a c d; do
        if ! train $c "$WORK/capture-$c-no" "run.device=$DEVICE" run.capture=no run.workers=1 "run.iterations=$TRIALS" "${small[@]}" ||
            ! train $c "$WORK/capture-$c-yes" "run.device=$DEVICE" run.capture=yes run.workers=1 "run.iterations=$TRIALS" "${small[@]}" ||
            ! found=$(losses "capture-$c-no" "capture-$c-yes" | cut -d ' ' -f 5); then
            judge "capture $c" 1 "no losses"
            continue
        fi
        awk -v each="$found" 'BEGIN { exit !(each <= 1e-5) }'
        judge "capture $c" $? "$TRIALS losses with run.capture=no and yes differ by at most $found, allowed 1e-5"
    done
}

part_sanitizer() {
    local tool file
    file=$(command -v compute-sanitizer || ls "${CUDA_PATH:-/usr/local/cuda}/bin/compute-sanitizer" 2>/dev/null)
    if [ "$DRY" = yes ] || [ -z "$file" ]; then
        tell skip sanitizer - "no compute-sanitizer, or a dry run"
        return
    fi
    for tool in memcheck $([ "$SMALL" = yes ] || echo racecheck initcheck synccheck); do
        sanitize_all "$tool" "$file" &
    done
    wait
}

sanitize_all() { # TOOL PROGRAM: three steps of two models and the operators, by kernels of our own
    local own pattern='*float32*' c words
    own=$(with 'blas=own, convolution=own')
    [ "$SMALL" = no ] || pattern='*float32: unary*'
    for c in $(some 'a c'); do
        small_run "$c" "$1-$c"
        sanitize "$1" "$2" "model $c" "${words[@]}" run.capture=no "run.device=$own"
    done
    [ ! -x "$BUILD/tests/test_device_operators" ] ||
        sanitize "$1" "$2" operators "$BUILD/tests/test_device_operators" "$pattern" "$own" "$SEED"
    if [ "$1" = memcheck ]; then
        small_run a "$1-recorded"
        sanitize "$1" "$2" "recorded, by libraries" "${words[@]}" "run.device=$DEVICE"
    fi
}

small_run() { # CASE NAME: sets words, of a command
    words=("$BUILD/odeon" --plugin-path "$PLUGINS" train "$source/conf/$(ini_of "$1").ini" "data.path=$(data_of "$1")"
        "run.out=$WORK/$2" data.batch=4 run.iterations=3 data.test_limit=4 data.test_batch=4 "${small[@]}")
}

sanitize() { # TOOL PROGRAM WHAT COMMAND...
    local tool=$1 file=$2 what=$3 log status=0
    shift 3
    log="$WORK/$tool-${what// /_}.txt"
    ours timeout -k 2 "$(rest)" "$file" --tool "$tool" --error-exitcode 9 "$@" >"$log" 2>&1 || status=$?
    judge "$tool, $what" "$status" \
        "$(grep -h 'ERROR SUMMARY\|RACECHECK SUMMARY\|Device not supported' "$log" | tail -n 1 | tr -d =)"
    [ "$status" -eq 0 ] || tail -n 40 "$log"
}

# Operators by themselves, at the shapes of the models.
part_single() {
    local shrink=1
    [ "$SMALL" = no ] || shrink=128
    ours "$BUILD/tests/gpu/bench_operators" "$DEVICE" "$([ "$SMALL" = yes ] && echo 0 || echo 0.1)" "$LEAST" \
        "$PLUGINS" "$shrink" >>"$PARTS/$part.tsv"
    judge "times of operators" $? "below"
}

bench() { # SYSTEM DEVICE CASES OVERRIDES...
    local system=$1 device=$2 cases=$3
    shift 3
    mkdir -p "$WORK/files${system##* }"
    ours "$BUILD/tests/gpu/bench_models" --system "$system" --device "$device" --cases "$cases" \
        --plugins "$PLUGINS" --root "$source" --data "$(data_of a)" --fashion "$(data_of b)" \
        --out "$WORK/files${system##* }" --seconds "$SECONDS_EACH" --least "$LEAST" --quick "$QUICK" --batch "$BATCH" "$@" \
        >>"$PARTS/$part.tsv"
}

part_ours() {
    local status=0
    local -a rough
    mkdir -p "$WORK/filesstart"
    for _ in 1 2 3; do
        ours "$BUILD/tests/gpu/bench_models" --device "$DEVICE" --cases a --plugins "$PLUGINS" --root "$source" \
            --data "$(data_of a)" --out "$WORK/filesstart" --seconds 0 --least 1 --quick yes --batch "$BATCH" \
            --began "$(date +%s.%N)" | grep '^start' >>"$PARTS/$part.tsv"
        [ "$SMALL" = yes ] && break
    done
    few_steps e e:
    bench odeon "$DEVICE" abcde "${rough[@]}" || status=$?
    judge times $status "by $([ "$DRY" = no ] && echo 'events of the stream' || echo 'the clock')"
    [ "$DRY" = no ] || return 0
    bench "odeon tf32" "$(with math=tf32)" "$(some ce)"
    bench "odeon capture=no" "$DEVICE" "$(some abcde)" run.capture=no
    bench "odeon fastest" "$(with algorithms=fastest)" "$(some acde)"
}

peer() { # SCRIPT SYSTEM CASES MATH
    local device=cuda status=0 said=$PARTS/$part.said
    [ "$SMALL" = no ] || device=cpu
    "$PYTHON" "$here/peers/$1.py" --system "$2" --cases "$3" --math "$4" --device "$device" \
        --files "$WORK/files$([ "$4" = tf32 ] && echo tf32 || echo odeon)" --seconds "$SECONDS_EACH" \
        --least "$LEAST" >>"$PARTS/$part.tsv" 2>"$said" || status=$?
    cat "$said" >&2
    [ "$status" -eq 0 ] || [ -s "$PARTS/$part.tsv" ] || # a python that lacks more than the script asks
        tell skip "$2" - "$PYTHON: $(tail -n 1 "$said")"
    return "$status"
}

part_torch() {
    peer torchdiffeq_models torchdiffeq abcde ieee32
}

part_torch_tf32() {
    [ "$DRY" = yes ] || peer torchdiffeq_models "torchdiffeq tf32" ce tf32
}

loops=--xla_gpu_enable_command_buffer=+WHILE,+CONDITIONAL

part_diffrax() {
    [ "$DRY" = yes ] || export XLA_FLAGS=$loops
    peer diffrax_models "diffrax$([ "$DRY" = yes ] || echo ', WHILE')" "$([ "$DRY" = yes ] && echo b || echo abcde)" ieee32
}

part_diffrax_plain() { # XLA as it comes
    [ "$DRY" = yes ] || peer diffrax_models diffrax abcde ieee32
}

part_diffrax_tf32() {
    [ "$DRY" = yes ] || XLA_FLAGS=$loops peer diffrax_models "diffrax, WHILE tf32" e tf32
}

# Which kernels a solve and a step are made of, and how near each is to the limits of the GPU. Launch
# by launch: the profiler looks at no body of a loop.
part_kernels() {
    local file c
    file=$(command -v ncu || ls "${CUDA_PATH:-/usr/local/cuda}/bin/ncu" 2>/dev/null)
    if [ "$DRY" = yes ] || [ -z "$file" ]; then
        tell skip kernels - "no ncu, or a dry run"
        return
    fi
    mkdir -p "$WORK/fileskernels"
    for c in $(some 'a c d'); do
        ours timeout -k 2 "$(rest)" "$file" --csv --print-units base --clock-control none \
            --launch-skip 100 --launch-count 200 --metrics "$kernel_metrics" \
            "$BUILD/tests/gpu/bench_models" --device "$DEVICE" --cases "$c" --plugins "$PLUGINS" \
            --root "$source" --data "$(data_of "$c")" --fashion "$(data_of "$c")" \
            --out "$WORK/fileskernels" --seconds 0 --least 1 --quick "$QUICK" --batch "$BATCH" run.capture=no \
            >"$WORK/kernels-$c.csv"
        "$PYTHON" "$here/kernels.py" "$c" <"$WORK/kernels-$c.csv" >>"$PARTS/$part.tsv"
        judge "kernels $c" $? "below"
    done
}

time=gpu__time_duration.sum
arithmetic=sm__throughput.avg.pct_of_peak_sustained_elapsed
memory=gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed
kernel_metrics=$time,$arithmetic,$memory

part_counts() {
    [ "$DRY" = yes ] ||
        "$PYTHON" "$here/peers/diffrax_models.py" --files "$WORK/filesodeon" --cases abecd --count \
            --counts "$PARTS/counts.json" >>"$PARTS/$part.tsv"
}

# ---- the order of things ----

find_data() {
    local folder
    for folder in "$DATA/mnist" "$DATA"; do
        if [ -n "$DATA" ] && ls "$folder"/train-images-idx3-ubyte* >/dev/null 2>&1; then
            echo "$folder" >"$WORK/data_a"
            break
        fi
    done
    if [ ! -e "$WORK/data_a" ]; then
        [ -z "$DATA" ] || echo "run.sh: no train-images-idx3-ubyte in $DATA or $DATA/mnist" >&2
        bash "$source/tests/support/make_idx.sh" "$WORK/toy" "$([ "$SMALL" = yes ] && echo 16 || echo 1024)" 64
        echo "$WORK/toy" >"$WORK/data_a"
    fi
    cp "$WORK/data_a" "$WORK/data_b"
    for folder in "$DATA/fashion-mnist" "$DATA/fashion"; do
        if [ -n "$DATA" ] && [ -d "$folder" ]; then
            echo "$folder" >"$WORK/data_b"
        fi
    done
}

# Whatever there is so far. Each file is whole at any moment.
write_results() {
    local log
    cat "$PARTS"/*.tsv >"$OUT/results.tsv.new" && mv "$OUT/results.tsv.new" "$OUT/results.tsv"
    for log in "$PARTS"/*.log; do
        echo "==== $(basename "$log" .log)"
        tail -c 400000 "$log"
    done >"$OUT/log.txt.new" && mv "$OUT/log.txt.new" "$OUT/log.txt"
    "$PYTHON" "$here/report.py" "$PARTS" >"$OUT/RESULTS.md.new" 2>>"$OUT/log.txt" &&
        mv "$OUT/RESULTS.md.new" "$OUT/RESULTS.md" ||
        echo "run.sh: $PYTHON cannot make the table: results.tsv has its lines" >&2
}

# run NAME SECONDS: a part, which ends after so long or when all is over; results that it had stay.
run() {
    local name=$1 left=$((BUDGET - SECONDS)) status=0
    local -x limit=$2
    [ "$SMALL" = no ] || limit=$((10 * limit)) # a processor, perhaps a busy one
    [ "$limit" -lt "$left" ] || limit=$left
    if [ "$limit" -lt 5 ]; then
        printf 'skip\t%s\t-\tno time left of %s s\n' "$name" "$BUDGET" >>"$PARTS/$order-$name.tsv"
        return
    fi
    echo "run.sh: $name, at $SECONDS s of $BUDGET" >&2
    timeout -k 5 "$limit" bash "$here/run.sh" --part "$order-$name" >"$PARTS/$order-$name.log" 2>&1 ||
        status=$?
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        printf 'skip\t%s\t-\tnot finished in %s s\n' "$name" "$limit" >>"$PARTS/$order-$name.tsv"
    fi
    return $status
}

in_turn() { # NAME:SECONDS...: the status of the last
    local one status=0
    for one in "$@"; do
        order=$((order + 1))
        run "${one%:*}" "${one#*:}"
        status=$?
        write_results
    done
    return $status
}

at_once() {
    local one
    for one in "$@"; do
        order=$((order + 1))
        run "${one%:*}" "${one#*:}" &
    done
    for one in "$@"; do # as each ends
        wait -n
        write_results
    done
}

main() {
    local order=10
    settle "$@"
    trap 'rm -rf "$WORK"' EXIT
    rm -rf "$PARTS"
    mkdir -p "$PARTS"
    find_data
    in_turn facts:20 "build:${BUILD_SECONDS:-200}"
    if [ ! -x "$BUILD/odeon" ] || [ ! -x "$BUILD/tests/gpu/bench_models" ]; then
        echo "run.sh: nothing was built; $OUT/log.txt says why" >&2
        tail -n 20 "$OUT/log.txt" >&2
        return 1
    fi
    library_path >"$WORK/library_path"
    if ! in_turn device:30; then
        grep '^check.device' "$OUT/results.tsv" >&2
        return 1
    fi
    in_turn constants:40 operators:60 ours:80 single:20 torch:70 diffrax:110
    at_once networks:100 gradients:90 curves:90 capture:60 sanitizer:110 counts:100
    in_turn kernels:40 torch_tf32:30 diffrax_tf32:60 diffrax_plain:110
    cat "$OUT/RESULTS.md"
    ! grep -q '^check.*FAILED' "$OUT/results.tsv"
}

if [ "${1:-}" = --part ]; then
    part=$2
    PLUGINS=$BUILD/plugins
    [ ! -d "$BUILD/test-plugins" ] || PLUGINS=$BUILD/test-plugins
    small=()
    [ "$SMALL" = no ] || small=(data.batch=2 data.test_batch=4)
    "part_${part#*-}"
else
    main "$@"
fi
