#!/usr/bin/env bash
# make_files.sh FOLDER: writes the bad files that are no text, or too large to keep, into
# FOLDER/made, and a good data set of four images of 2 x 2 pixels into FOLDER/data.
set -euo pipefail
cd "$1"
mkdir -p data made/{ini,idx,gz,csv,cifar10,weights,batch,order,steps,deep}

# ---- INI: odd bytes, long lines, things that are no files ----

ini() { # NAME FORMAT: an INI of these bytes
    # shellcheck disable=SC2059
    printf "$2" >"made/ini/$1.ini"
}

spaces() { printf "%$1s" ''; }
letters() { spaces "$1" | tr ' ' a; }

for n in 198 199 200 4095 4096; do # the whole line has n bytes
    ini "line_$n" "include = ../../ini/ok.ini\n[run]\nname = $(letters $((n - 7)))/\n"
done
ini line_seed "include = ../../ini/ok.ini\n[run]\nepochs = $(letters 5000)seed=7\n"
ini line_1_mib "include = ../../ini/ok.ini\n[run]\nname = $(letters 1048576)\n"
ini too_large "; $(letters 3000)\n" && for _ in {1..11}; do
    cat made/ini/too_large.ini made/ini/too_large.ini >made/ini/twice.ini
    mv made/ini/twice.ini made/ini/too_large.ini
done
ini cr_only '[run]\rseed = 2\r'
ini cr_in_value '[run]\nname = a\rb\n'
ini nul_first '\0[run]\nseed = 2\n'
ini nul_in_value '[run]\nname = a\0b\n'
ini nul_after_long "[run]\nname = $(letters 300)\0\0\0\n"
ini bom_only '\xef\xbb\xbf'
ini bom_inside '[run]\nname = a\xef\xbb\xbfb\n'
ini bom_twice '\xef\xbb\xbf\xef\xbb\xbf[run]\nseed = 2\n'
ini utf16_le '\xff\xfe[\0r\0u\0n\0]\0\n\0'
ini utf16_be '\xfe\xff\0[\0r\0u\0n\0]\0\n'
ini utf8_cut '[run]\nname = \xc3\n'
ini utf8_overlong '[run]\nname = \xc0\xaf\n'
ini utf8_surrogate '[run]\nname = \xed\xa0\x80\n'
ini latin_1 '[run]\nname = caf\xe9\n'
ini escape '[run]\nname = \x1b[31mred\n'
ini delete '[run]\nname = a\x7fb\n'
ini form_feed '[run]\n\f\nseed = 2\n'
{
    printf 'include = ../../ini/ok.ini\n[run]\n'
    for ((i = 0; i < 2000; i++)); do printf 'key%d = 1\n' "$i"; done
} >made/ini/keys_2000.ini
{
    printf 'include = ../../ini/ok.ini\n'
    for ((i = 0; i < 300; i++)); do printf '[model.again%d]\nlayer = relu\nlayer = relu\n' "$i"; done
} >made/ini/sections_300.ini
mkfifo made/fifo.ini made/ini/fifo.ini
mkdir made/ini/folder.ini
ln -s loop.ini made/ini/loop.ini
ln -s nowhere.ini made/ini/dangling.ini
for ((i = 1; i < 18; i++)); do printf 'include = %d.ini\n' $((i + 1)) >"made/deep/$i.ini"; done
printf '[run]\nseed = 2\n' >made/deep/18.ini

# ---- IDX ----

be32() { printf "\\$(printf %o $(($1 >> 24 & 255)))\\$(printf %o $(($1 >> 16 & 255)))\\$(
    printf %o $(($1 >> 8 & 255)))\\$(printf %o $(($1 & 255)))"; }
zeros() { head -c "$1" /dev/zero; }

images() { # COUNT HEIGHT WIDTH BYTES: header and so many bytes
    printf '\0\0\10\3'
    be32 "$1"
    be32 "$2"
    be32 "$3"
    zeros "$4"
}
labels() { # COUNT BYTES...: header and these labels, as octal escapes
    printf '\0\0\10\1'
    be32 "$1"
    # shellcheck disable=SC2059
    printf "$2"
}
for split in train t10k; do
    images 4 2 2 16 >data/$split-images-idx3-ubyte
    labels 4 '\0\1\2\3' >data/$split-labels-idx1-ubyte
done
image=data/train-images-idx3-ubyte

for n in {0..15}; do head -c "$n" $image >"made/idx/header_$n"; done
printf '\3\10\0\0' >made/idx/little_endian && tail -c +5 $image >>made/idx/little_endian
for type in 00 07 09 0b 0c 0d 0e ff; do
    printf "\\0\\0\\x$type\\3" >"made/idx/type_$type" && tail -c +5 $image >>"made/idx/type_$type"
done
for dims in 0 2 4 255; do
    printf "\\0\\0\\10\\$(printf %o $dims)" >"made/idx/dims_$dims"
    tail -c +5 $image >>"made/idx/dims_$dims"
done
printf 'PK\3\4' >made/idx/zip && tail -c +5 $image >>made/idx/zip
images 0 2 2 0 >made/idx/no_images
images 4 0 2 0 >made/idx/no_height
images 4294967295 2 2 16 >made/idx/count_2_32
images 65536 65536 2 16 >made/idx/product_2_33
images 2147483648 2147483648 4 16 >made/idx/product_2_64
images 4294967295 4294967295 4294967295 16 >made/idx/product_2_96
images 4 3 2 24 >made/idx/other_height
images 4 4 1 16 >made/idx/other_shape
images 4 2 2 15 >made/idx/one_short
images 4 2 2 17 >made/idx/one_long
images 3 2 2 12 >made/idx/three_images
mkdir made/idx/folder
mkfifo made/idx/fifo
labels 4 '\0\1\2\4' >made/idx/label_4
labels 4 '\0\1\2\377' >made/idx/label_255
labels 5 '\0\1\2\3\0' >made/idx/five_labels
labels 4 '\0\1\2' >made/idx/three_of_four
cp $image made/idx/images_as_labels

# ---- gzip ----

gzip -nc $image >made/gz/good
size=$(stat -c %s made/gz/good)
printf '' >made/gz/empty.gz
for n in 1 2 9; do head -c $n made/gz/good >"made/gz/header_$n"; done
head -c 15 made/gz/good >made/gz/deflate_cut
head -c $((size - 8)) made/gz/good >made/gz/no_trailer
head -c $((size - 1)) made/gz/good >made/gz/trailer_cut
{ head -c $((size - 8)) made/gz/good && printf '\1\2\3\4' && tail -c 4 made/gz/good; } >made/gz/bad_crc
{ head -c $((size - 4)) made/gz/good && printf '\1\2\3\4'; } >made/gz/bad_isize
{ cat made/gz/good && printf garbage; } >made/gz/garbage_after
cat made/gz/good made/gz/good >made/gz/two_members
{ printf '\x1f\x8b\x08\xe0' && tail -c +5 made/gz/good; } >made/gz/reserved_flags
{ printf '\x1f\x8b\x07\0' && tail -c +5 made/gz/good; } >made/gz/other_method
{ head -c 10 made/gz/good && printf '\xff\xff\xff\xff' && tail -c +15 made/gz/good; } >made/gz/bad_block
images 4 2 2 50000000 | gzip -nc >made/gz/bomb
printf 'x' | gzip -nc >made/gz/one_byte

# ---- CIFAR-10 ----

records() { # SET FILE BYTES [LABEL AT]: a file of zeros, but for one byte
    mkdir -p "made/cifar10/$1"
    zeros "$3" >"made/cifar10/$1/$2"
    [ $# -eq 3 ] || printf "\\$(printf %o "$4")" |
        dd of="made/cifar10/$1/$2" bs=1 seek="$5" conv=notrunc status=none
}

records good data_batch_1.bin $((4 * 3073)) 9 3073
records good data_batch_2.bin 3073
records good test_batch.bin $((4 * 3073))
mkdir made/cifar10/nothing
records no_test data_batch_1.bin 3073
records no_training test_batch.bin 3073
records hole data_batch_1.bin 3073 && records hole data_batch_3.bin 3073
records empty data_batch_1.bin 0
records one_short data_batch_1.bin 3072
records one_long data_batch_1.bin 6147
records label_10 data_batch_1.bin 6146 10 3073
records label_255 data_batch_1.bin 3073
records label_255 data_batch_2.bin 3073 255 0
records images_of_mnist data_batch_1.bin 7840016
mkdir -p made/cifar10/folder/data_batch_1.bin made/cifar10/fifo
mkfifo made/cifar10/fifo/data_batch_1.bin
zeros 3073 >made/cifar10/file

# ---- CSV ----

printf '1,2,3,4,0\n1,2,\0003,4,0\n' >made/csv/nul.csv
printf '1,2,3,4,0\n1,"\000",3,4,0\n' >made/csv/nul_in_quotes.csv
printf '\xff\xfe1\0,\0002\0' >made/csv/utf16.csv
printf '1,2,3,4,0\r1,2,3,4,0\r' >made/csv/carriage.csv
printf '\xef\xbb\xbf1,2,3,4,0\r\n1,2,3,4,1' >made/csv/good_mark.csv
printf '\x1f\x8b\x08\0,2,3,4,0' >made/csv/gzip.csv
printf '%65536s' '' | tr ' ' , >made/csv/columns_65537.csv
mkfifo made/csv/fifo.csv
mkdir made/csv/folder.csv

# ---- safetensors ----

st() { # FILE HEADER BYTES [LENGTH AS EIGHT OCTAL ESCAPES]: so many zeros behind the header
    local n=${#2}
    {
        # shellcheck disable=SC2059
        printf "${4:-\\$(printf %o $((n & 255)))\\$(printf %o $((n >> 8 & 255)))\\$(
            printf %o $((n >> 16 & 255)))\\0\\0\\0\\0\\0}"
        printf %s "$2"
        zeros "$3"
    } >"made/$1"
}
t() { printf '"%s":{"dtype":"%s","shape":%s,"data_offsets":%s}' "$@"; } # NAME DTYPE SHAPE OFFSETS

w1=$(t ode.field.weight F32 '[4,4]' '[0,64]') b1=$(t ode.field.bias F32 '[4]' '[64,80]')
w2=$(t head.weight F32 '[4,4]' '[80,144]') b2=$(t head.bias F32 '[4]' '[144,160]')
all=$w1,$b1,$w2,$b2
weights() { st "weights/$1" "${@:2}"; } # NAME HEADER BYTES [LENGTH]

weights good "{$all}" 160
weights length_0 '' 160
weights length_1 '{' 160
weights length_over_file "{$all}" 160 '\377\377\0\0\0\0\0\0'
weights length_100_mb "{$all}" 160 '\0\341\365\5\0\0\0\0'
weights length_100_mb_1 "{$all}" 160 '\1\341\365\5\0\0\0\0'
weights length_2_63 "{$all}" 160 '\0\0\0\0\0\0\0\200'
weights length_2_64 "{$all}" 160 '\377\377\377\377\377\377\377\377'
weights length_2_64_8 "{$all}" 160 '\370\377\377\377\377\377\377\377'
printf '' >made/weights/empty
printf '\1\0\0\0' >made/weights/seven_bytes
weights not_json 'this is no JSON at all' 160
weights array '[1,2,3]' 160
weights number '1' 0
weights nothing '{}' 0
weights leading_blank " {$all}" 160
weights not_utf8 "{$(t $'caf\351' F32 '[]' '[0,4]')}" 4
weights nul_name "{$(t 'a\u0000b' F32 '[]' '[0,4]')}" 4
weights half_surrogate "{$(t 'a\ud800b' F32 '[]' '[0,4]')}" 4
weights control_name "{$(t $'a\tb' F32 '[]' '[0,4]')}" 4
weights bad_escape "{$(t 'a\qb' F32 '[]' '[0,4]')}" 4
weights nested "{\"a\":$(letters 10000 | tr a '[')" 4
weights no_comma "{$w1 $b1}" 80
weights trailing_comma "{$all,}" 160
weights after_brace "{$all} {}" 160
weights unclosed "{$all" 160
weights duplicate "{$w1,$(t ode.field.weight F32 '[4]' '[64,80]'),$w2,$b2}" 160
weights meta_twice "{\"__metadata__\":{},\"__metadata__\":{},$all}" 160
weights meta_key_twice "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"},$all}" 160
weights meta_number "{\"__metadata__\":{\"a\":1},$all}" 160
weights meta_text "{\"__metadata__\":\"a\",$all}" 160
weights offset_minus "{$(t a F32 '[1]' '[-4,0]')}" 4
weights offset_fraction "{$(t a F32 '[1]' '[0,4.5]')}" 4
weights offset_exponent "{$(t a F32 '[250]' '[0,1e3]')}" 1000
weights offset_zeros "{$(t a F32 '[1]' '[0,04]')}" 4
weights offset_2_64 "{$(t a F32 '[1]' '[0,18446744073709551616]')}" 4
weights offset_huge "{$(t a F32 '[1]' '[0,18446744073709551615]')}" 4
weights offset_text "{$(t a F32 '[1]' '["0","4"]')}" 4
weights offset_one "{$(t a F32 '[1]' '[4]')}" 4
weights offset_three "{$(t a F32 '[1]' '[0,4,8]')}" 4
weights begin_after_end "{$(t a F32 '[1]' '[4,0]')}" 4
weights hole "{$(t a F32 '[1]' '[0,4]'),$(t b F32 '[1]' '[8,12]')}" 12
weights hole_first "{$(t a F32 '[1]' '[4,8]')}" 8
weights overlap "{$(t a F32 '[2]' '[0,8]'),$(t b F32 '[2]' '[4,12]')}" 12
weights same_range "{$(t a F32 '[1]' '[0,4]'),$(t b F32 '[1]' '[0,4]'),$(t c F32 '[1]' '[0,4]')}" 4
weights one_short "{$all}" 159
weights one_long "{$all}" 161
weights size_differs "{$(t a F32 '[2]' '[0,4]')}" 4
weights shape_2_64 "{$(t a F32 '[4294967296,4294967296]' '[0,4]')}" 4
weights shape_2_63 "{$(t a F32 '[9223372036854775808]' '[0,4]')}" 4
weights shape_minus "{$(t a F32 '[-1]' '[0,4]')}" 4
weights shape_nine "{$(t a F32 '[1,1,1,1,1,1,1,1,1]' '[0,4]')}" 4
weights shape_number "{$(t a F32 1 '[0,4]')}" 4
weights dtype_unknown "{$(t a F33 '[1]' '[0,4]')}" 4
weights dtype_lower "{$(t a f32 '[1]' '[0,4]')}" 4
weights dtype_missing '{"a":{"shape":[1],"data_offsets":[0,4]}}' 4
weights dtype_twice '{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}' 4
weights key_unknown '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"crc":1}}' 4
weights name_64_kib "{$(t "$(letters 65536)" F32 '[1]' '[0,4]')}" 4
weights name_up "{$(t ../../etc/passwd F32 '[1]' '[0,4]')}" 4
weights name_escape "{$(t '\u001b[31m' F32 '[1]' '[0,4]')}" 4
weights half_floats "{$(t ode.field.weight F16 '[4,4]' '[0,32]'),$(t ode.field.bias F32 '[4]' '[32,48]'),$(
    t head.weight F32 '[4,4]' '[48,112]'),$(t head.bias F32 '[4]' '[112,128]')}" 128
weights integers "{$(t ode.field.weight I32 '[4,4]' '[0,64]'),$b1,$w2,$b2}" 160
weights other_shape "{$(t ode.field.weight F32 '[2,8]' '[0,64]'),$b1,$w2,$b2}" 160
weights transposed_rank "{$(t ode.field.weight F32 '[16]' '[0,64]'),$b1,$w2,$b2}" 160
weights one_missing "{$w1,$b1,$w2}" 144
weights one_more "{$all,$(t tail.bias F32 '[1]' '[160,164]')}" 164
weights other_model "{$(t net.0.weight F32 '[4,4]' '[0,64]')}" 64
{ head -c 8 made/weights/good | tr '\0' '\0' && printf '{%s}' "$all" && zeros 156 && printf '\0\0\300\177'; } \
    >made/weights/nan
mkdir made/weights/folder
mkfifo made/weights/fifo
ln -s loop made/weights/loop
gzip -nc made/weights/good >made/weights/gzip

# ---- a batch of `odeon grad` ----

batch() { st "batch/$1" "${@:2}"; } # NAME HEADER BYTES
x=$(t x F32 '[2,1,2,2]' '[0,32]')
batch good "{$x,$(t y I64 '[2]' '[32,48]')}" 48
batch no_x "{$(t y I64 '[2]' '[0,16]')}" 16
batch no_y "{$x}" 32
batch x_bytes "{$(t x U8 '[2,1,2,2]' '[0,8]'),$(t y I64 '[2]' '[8,24]')}" 24
batch x_shape "{$(t x F32 '[2,4]' '[0,32]'),$(t y I64 '[2]' '[32,48]')}" 48
batch x_empty "{$(t x F32 '[0,1,2,2]' '[0,0]'),$(t y I64 '[0]' '[0,0]')}" 0
batch y_count "{$x,$(t y I64 '[3]' '[32,56]')}" 56
batch y_half "{$x,$(t y F16 '[2]' '[32,36]')}" 36
{ st batch/y_label "{$x,$(t y U8 '[2]' '[32,34]')}" 33 && printf '\11' >>made/batch/y_label; }

# Two samples of four numbers, with two numbers to learn.
x=$(t x F32 '[2,4]' '[0,32]')
batch of_numbers "{$x,$(t y F32 '[2,2]' '[32,48]')}" 48
y_first=$(t y I64 '[2]' '[0,16]')
{ # NaN, and 1e39, as the last number
    st batch/x_nan "{$y_first,$(t x F32 '[2,1,2,2]' '[16,48]')}" 44 &&
        printf '\0\0\300\177' >>made/batch/x_nan
    st batch/x_wide "{$y_first,$(t x F64 '[2,1,2,2]' '[16,80]')}" 72 &&
        printf '\035\112\234\364\207\202\007\110' >>made/batch/x_wide
    st batch/of_numbers_nan "{$x,$(t y F32 '[2,2]' '[32,48]')}" 44 &&
        printf '\0\0\300\377' >>made/batch/of_numbers_nan
}
batch of_numbers_flat "{$x,$(t y F32 '[2]' '[32,40]')}" 40
batch of_numbers_wide "{$x,$(t y F64 '[2,3]' '[32,80]')}" 80

# ---- lists ----

printf '0 1\0002\n' >made/order/nul.txt
mkfifo made/order/fifo.txt made/steps/fifo.csv
mkdir made/steps/folder.csv
printf 't,h\n0,0.5\0\n0.5,0.5\n' >made/steps/nul.csv
printf '\xff\xfet\0,\0h\0' >made/steps/utf16.csv
