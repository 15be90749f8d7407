#!/bin/bash
# The innermost loops of products and convolutions keep all their sums in registers: none that
# multiplies and adds vectors writes one to the stack. A loop is what lies between a jump backwards
# and its target, with no other such jump in it. Held for the compiler that the kernels were measured
# with: another one's registers are its own affair.
set -u
cd "$2" || exit 1
for tool in objdump awk; do
    command -v $tool >/dev/null || {
        echo "not covered: $(basename "$0") (no $tool)"
        exit 0
    }
done
grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Release$' CMakeCache.txt && grep -q '^ODEON_SANITIZE:[A-Z]*=$' CMakeCache.txt || {
    echo "not covered: $(basename "$0") (loops are as they are released in a release build alone)"
    exit 0
}
failed=0
for level in avx2 avx512; do
    for folder in direct dense; do
        object=$(find . -path "*odeon_cpu_${folder}_$level.dir*" -name f32.c.o | head -n 1)
        [ -n "$object" ] || continue
        grep -aq 'GCC: ([^)]*) 12\.' "$object" || {
            echo "not covered: $(basename "$0") (not made by gcc 12)"
            exit 0
        }
        objdump -d --no-show-raw-insn "$object" | awk -v what="$folder, $level" -v fewest=20 '
            function finish(   i, j, n, inner, sums, stores) {
                for (i = 1; i <= jumps; i++) {
                    inner = 1
                    for (j = 1; j <= jumps; j++)
                        if (j != i && to[j] >= to[i] && from[j] <= from[i])
                            inner = 0
                    sums = stores = 0
                    for (n = to[i]; inner && n <= from[i]; n++) {
                        sums += text[n] ~ /^vfn?m(add|sub)[0-9]*p[sd]/
                        stores += text[n] ~ /^vmov[a-z0-9]*[ \t]+%[xyz]mm[0-9]+,-?(0x[0-9a-f]+)?\(%r[sb]p\)/
                    }
                    loops += sums > 0
                    if (sums > 0 && stores > 0) {
                        print "FAILED: " what ": " name " writes " stores " vectors to the stack in a loop of " sums " multiply-adds"
                        spills++
                    }
                }
                jumps = lines = 0
                split("", line_of)
            }
            /^[0-9a-f]+ <.*>:$/ { finish(); name = $2; next }
            /^ *[0-9a-f]+:/ {
                address = $1
                sub(/:$/, "", address)
                $1 = ""
                sub(/^ /, "")
                text[++lines] = $0
                line_of[address] = lines
                if ($1 ~ /^j/ && ($2 in line_of)) {
                    from[++jumps] = lines
                    to[jumps] = line_of[$2]
                }
            }
            END {
                finish()
                print what ": " loops " loops"
                if (loops < fewest) {
                    print "FAILED: " what ": only " loops " loops that multiply and add are seen"
                    spills++
                }
                exit spills > 0
            }' || failed=1
    done
done
exit $failed
