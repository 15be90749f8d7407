# Sourced by conf/results.sh: writes RESULTS.md from the runs. Uses $conf, $runs, rows and runs_of_row.

# What metrics.csv says of a run, as lines NAME VALUE: metric, last, best, epochs, steps, seconds,
# forward and backward (evaluations, means over the last epoch's rows), bytes.
summarize() { # METRICS.CSV
    awk -F, '
        NR == 1 {
            for (i = 1; i <= NF; i++) {
                column[$i] = i
                if ($i ~ /\.evals_forward$/) forward = i
                if ($i ~ /\.evals_backward$/) backward = i
                if ($i ~ /\.bytes$/) bytes = i
            }
            metric = "accuracy" in column ? "accuracy" : "loss"
            next
        }
        { seconds = $column["seconds"]; steps = $column["step"] }
        $column["split"] == "train" {
            if ($column["epoch"] != epoch) { n = sum_forward = sum_backward = 0 }
            epoch = $column["epoch"]
            n++
            sum_forward += $forward; sum_backward += $backward
            if ($bytes + 0 > most) most = $bytes
        }
        $column["split"] == "test" {
            last = $column[metric]
            if (epochs == 0 || (metric == "loss" ? last < best : last > best)) best = last
            epochs++
        }
        END {
            print "metric " metric
            if (epochs > 0) { print "last " last; print "best " best }
            print "epochs " epochs + 0; print "steps " steps; print "seconds " seconds
            if (forward && n > 0) { print "forward " sum_forward / n; print "backward " sum_backward / n }
            if (bytes) print "bytes " most
        }' "$1"
}

# Its value of one NAME, formatted; nothing where there is none.
value() { # RUN NAME FORMAT
    [ -s "$runs/$system/$1/metrics.csv" ] || return 0
    summarize "$runs/$system/$1/metrics.csv" |
        awk -v name="$2" -v format="$3" '$1 == name { printf format, $2 }'
}

duration() {
    awk -v s="$1" 'BEGIN {
        if (s < 60) printf "%.1f s", s
        else if (s < 3600) printf "%d min %02d s", s / 60, s % 60
        else printf "%d h %02d min", s / 3600, s % 3600 / 60
    }'
}

# The result of a run: its last accuracy or loss on the test split.
result() { # RUN
    [ "$(value "$1" epochs %d)" != 0 ] || echo 'no epoch finished'
    case $(value "$1" metric %s) in
        accuracy) value "$1" last %.4f ;;
        loss) value "$1" last 'loss %.4g' ;;
    esac
}

# "3 of 10": how far a run is and how far its INI goes; steps where epochs say nothing.
progress() { # RUN
    wanted_epochs=$(whole_ini | sed -n 's/^epochs *= *\([0-9]*\).*/\1/p' | tail -n 1)
    wanted_steps=$(whole_ini | sed -n 's/^iterations *= *\([0-9]*\).*/\1/p' | tail -n 1)
    done_epochs=$(value "$1" epochs %d) done_steps=$(value "$1" steps %d)
    if [ -n "$wanted_steps" ]; then
        done_epochs=$done_steps wanted_epochs=$wanted_steps unit=' steps'
    else
        wanted_epochs=${wanted_epochs:-1} unit=''
    fi
    if [ "$done_epochs" = "$wanted_epochs" ]; then
        echo "$done_epochs$unit"
    else
        echo "$done_epochs of $wanted_epochs$unit"
    fi
}

# The cell of a companion: its result, and how far it is where that differs from the main run.
companion() { # main RUN, RUN
    case " $(runs_of_row | tr '\n' ' ')" in
        *" $2 "*) ;;
        *) echo '' && return ;;
    esac
    cell=$(result "$2")
    [ -n "$cell" ] || { echo 'not run' && return; }
    [ "$(progress "$1")" = "$(progress "$2")" ] || cell="$cell (epochs: $(progress "$2"))"
    echo "$cell"
}

main_runs() {
    for one in $(runs_of_row); do
        case $one in
            main-*) [ ! -s "$runs/$system/$one/metrics.csv" ] || echo "$one" ;;
        esac
    done
}

# One line of the table.
system_line() {
    first=main-${seeds%% *} results='' time='' evals='' where=''
    [ ! -s "$runs/$system/data" ] || where=" on $(cat "$runs/$system/data")"
    for one in $(main_runs); do
        results="$results${results:+, }$(result "$one")"
    done
    if [ -n "$results" ]; then
        time=$(duration "$(value "$first" seconds %s)")
        evals=$(value "$first" forward %.1f)
        evals=$evals${evals:+ / $(value "$first" backward %.1f)}
        far=$(progress "$first")
    else
        results='not run' far=''
    fi
    words=$(overrides_of_run "main-${seeds%% *}")
    echo "| $system | $published | $results$where | $(companion "$first" "identity-${seeds%% *}") |" \
        "$(companion "$first" "residual-${seeds%% *}") | $(main_runs | sed 's/main-//' | paste -sd' ' - |
            sed 's/ /, /g') | $far | $time | $evals | \`conf/$(basename "$ini")${words:+ $words}\` |"
}

# The machine of the newest run.
machine() {
    for manifest in $(ls -t "$runs"/*/*/manifest.json 2>/dev/null | head -n 1); do
        awk -F'"' '
            $2 == "processor" { processor = $4 }
            $2 == "processors" { n = $3; gsub(/[^0-9]/, "", n) }
            $2 == "memory_bytes" { m = $3; gsub(/[^0-9]/, "", m) }
            $2 == "system" { system_name = $4 }
            $2 == "device" { device = $4 }
            $2 == "dtype" { dtype = $4 }
            END { printf "%s, %d processors, %.0f GiB, %s; %s on %s.\n", processor, n,
                         m / 1073741824, system_name, dtype, device }' "$manifest"
    done
}

# ---- tables beside the first ----

# "EPOCH VALUE" lines of a run: the mean of a column over the rows of a split in each epoch. A column
# is a name or the end of one, as in .evals_forward.
curve() { # METRICS.CSV SPLIT COLUMN
    [ ! -s "$1" ] || awk -F, -v split_name="$2" -v name="$3" '
        NR == 1 {
            for (i = 1; i <= NF; i++) {
                if ($i == "epoch") epoch = i
                if ($i == "split") split_column = i
                if ($i == name || substr(name, 1, 1) == "." &&
                    substr($i, length($i) - length(name) + 1) == name) column = i
            }
            next
        }
        $split_column == split_name && column { sum[$epoch] += $column; n[$epoch]++; last = $epoch }
        END { for (e = 1; e <= last; e++) if (n[e]) print e, sum[e] / n[e] }' "$1"
}

# A table of curves, a column each, of those of the runs that are there; nothing if none is. HEAD is
# "NAME LABEL ..." with NAME the folder of a run; further curves may be given as files "LABEL=FILE".
by_epoch() { # TITLE SPLIT COLUMN FORMAT RUN...
    title=$1 split_name=$2 column=$3 format=$4
    shift 4
    folder=$(mktemp -d)
    n=0
    for one; do
        n=$((n + 1))
        case $one in
            *=*) cp "${one#*=}" "$folder/$n.${one%%=*}" ;;
            *) curve "$runs/$one/metrics.csv" "$split_name" "$column" >"$folder/$n.${one%%/*}" ;;
        esac
    done
    find "$folder" -size 0 -exec rm {} +
    if [ -n "$(ls "$folder")" ]; then
        printf '\n### %s\n\n' "$title"
        # shellcheck disable=SC2046 # labels have no blanks
        awk -v format="$format" '
            FNR == 1 { files++; label[files] = FILENAME; sub(/.*\/[0-9]+\./, "", label[files]) }
            { value[files, $1] = $2; given[files, $1] = 1; if ($1 > last) last = $1 }
            END {
                printf "| epoch |"; for (i = 1; i <= files; i++) printf " %s |", label[i]
                printf "\n| --- |"; for (i = 1; i <= files; i++) printf " --- |"
                print ""
                for (e = 1; e <= last; e++) {
                    if (last > 30 && e % 10 && e != 1 && e != last) continue
                    printf "| %d |", e
                    for (i = 1; i <= files; i++)
                        printf(given[i, e] ? " " format " |" : " |", value[i, e])
                    print ""
                }
            }' $(ls -d "$folder"/* | sort -t/ -k4 -V)
    fi
    rm -rf "$folder"
}

# What the article prints, by epoch.
rknet_article() {
    set -- 93.75 97.78 98.29 98.62 95.52 98.78 98.60 98.68 98.54 98.73 96.96 98.48 97.32
    epoch=0
    for accuracy; do
        epoch=$((epoch + 1))
        echo "$epoch $accuracy" | awk '{ printf "%d %.4f\n", $1, $2 / 100 }'
    done
}

tables() {
    rknet_article >"$runs/.article"
    [ ! -s "$runs/mnist_rknet_rk4/main-1/metrics.csv" ] ||
        by_epoch 'Accuracy on the test split: the article and the three methods' test accuracy %.4f \
            "published=$runs/.article" mnist_rknet_rk4/main-1 mnist_rknet_modified_euler/main-1 \
            mnist_rknet_euler/main-1
    rm -f "$runs/.article"
    by_epoch 'Evaluations a batch, forward' train .evals_forward %.1f fashion_mnist_conv_node/main-1 \
        mnist_odenet_groupnorm/main-1
}

report() {
    cat <<'TEXT'
# Results

What the experiments of this folder give beside what was published. `conf/results.sh` makes this file; `conf/results/systems` says what it runs.

TEXT
    machine
    cat <<'TEXT'

Numbers without a word are accuracies on the test split after the last epoch. Identity and residual are the same experiment with the identity, or with one residual block, in place of the block that it is about. Evaluations of the field are means over the last epoch, forward / backward. Wall times are those of the first seed, tests after the epochs included. A command is `odeon train` with these words and, for MNIST and CIFAR-10, `data.path=FOLDER`.

| system | published | ours | identity | residual | seed | epochs | wall time | evaluations | command |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
TEXT
    rows system_line
    tables
}
