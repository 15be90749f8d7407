#!/usr/bin/env bash
# conf/figures/make.sh [--out FOLDER] [--mnist FOLDER] [--fashion FOLDER] [NAME ...]: the figures of
# README.md here, all of them or those named, from runs of seconds to a few minutes on one core. They
# are written to FOLDER, else beside this file. Those that need images are left out of "all" unless
# their folder is given. Build first: ./quickstart.sh, or README's commands.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
conf=$(dirname "$here")
odeon=${ODEON:-$conf/../build/odeon}
to=$here mnist='' fashion='' names=()
while [ $# -gt 0 ]; do
    case $1 in
    --out) to=$2 && shift 2 ;;
    --mnist) mnist=$(cd "$2" && pwd) && shift 2 ;;
    --fashion) fashion=$(cd "$2" && pwd) && shift 2 ;;
    -*) echo "usage: conf/figures/make.sh [--out FOLDER] [--mnist FOLDER] [--fashion FOLDER] [NAME ...]" >&2 && exit 2 ;;
    *) names+=("$1") && shift ;;
    esac
done
to=$(mkdir -p "$to" && cd "$to" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# train RUN INI OVERRIDE...: a run of one worker, once.
train() {
    local run=$1 ini=$2
    shift 2
    [ -e "$run/weights.safetensors" ] ||
        "$odeon" train "$ini" run.out="$work/$run" run.workers=1 "$@" >"$run.log" 2>&1 ||
        { tail -n 3 "$run.log" >&2 && return 1; }
}

# plot CHART FILE RUN...
plot() {
    local chart=$1 file=$2
    shift 2
    "$odeon" plot "$chart" "$@" --out "$to/$file.svg"
}

# spheres P SEED EPOCHS: p coordinates appended to the plane.
spheres() {
    train "p$1-$2-$3" "$conf/spheres_node.ini" "let.augment=$1" "run.seed=$2" "run.epochs=$3" \
        "run.name=$1 appended"
}

# Windows of 8, 16 and 32 months, each from the weights of the last.
weather() {
    local from=()
    for window in 8 16 32; do
        train "weather$window" "$here/weather.ini" "data.dataset=trajectories(source=csv(\
path=$here/weather.csv), time=t, values=rain high low wind, window=$window)" "${from[@]}"
        from=("train.weights=$work/weather$window")
    done
    plot path weather weather32
}

perspectives() {
    train fashion "$conf/fashion_mnist_conv_node.ini" "data.path=$fashion" data.limit=12800 \
        data.test_limit=2000
    plot flow perspectives_layer fashion
}

# The top of that run's page, by a browser, for README.
report_top() {
    train fashion "$conf/fashion_mnist_conv_node.ini" "data.path=$fashion" data.limit=12800 \
        data.test_limit=2000
    "$odeon" report fashion --out page.html
    for scheme in dark light; do # as Chromium numbers them: 0 and 1
        chromium --headless --no-sandbox --hide-scrollbars --window-size=720,560 \
            "--blink-settings=preferredColorScheme=$([ $scheme = dark ] && echo 0 || echo 1)" \
            "--screenshot=$to/report_$scheme.png" "file://$work/page.html" 2>chromium.log
    done
}

evaluations() {
    spheres 0 1 30
    plot evaluations evaluations p0-1-30
}

tolerance() {
    local runs=()
    for tolerance in 1e-1 1e-2 1e-3 1e-4 1e-5 1e-6; do
        for seed in 1 2 3; do
            train "tolerance$tolerance-$seed" "$conf/iris_anode_time.ini" "run.seed=$seed" \
                "model.ode.rtol=$tolerance" "model.ode.atol=$tolerance"
            runs+=("tolerance$tolerance-$seed")
        done
    done
    plot sweep tolerance "${runs[@]}"
}

# star NAME M OVERRIDE...: y over x as lines of a table.
star() {
    local name=$1 m=$2
    shift 2
    "$odeon" solve "$conf/lane_emden.ini" "let.m=$m" --out star.csv "$@" >star.log 2>&1
    awk -F, -v name="$name" -v m="$m" 'NR > 1 { print name "," $2 "," $3 }' star.csv
}

lane_emden() {
    {
        echo "line,x,y"
        for m in 0 1 5; do
            star "m = $m" $m "model.star.times=linspace(1e-3 5 101)"
        done
        for method in euler rk4; do
            star "$method with h = 0.5" 1 "model.star.integrator=$method" \
                "model.star.times=linspace(1e-3 5 11)" model.star.steps=1
        done
    } >Lane-Emden_equation.csv
    plot curves lane_emden Lane-Emden_equation.csv
}

euler_and_modern() {
    "$odeon" compare "$conf/lane_emden.ini" let.m=5 --work-precision --csv --integrators \
        'euler|modified_euler|rk4|bosh3|dopri5|tsit5|dopri8' >work.csv
    plot work_precision euler_and_modern work.csv
}

plain_and_residual() {
    for layers in 20 56; do
        for kind in chain residual; do
            train "$kind$layers" "$here/plain.ini" "model.block.layer=$kind" \
                "model.block.repeat=$layers" "run.name=${kind/chain/plain}, $layers layers"
        done
    done
    plot tests plain_and_residual chain20 chain56 residual20 residual56
}

# line RUN OVERRIDE...: a smooth map of one number.
line() {
    awk 'BEGIN { print "x,y"; for (i = 0; i < 60; i++) { x = -2 + 4 * i / 59; s = x < 0 ? -1 : 1
        printf "%.6f,%.6f\n", x, x + s * exp(-6 * (x - s * .7) ^ 2) } }' >line.csv
    train "$1" "$here/line.ini" \
        "data.dataset=csv(path=$work/line.csv, inputs=x, label=y, test_fraction=0)" "${@:2}"
}

resnet_and_ode() {
    line line-euler model.ode.integrator=euler model.ode.steps=6
    line line-dopri5
    plot depth resnet_and_ode_resnet line-euler
    plot depth resnet_and_ode_ode line-dopri5
}

# crossing RUN OVERRIDE...
crossing() {
    awk 'BEGIN { print "x,zero,y"; for (i = 0; i < 40; i++) {
        x = i < 20 ? -1.5 + i / 19 : .5 + (i - 20) / 19; printf "%.6f,0,%.6f\n", x, -x } }' >crossing.csv
    train "$1" "$here/crossing.ini" "${@:2}" \
        "data.dataset=csv(path=$work/crossing.csv, inputs=${inputs:-x}, label=${label:-y}, test_fraction=0)"
}

crossing_map() {
    crossing crossing-node
    inputs='x zero' label='y zero' crossing crossing-anode
    plot depth crossing_node crossing-node
    plot phase crossing_anode crossing-anode
}

adaptive_steps() {
    train spiral "$conf/spiral.ini"
    plot phase spiral_phase spiral
}

forward_and_backward() {
    train backward "$conf/spheres_node.ini" model.ode.gradient=adjoint
    plot evaluations forward_and_backward backward
}

memory() {
    local runs=()
    for steps in 8 16 32 64 128; do
        for gradient in direct adjoint; do
            train "$gradient$steps" "$conf/spheres_anode.ini" run.epochs=1 model.ode.integrator=rk4 \
                model.ode.control=auto "model.ode.steps=$steps" "model.ode.gradient=$gradient"
            runs+=("$gradient$steps")
        done
    done
    plot sweep memory "${runs[@]}"
}

concentric() {
    spheres 0 1 30
    spheres 5 1 30
    plot flow spheres_flow p0-1-30
    plot flow spheres_anode_flow p5-1-30
}

# Seeds of both: bands are what repetitions differ by.
instabilities() {
    local runs=()
    for p in 0 5; do
        for seed in 1 2 3 4 5; do
            spheres $p $seed 30
            runs+=("p$p-$seed-30")
        done
    done
    plot loss node_and_anode_loss "${runs[@]}"
    plot evaluations node_and_anode_evaluations "${runs[@]}"
    plot tests instabilities "${runs[@]}"
}

p_sweep() {
    local runs=()
    for p in 0 1 2 5 10; do
        for seed in 1 2 3; do
            spheres $p $seed 30
            runs+=("p$p-$seed-30")
        done
    done
    plot sweep p_sweep "${runs[@]}"
}

iris() {
    local runs=()
    for seed in 1 2 3; do
        for time in yes no; do
            for augment in 0 10; do
                train "iris$augment$time$seed" "$conf/iris_anode_time.ini" "run.seed=$seed" \
                    "let.augment=$augment" "model.ode.time.enabled=$time" run.epochs=40 \
                    "run.name=$(case $augment$time in 0no) echo NODE ;; 0yes) echo "NODE, t" ;;
                        10no) echo ANODE ;; *) echo "ANODE, t" ;; esac)"
                runs+=("iris$augment$time$seed")
            done
        done
    done
    plot tests iris "${runs[@]}"
}

# A half circle and another one, turned and shifted into its bend, with noise: sums of uniform numbers.
moons() {
    awk 'BEGIN { srand(1); pi = 3.14159265; print "x,y,moon"; for (i = 0; i < 600; i++) {
        m = i % 2; a = pi * rand(); n = .1 * (rand() + rand() + rand() + rand() - 2)
        k = .1 * (rand() + rand() + rand() + rand() - 2)
        printf "%.5f,%.5f,%d\n", (m ? 1 - cos(a) : cos(a)) + n, (m ? .5 - sin(a) : sin(a)) + k, m } }' \
        >moons.csv
    train moons "$here/moons.ini" \
        "data.dataset=csv(path=$work/moons.csv, inputs=x y, label=moon, classes=2)"
    plot phase moons moons
}

# Five epochs of a thirtieth of the images; whole runs are those of RESULTS.md, whose table is drawn
# beside the article's.
rknet() {
    local runs=()
    for method in rk4 modified_euler euler; do
        train "rknet-$method" "$conf/mnist_rknet_$method.ini" "data.path=$mnist" data.limit=2000 \
            data.test_limit=1000 run.epochs=5 run.log_every=4 "run.name=${method/_/ }"
        runs+=("rknet-$method")
    done
    plot tests rknet "${runs[@]}"
}

rknet_article() {
    awk -F' *[|] *' 'BEGIN { print "epoch,accuracy: article,accuracy: rk4,accuracy: modified Euler,accuracy: Euler" }
        /^[|] epoch [|] published/ { on = 1 } on && $2 + 0 > 0 { print $2 "," $3 "," $4 "," $5 "," $6 }
        on && !/^[|]/ { exit }' "$conf/RESULTS.md" >Accuracy_by_epoch.csv
    plot curves rknet_article Accuracy_by_epoch.csv
}

all="weather evaluations tolerance lane_emden euler_and_modern adaptive_steps plain_and_residual \
resnet_and_ode forward_and_backward memory crossing_map concentric instabilities p_sweep iris moons \
rknet_article ${fashion:+perspectives report_top} ${mnist:+rknet}"
[ ${#names[@]} -gt 0 ] || read -ra names <<<"$all"
for name in "${names[@]}"; do
    case " $all " in
    *" $name "*) "$name" ;;
    *) echo "make.sh: no figure is named '$name' (or its images are not given): $all" >&2 && exit 2 ;;
    esac
done
