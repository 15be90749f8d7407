#!/bin/bash
# No kernel of the CUDA device takes more registers, stack or shared memory than cuda/usage.txt says,
# or spills where it did not; on GPUs other than the table's only spills are looked at. Nor is its code
# much longer than cuda/sass.txt says, with more barriers, or with fewer accesses of 16 bytes.
set -u
source=$1
build=$2
table=$source/cuda/usage.txt
if [ ! -e "$build/plugins/device/cuda.so" ]; then
    cat "$build/not_covered"
    exit 0
fi
now=$(mktemp)
trap 'rm -f "$now"' EXIT
bash "$source/cuda/usage.sh" "$build" >"$now"

# Another release of the compiler may want a register more or less.
awk -v slack=8 -v update="bash cuda/usage.sh build sm_90 >cuda/usage.txt" '
    function complain(what) {
        print "FAILED: " $1 " " $2 ": " what
        failed = 1
    }
    /^#/ { next }
    FNR == NR {
        for (i = 3; i <= 6; i++) {
            before[$2, i] = $i
        }
        known[$2] = 1
        next
    }
    !($2 in known) {
        complain("is not in the table: " update)
        next
    }
    { seen[$2] = 1 }
    $4 > before[$2, 4] { complain($4 " bytes spilled, " before[$2, 4] " before") }
    $1 != "sm_90" { next }
    $3 > before[$2, 3] + slack { complain($3 " registers, " before[$2, 3] " before") }
    $5 > before[$2, 5] { complain($5 " bytes of stack, " before[$2, 5] " before") }
    $6 > before[$2, 6] { complain($6 " bytes of shared memory, " before[$2, 6] " before") }
    END {
        for (kernel in known) {
            n++
            if (!(kernel in seen)) {
                print "FAILED: " kernel " is in the table and no kernel: " update
                failed = 1
            }
        }
        print n " kernels"
        if (n < 20) {
            print "FAILED: too few kernels"
            failed = 1
        }
        exit failed
    }' "$table" "$now" || exit 1

python=$(command -v python3)
if [ -z "$python" ]; then
    echo "not covered: machine code of kernels (no python3, which reads it)"
    exit 0
fi
"$python" "$source/cuda/sass.py" "$build" >"$now" || exit 1
if [ "$(wc -l <"$now")" -le 1 ]; then
    echo "not covered: machine code of kernels (no code of sm_90 in this build)"
    exit 0
fi
awk -v update="python3 cuda/sass.py build >cuda/sass.txt" '
    function complain(what) {
        print "FAILED: " $1 ": " what
        failed = 1
    }
    /^#/ { next }
    FNR == NR {
        for (i = 2; i <= 6; i++) {
            before[$1, i] = $i
        }
        known[$1] = 1
        next
    }
    !($1 in known) {
        complain("is not in the table: " update)
        next
    }
    { n++ }
    $2 > 1.15 * before[$1, 2] + 32 { complain($2 " instructions, " before[$1, 2] " before") }
    $3 > before[$1, 3] { complain($3 " barriers, " before[$1, 3] " before") }
    $4 < before[$1, 4] { complain($4 " loads of 16 bytes, " before[$1, 4] " before") }
    $5 < before[$1, 5] { complain($5 " stores of 16 bytes, " before[$1, 5] " before") }
    $6 > before[$1, 6] { complain($6 " accesses of local memory, " before[$1, 6] " before") }
    END {
        print n " kernels in machine code"
        if (n < 20) {
            print "FAILED: too few kernels"
            failed = 1
        }
        exit failed
    }' "$source/cuda/sass.txt" "$now"
