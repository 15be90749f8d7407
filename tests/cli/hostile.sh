#!/usr/bin/env bash
# Whatever stands in a plugin folder, `odeon plugins --load` goes through it, soon, and says of each file
# what is wrong with it; what is usable after all is listed, and what it did to the process undone.
. "$1/tests/support/cli.sh"

# ---- files ----

mkdir -p bad/device bad/integrator bad/layer bad/loss bad/optimizer
cp "$build"/hostile-plugins/device/*.so bad/device/
cp "$build"/hostile-plugins/integrator/*.so bad/integrator/
cp "$build"/hostile-plugins/layer/*.so bad/layer/
cp "$build"/hostile-plugins/loss/*.so bad/loss/
cp "$build"/hostile-plugins/optimizer/*.so bad/optimizer/
chmod go-w bad bad/* bad/*/*
good=$build/plugins/integrator/euler.so
bytes=$(stat -c %s "$good")
cd bad/integrator

patch() { # ID OFFSET OCTAL: the good plugin with one other byte
    cp "$good" "$1.so"
    printf "\\$3" | dd of="$1.so" bs=1 seek="$2" conv=notrunc status=none
}
patch elf32 4 1
patch big_endian 5 2
patch other_machine 18 50
patch no_shared_object 16 2
patch flipped_magic 1 145
patch flipped_table 54 1
echo "no shared object" >text.so
: >empty.so
mkdir folder.so
mkfifo fifo.so
ln -s nowhere.so dangling.so
ln -s loop.so loop.so
cp "$odeon" executable.so
cp "$build/libodeon.so" library.so
head -c 64 "$good" >cut_64.so
head -c 4096 "$good" >cut_4096.so
head -c $((bytes / 2)) "$good" >cut_half.so
cp "$good" writable.so
chmod 666 writable.so
cp "$good" group_writable.so
chmod 664 group_writable.so
if [ "$(id -u)" -eq 0 ]; then chown 0:1 group_writable.so; fi
mkdir ../gradient
cp "$good" ../gradient/in_open_folder.so
chmod 777 ../gradient
cd "$work"

# ---- what is said of each ----

# (A sanitizer ends the one that throws before the C++ runtime can abort.)
reasons='
text            it is no ELF file
empty           it is empty
folder          it is no plain file
fifo            it is no plain file
dangling        No such file or directory
loop            Too many levels of symbolic links
elf32           it is no 64-bit little-endian ELF file
big_endian      it is no 64-bit little-endian ELF file
other_machine   it is for another machine
no_shared_object it is no shared object
flipped_magic   it is no ELF file
flipped_table   its program headers are damaged or cut off
executable      no Odeon plugin
library         no Odeon plugin
cut_64          its program headers are damaged or cut off
cut_4096        it is cut off
cut_half        it is cut off
writable        others may write to it (mode 0666)
in_open_folder  others may write to its folder (mode 0777)
undefined       undefined symbol: odeon_no_such_function
no_entry        it does not export odeon_plugin_v1
no_components   it has no components
wrong_magic     does not start with ODEON_MAGIC
zero_struct     struct_size 0, expected
small_struct    struct_size 8, expected
garbage_size    struct_size 2147483644, expected
other_major     it is made for ABI 2.1, this host has 1.1
lying_note      it needs ABI 2.0, this host has 1.1
needs_newer_host it needs ABI 1.7, this host has 1.1
draft_kind      other draft headers of tableau
reserved_set    a reserved field of odeon_plugin_v1 is not 0
wrong_kind      it holds no layer wrong_kind, but integrator wrong_kind
bad_id_inside   the id of its integrator is not of letters
duplicate_id    the plugin has it twice
no_vjp          its layer table lacks vjp
odd_bodies      bodies is 7, expected 0 to 3
no_attach       it has bodies, but its layer table lacks attach
body_names_of_branches its layer table has body_names, which go with bodies = 1 or 2
bad_body_name   one of its body_names is not of letters
orphan@cpu      it takes the place of layer orphan, which is not there
kernel_options@cpu it has options, but takes those of layer kernel_options
kernel_bodies@cpu it holds other layers, which a kernel cannot
kernel_id@cpu   the id of its layer is not of letters
chain@cpu       it takes the place of layer chain, which holds others
no_step         its stepper table lacks step
no_interface    its interface is 10, which is none of integrator that this host knows
implicit        a[0][1] is -0.08333333333, but must be 0: a stage cannot read a later one
nan_weight      a number of b_hat is not finite
over_claim      b is said to be of order 3, but is of order 2: the tree [.,.] gives 0.5, but should give 0.3333333333 (off by 0.167)
wrong_abscissa  c[1] is 0.99, but row 1 of a sums to 1 (off by 0.01)
heavy_error     b_hat is said to be of order 1, but is of order 0: the tree . gives 1.03, but should give 1 (off by 0.03)
light_error     b_hat is said to be of order 2, but is of order 1
loose_end       at the end of the step interp gives stage 1 the weight 0.50005, but b[1] is 0.5
bent_output     interp is said to be of order 2, but is of order 0: the tree . gives x^1 the factor 0.5, but should give 1
high_output     interp is said to be of order 3, but is of order 2: the tree [.,.] gives x^2 the factor 0.5, but should give 0
wrong_fsal      flagged FSAL, but the last row of a is not b
unknown_flag    flag bits that this host does not know, but must understand
optimizer_table its loss table has struct_size 72, expected 64; is the kind right? tables of this size have optimizer
odd_optimizer   its optimizer table has flag bits that this host does not know: 0x200
bad_default     theta = 2
bad_aliases     its aliases are no words
bad_option_aliases it has aliases that are no words
no_default      it has no default and is neither
required_default it has a default although
escape_codes    summary, version, license or source is missing or no line
no_end          summary, version, license or source is missing or no line
init_fails      no such hardware here
init_void       init_void.so, init: this trial step is void; it gives no reason
crashes         it crashed with signal 6
segfaults       it crashed with signal 11
throws          /throws.so: it
leaves          it ended the program with exit code 0
hangs           it took longer than 1 second
spins           it took longer than 1 second
deaf            it took longer than 1 second
'
[ "$(id -u)" -ne 0 ] || reasons+='group_writable  others may write to it (mode 0664)
'
started=$(date +%s%N)
expect 0 "refused:" --plugin-path bad plugins --load
took=$((($(date +%s%N) - started) / 1000000))
[ "$took" -lt 10000 ] || fail "it took $took ms"

n=0
while read -r id reason; do
    [ -n "$id" ] || continue
    n=$((n + 1))
    line=$(grep -E "^[a-z]+ +$id .*/$id.so" out || true)
    grep -qF -- "$reason" <<<"$line" || fail "$id: no '$reason' in '$line'"
done <<<"$reasons"
[ "$n" -ge 71 ] || fail "only $n plugins that cannot be used"

# Every hostile file is one or the other: said to be refused, or listed.
for file in bad/*/*.so; do
    id=$(basename "$file" .so)
    grep -qE "^[a-z]+ +$id " out || fail "$id is not in the list"
done

# ---- what is usable ----

sed '/^refused:/,$d' out >usable
for id in harmless spare_flag leaves_mark newer_minor prints fast_math rounding sets_locale sets_signals changes_folder; do
    grep -qE "^integrator +$id +1.0 " usable || fail "$id is not listed"
done
grep -qE '^integrator +newer_minor +1.0 +ABI 1.7 ' out || fail "the newer ABI is not told"
! grep -qx noise out || fail "what a plugin prints stands in the list"
for claim in "fast_math.so: loading it changed how floating point works" \
    "rounding.so: loading it changed how floating point works" \
    "sets_locale.so: loading it changed the locale" \
    "sets_signals.so: loading it changed what signals do" \
    "changes_folder.so: loading it changed the working directory"; do
    has err "$claim"
done
echo "$n refused with their reasons, in $took ms"

# A run that uses one that changed the process is the run without it.
toy 64 16
train() {
    expect 0 "results in" --plugin-path bad train "$ini/small.ini" "data.path=toy" \
        run.iterations=2 run.out="run_$1" model.ode.steps=2 "model.ode.integrator=$1"
}
train harmless
for id in sets_locale changes_folder fast_math rounding newer_minor; do
    train "$id"
    cmp -s run_harmless/weights.safetensors "run_$id/weights.safetensors" ||
        fail "$id changes the numbers of a run"
done

# ---- what is refused when it is used ----

# What a device gives by its functions is looked at when a model is built upon it.
for id in based empty_slot short_family family_flags half_memory base_of_base; do
    grep -qE "^device +$id +1.0 " usable || fail "$id is not listed"
done
expect 0 "based" --plugin-path bad inspect device auto
grep -qE '^ +0 +based +not to be used' out || fail "a device with a base is asked before it has it: $(cat out)"
refuse() { # STATUS REASON OVERRIDE...
    local status=$1 reason=$2
    shift 2
    expect "$status" "$reason" --plugin-path bad --plugin-path "$build/test-plugins" \
        train "$ini/small.ini" "data.path=toy" run.iterations=2 run.out=run_refused "$@"
    rm -rf run_refused
}
refuse 4 "device empty_slot: its family product leaves operator 2 empty; a family is given as a whole" \
    run.device=empty_slot
refuse 4 "device short_family: its family product has 16 bytes, expected at least 24" \
    run.device=short_family
refuse 4 "device family_flags: its family product has unknown flags 0x8" run.device=family_flags
refuse 4 "device half_memory: 1 of the eight slots for memory and queues are there, expected all, or none" \
    run.device=half_memory
refuse 4 "device empty_slot: it has a base itself (cpu), so that it can be none" \
    run.device=base_of_base
# Every device refuses a call that asks for what it does not know.
for device in cpu reference plain remote emulated; do
    refuse 2 "copy: unknown flags 0x10000" "run.device=$device" model.head.then=call_flags
done
