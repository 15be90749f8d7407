# Sourced by conf/results.sh: the tables of RESULTS.md behind the first.

# ---- curves by epoch ----

# "EPOCH VALUE" lines of a run: the mean of a column over the rows of a split in each epoch. A column
# is a name or the end of one, as in .evals_forward.
curve() { # METRICS.CSV SPLIT COLUMN
    [ ! -s "$1" ] || awk -F, -v wanted="$2" -v name="$3" '
        function is_it(text) {
            return text == name || substr(name, 1, 1) == "." &&
                   substr(text, length(text) - length(name) + 1) == name
        }
        NR == 1 {
            for (i = 1; i <= NF; i++) {
                if ($i == "epoch") epoch = i
                if ($i == "split") split_column = i
                if (is_it($i)) column = i
            }
            next
        }
        $split_column == wanted && column { sum[$epoch] += $column; n[$epoch]++; last = $epoch }
        END { for (e = 1; e <= last; e++) if (n[e]) print e, sum[e] / n[e] }' "$1"
}

# A table with a column for every run that is there, as SYSTEM/RUN, and for files of such lines, as
# LABEL=FILE. Of many epochs it shows some.
by_epoch() { # TITLE SPLIT COLUMN FORMAT RUN...
    title=$1 part=$2 column=$3 format=$4
    shift 4
    curves=$runs/.curves
    : >"$curves"
    for one; do
        case $one in
            *=*) sed "s/^/${one%%=*} /" "${one#*=}" >>"$curves" ;;
            *)
                # of a run that was cut short within an epoch there is nothing to show
                grep -qs '^iterations' "$runs/$one/effective.ini" ||
                    curve "$runs/$one/metrics.csv" "$part" "$column" | sed "s|^|${one%%/*} |" >>"$curves"
                ;;
        esac
    done
    [ ! -s "$curves" ] || awk -v title="$title" -v format="$format" '
        !($1 in number) { number[$1] = ++n; label[n] = $1 }
        { value[number[$1], $2] = $3; if ($2 > last) last = $2 }
        END {
            printf "\n### %s\n\n| epoch |", title
            for (i = 1; i <= n; i++) printf " %s |", label[i]
            printf "\n| --- |"
            for (i = 1; i <= n; i++) printf " --- |"
            print ""
            step = last > 60 ? 10 : last > 20 ? 5 : 1
            for (e = 1; e <= last; e++) {
                if (e % step && e != 1 && e != last) continue
                printf "| %d |", e
                for (i = 1; i <= n; i++)
                    printf((i, e) in value ? " " format " |" : " |", value[i, e])
                print ""
            }
        }' "$curves"
    rm -f "$curves"
}

# What the article prints, by epoch.
rknet_article() {
    printf '%s\n' 93.75 97.78 98.29 98.62 95.52 98.78 98.60 98.68 98.54 98.73 96.96 98.48 97.32 |
        awk '{ print NR, $1 / 100 }'
}

# ---- memory: bytes that a block holds, against steps ----

run_memory() {
    for method in mnist_odenet mnist_odenet_direct; do
        for tolerance in 1e-1 1e-3 1e-5; do
            place=$runs/memory/$method-$tolerance
            [ ! -e "$place.finished" ] || continue
            find_data "$conf/$method.ini" || return 0
            mkdir -p "$runs/memory"
            rm -rf "$place"
            run "$place" "$conf/$method.ini" "data.path=$folder" run.iterations=1 run.log_every=1 \
                data.test_limit=128 "model.ode.rtol=$tolerance" "model.ode.atol=$tolerance"
        done
    done
}

memory_table() {
    [ -e "$runs/memory/mnist_odenet-1e-1.finished" ] || return 0
    cat <<'TEXT'

### Memory of the ODE block in the first batch of 128, against its steps

| system | tolerance | steps | evaluations | MB held |
| --- | --- | --- | --- | --- |
TEXT
    for tolerance in 1e-1 1e-3 1e-5; do
        for method in mnist_odenet mnist_odenet_direct; do
            metrics=$runs/memory/$method-$tolerance/metrics.csv
            [ -s "$metrics" ] || continue
            steps=$(curve "$metrics" train .accepted | cut -d' ' -f2)
            evals="$(curve "$metrics" train .evals_forward | cut -d' ' -f2) / $(
                curve "$metrics" train .evals_backward | cut -d' ' -f2)"
            bytes=$(curve "$metrics" train .bytes | awk '{ printf "%.1f", $2 / 1e6 }')
            echo "| $method | $tolerance | $steps | $evals | $bytes |"
        done
    done
}

# ---- the spiral: its path before and after training, and beyond what was observed ----

spiral_solve() { # NAME WORDS...
    states=$runs/spiral/$1.csv
    shift
    "$odeon" solve "$conf/spiral.ini" --split test data.test_limit=1 "model.ode.initial=2 0" \
        "model.ode.times=linspace(0 50 501)" "$@" --out "$states" >"$runs/spiral/solve.log" 2>&1 ||
        complain "spiral_paths: $(tail -n 1 "$runs/spiral/solve.log")"
}

run_spiral_paths() {
    weights=$runs/spiral/main-1/weights.safetensors
    [ -e "$weights" ] || return 0
    spiral_solve before
    spiral_solve after --weights "$weights"
}

# The law that was observed, by the classic Runge-Kutta method in steps of 1/1000: where it is at every
# fifth of time, and how far both paths are from it in the mean, as a whole and in the distance from the
# origin, which leaves out how far they are around.
spiral_table() {
    [ -s "$runs/spiral/before.csv" ] && [ -s "$runs/spiral/after.csv" ] || return 0
    cat <<'TEXT'

### The spiral's path from (2, 0): observed up to t = 25, not beyond

| t | true | before training | after |
| --- | --- | --- | --- |
TEXT
    awk -F, '
        function slope(x, y) { dx = -0.1 * x ^ 3 - 2 * y ^ 3; dy = 2 * x ^ 3 - 0.1 * y ^ 3 }
        function step(h, a, b, c, d, e, f, g, i) {
            slope(x, y); a = dx; b = dy
            slope(x + h / 2 * a, y + h / 2 * b); c = dx; d = dy
            slope(x + h / 2 * c, y + h / 2 * d); e = dx; f = dy
            slope(x + h * e, y + h * f); g = dx; i = dy
            x += h / 6 * (a + 2 * c + 2 * e + g)
            y += h / 6 * (b + 2 * d + 2 * f + i)
        }
        FNR == 1 { files++; n = 0; next }
        { n++; px[files, n] = $3; py[files, n] = $4 }
        END {
            x = 2; y = 0
            for (k = 1; k <= n; k++) {
                part = k > 251
                count[part]++
                for (f = 1; f <= 2; f++) {
                    far[f, part] += sqrt((px[f, k] - x) ^ 2 + (py[f, k] - y) ^ 2)
                    r = sqrt(px[f, k] ^ 2 + py[f, k] ^ 2) - sqrt(x ^ 2 + y ^ 2)
                    radius[f, part] += r < 0 ? -r : r
                }
                if (k % 50 == 1)
                    printf "| %d | (%.3f, %.3f) | (%.3f, %.3f) | (%.3f, %.3f) |\n", (k - 1) / 10, x, y,
                           px[1, k], py[1, k], px[2, k], py[2, k]
                for (j = 0; j < 100; j++) step(0.001)
            }
            for (part = 0; part < 2; part++) {
                span = part ? "25 to 50" : "0 to 25"
                printf "| mean distance, %s | | %.3f | %.3f |\n", span, far[1, part] / count[part],
                       far[2, part] / count[part]
                printf "| mean error of the radius, %s | | %.3f | %.3f |\n", span,
                       radius[1, part] / count[part], radius[2, part] / count[part]
            }
        }' "$runs/spiral/before.csv" "$runs/spiral/after.csv"
}

# ---- Lane-Emden: errors against evaluations ----

run_lane_emden() {
    mkdir -p "$runs/lane_emden"
    "$conf/lane_emden.sh" --odeon "$odeon" >"$runs/lane_emden/table" ||
        complain "lane_emden: conf/lane_emden.sh failed"
}

lane_emden_table() {
    [ -s "$runs/lane_emden/table" ] || return 0
    cat <<'TEXT'

### Lane-Emden: errors of y at x = 5 against evaluations

TEXT
    cat "$runs/lane_emden/table"
}

# ---- audit: how far gradients are from the exact one ----

run_audit() {
    mkdir -p "$runs/audit"
    for system in fashion_mnist_conv_node mnist_odenet_groupnorm; do
        table=$runs/audit/$system.csv
        [ ! -s "$table" ] || continue
        case $system in mnist_*) set -- "data.path=$mnist" ;; *) set -- ;; esac
        "$odeon" audit "$conf/$system.ini" "$@" --csv >"$table.part" 2>"$runs/audit/$system.log" &&
            mv "$table.part" "$table" || complain "audit: $(tail -n 1 "$runs/audit/$system.log")"
    done
}

# Of each combination the error of all parameters, and the layer whose error is the largest.
audit_table() {
    [ -s "$runs/audit/fashion_mnist_conv_node.csv" ] || return 0
    cat <<'TEXT'

### Gradients of the first batch against the exact one, with initial weights

`odeon audit`: the reference is the exact gradient, in float64, of steps at a hundredth of the least tolerance. The error is |g - r| / |r|; the gap is that of the gradient to the derivative of the loss that was computed, by dual numbers, over that derivative: rounding where the gradient is one of the steps that were taken.

| system | gradient | tolerance | error of all | of the worst layer | gap | evaluations | MB held |
| --- | --- | --- | --- | --- | --- | --- | --- |
TEXT
    for system in fashion_mnist_conv_node mnist_odenet_groupnorm; do
        [ -s "$runs/audit/$system.csv" ] || continue
        awk -F, -v name="$system" '
            function finish() {
                if (key == "") return
                printf "| %s | %s | %s | %.2g | %.2g, `%s` | %.1g | %s | %.1f |\n", name, method,
                    tolerance, all, worst, layer, gap, evals, bytes / 1e6
            }
            NR == 1 || $5 == "" { next }
            $1 "," $2 "," $3 != key {
                finish()
                key = $1 "," $2 "," $3; method = $1; tolerance = $3; worst = -1
            }
            $4 == "all" { all = $5; gap = $9; evals = $10 " / " $11; bytes = $14; next }
            $5 > worst { worst = $5; layer = $4 }
            END { finish() }' "$runs/audit/$system.csv"
    done
}

# ---- all of them ----

run_tables() {
    for table in memory spiral_paths lane_emden audit; do
        ! is_wanted "$table" '' || "run_$table"
    done
}

tables() {
    rknet_article >"$runs/.article"
    [ ! -s "$runs/mnist_rknet_rk4/main-1/metrics.csv" ] ||
        by_epoch "Accuracy of the article's network and of ours" test accuracy %.4f \
            "published=$runs/.article" mnist_rknet_rk4/main-1 mnist_rknet_modified_euler/main-1 \
            mnist_rknet_euler/main-1
    rm -f "$runs/.article"
    [ ! -s "$runs/mnist_rknet_modified_euler/main-1/metrics.csv" ] || cat "$conf/results/rknet.md"
    by_epoch 'Accuracy on MNIST' test accuracy %.4f mnist_anode_conv/main-1 mnist_anode/main-1 \
        mnist_node/main-1 mnist_odenet/main-1 mnist_odenet_direct/main-1 mnist_resnet/main-1 \
        mnist_mlp/main-1
    by_epoch 'Accuracy on CIFAR-10' test accuracy %.4f cifar10_resnet6/main-1 cifar10_resnet1/main-1 \
        cifar10_node/main-1 cifar10_anode/main-1 cifar10_anode_node/main-1
    by_epoch 'Evaluations of the field, forward' train .evals_forward %.1f mnist_anode_conv/main-1 \
        mnist_anode/main-1 mnist_node/main-1 mnist_odenet/main-1 cifar10_node/main-1 \
        cifar10_anode/main-1 cifar10_anode_node/main-1
    by_epoch 'Training loss of the four iris models' train loss %.4f iris_node/main-1 \
        iris_node_time/main-1 iris_anode/main-1 iris_anode_time/main-1
    by_epoch 'Training loss on concentric spheres' train loss %.5f spheres_resnet/main-1 \
        spheres_node/main-1 spheres_anode/main-1
    by_epoch 'Evaluations on concentric spheres, forward' train .evals_forward %.1f \
        spheres_node/main-1 spheres_anode/main-1
    memory_table
    spiral_table
    lane_emden_table
    audit_table
    echo
    cat "$conf/results/dynamics.md"
}
