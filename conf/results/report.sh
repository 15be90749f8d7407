# Sourced by conf/results.sh: the head of RESULTS.md and its first table, from the runs' metrics.

# What metrics.csv says of a run, as lines NAME VALUE: metric, last, best, epochs, steps, seconds,
# forward and backward (evaluations, means over the last epoch's rows).
summarize() { # METRICS.CSV
    awk -F, '
        NR == 1 {
            for (i = 1; i <= NF; i++) {
                column[$i] = i
                if ($i ~ /\.evals_forward$/) forward = i
                if ($i ~ /\.evals_backward$/) backward = i
            }
            metric = "accuracy" in column ? "accuracy" : "loss"
            next
        }
        { seconds = $column["seconds"]; steps = $column["step"] }
        $column["split"] == "train" {
            if ($column["epoch"] != epoch) n = sum_forward = sum_backward = 0
            epoch = $column["epoch"]
            n++; sum_forward += $forward; sum_backward += $backward
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
        }' "$1"
}

# A run's value of one NAME, formatted; nothing where there is none.
value() { # RUN NAME FORMAT
    [ -s "$runs/$system/$1/metrics.csv" ] || return 0
    summarize "$runs/$system/$1/metrics.csv" |
        awk -v name="$2" -v format="$3" '$1 == name { printf format, $2 }'
}

duration() { # SECONDS
    awk -v s="$1" 'BEGIN {
        if (s < 60) printf "%.1f s", s
        else if (s < 3600) printf "%d min %02d s", s / 60, s % 60
        else printf "%d h %02d min", s / 3600, s % 3600 / 60
    }'
}

# A number that a run was given and its INI has not: its test_limit or its iterations; else nothing.
given() { # RUN KEY
    [ -s "$runs/$system/$1/effective.ini" ] && [ -z "$(ini_number "$2")" ] || return 0
    sed -n "s/^$2 *= *//p" "$runs/$system/$1/effective.ini"
}

# The result of a run: its last accuracy or loss on the test split.
result() { # RUN
    case $(value "$1" epochs %d) in
        '') return 0 ;;
        0) echo 'no epoch finished' && return 0 ;;
    esac
    case $(value "$1" metric %s) in
        accuracy) value "$1" last %.4f ;;
        loss) value "$1" last 'loss %.4g' ;;
    esac
    tested=$(given "$1" test_limit)
    [ -z "$tested" ] || printf ' (of %s tests)' "$tested"
}

# A whole number of run.KEY in an INI, the last one given.
ini_number() { # KEY
    whole_ini "$ini" | sed -n "s/^$1 *= *\([0-9]*\).*/\1/p" | tail -n 1
}

# "3 of 10": how far a run is and how far its INI goes; steps where epochs say nothing.
progress() { # RUN
    whole=$(ini_number iterations) unit=' steps' far=$(value "$1" steps %d)
    [ -n "$whole" ] || { whole=$(ini_number epochs) unit='' far=$(value "$1" epochs %d); }
    if [ -n "$(given "$1" iterations)" ]; then
        echo "$(value "$1" steps %d) steps of ${whole:-1} epochs"
    elif [ "$far" = "${whole:-1}" ]; then
        echo "$far$unit"
    else
        echo "$far of ${whole:-1}$unit"
    fi
}

# The cell of a companion: its result, and how far it is where that differs from the main run.
companion() { # MAIN COMPANION
    # shellcheck disable=SC2046,SC2116 # lines become words
    case " $(echo $(runs_of_row)) " in
        *" $2 "*) ;;
        *) return 0 ;;
    esac
    cell=$(result "$2")
    [ -n "$cell" ] || { echo 'not run' && return; }
    [ "$(progress "$1")" = "$(progress "$2")" ] || cell="$cell (epochs: $(progress "$2"))"
    echo "$cell"
}

# The seeds that were run, "1, 2, 3".
seeds_run() {
    found=''
    for one in $(runs_of_row); do
        case $one in
            main-*) [ ! -s "$runs/$system/$one/metrics.csv" ] || found="$found${found:+, }${one#main-}" ;;
        esac
    done
    echo "$found"
}

# One line of the table.
system_line() {
    first=main-${seeds%% *} results='' far='' time='' each='' evals='' where=''
    [ ! -s "$runs/$system/data" ] || where=" on $(cat "$runs/$system/data")"
    for seed in $(seeds_run | tr -d ,); do
        results="$results${results:+, }$(result "main-$seed")"
    done
    if [ -n "$results" ] && [ -s "$runs/$system/$first/metrics.csv" ]; then
        far=$(progress "$first") taken=$(value "$first" seconds %s)
        time=$(duration "$taken")
        n=$(value "$first" epochs %d)
        [ "$n" -eq 0 ] || [ -n "$(given "$first" iterations)" ] || each=$(awk -v s="$taken" -v n="$n" 'BEGIN { printf "%.3g s", s / n }')
        evals=$(value "$first" forward %.1f)
        evals=$evals${evals:+ / $(value "$first" backward %.1f)}
    fi
    words=$(overrides_of_run "main-${seeds%% *}")
    printf '| %s ' "$system" "$published" "${results:-not run}${results:+$where}" \
        "$(companion "$first" "identity-${seeds%% *}")" "$(companion "$first" "residual-${seeds%% *}")" \
        "$(seeds_run)" "$far" "$time" "$each" "$evals" "\`conf/${ini##*/}${words:+ $words}\`"
    echo '|'
}

# The machine of the newest run.
machine() {
    # shellcheck disable=SC2012 # our own names
    manifest=$(ls -t "$runs"/*/*/manifest.json 2>/dev/null | head -n 1)
    [ -n "$manifest" ] || return 0
    awk -F'"' '
        $2 == "processor" { processor = $4 }
        $2 == "processors" { n = $3; gsub(/[^0-9]/, "", n) }
        $2 == "memory_bytes" { m = $3; gsub(/[^0-9]/, "", m) }
        $2 == "system" { name = $4 }
        $2 == "device" { device = $4 }
        $2 == "dtype" { dtype = $4 }
        END { printf "%s, %d processors, %.0f GiB, %s; %s on %s.\n", processor, n, m / 1073741824,
                     name, dtype, device }' "$manifest"
}

report() {
    cat <<'TEXT'
# Results

What the experiments of this folder give beside what was published. `conf/results.sh` makes this file; `conf/results/systems` says what it runs, [README.md](README.md) what it is.

TEXT
    machine
    cat <<'TEXT'

Numbers without a word are accuracies on the test split after the last epoch, one for each seed. Identity and residual are the same experiment with the identity, or with one residual block, in place of the block that it is about. Evaluations of the field are means over the last epoch, forward / backward. Wall times are those of the first seed, tests after the epochs included. A command is `odeon train` with these words, another `run.seed` for the other seeds, and, for MNIST and CIFAR-10, `data.path=FOLDER`. Epochs are those run, of those that the INI asks for. The published figures of Chen et al. and of the ANODE paper are quoted at second hand.
TEXT
    [ ! -s "$runs/note" ] || { echo && cat "$runs/note"; }
    cat <<'TEXT'

| system | published | ours | identity | residual | seeds | epochs | wall time | an epoch | evaluations | command |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
TEXT
    rows system_line
    tables
}
