#!/bin/bash
# No kernel of the CUDA device takes more registers, stack or shared memory than cuda/usage.txt says,
# or spills where it did not; on GPUs other than the table's only spills are looked at.
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
    }' "$table" "$now"
