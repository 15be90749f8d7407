#!/usr/bin/env bash
# make_idx.sh FOLDER TRAIN TEST [EDGE]: writes a toy data set of ten classes in MNIST's files, with
# TRAIN and TEST images of EDGE x EDGE (28) pixels. An image of class c is noise below 64 with a
# bright horizontal bar whose height stands for c: a linear model learns it.
set -euo pipefail
folder=$1 train=$2 test=$3 edge=${4:-28}
mkdir -p "$folder"

# Bytes of one file: $1 images or labels, $2 how many, $3 a number that sets the noise apart.
write_idx() {
    LC_ALL=C awk -v what="$1" -v n="$2" -v seed="$3" -v edge="$edge" '
        function word(x) { printf "%c%c%c%c", int(x / 16777216) % 256, int(x / 65536) % 256,
                           int(x / 256) % 256, x % 256 }
        BEGIN {
            word(what == "images" ? 2051 : 2049); word(n)
            if (what == "images") { word(edge); word(edge) }
            for (i = 0; i < n; i++) {
                class = (i * 7 + seed) % 10
                if (what == "labels") { printf "%c", class; continue }
                from = int(class * edge / 10); to = int((class + 1) * edge / 10)
                for (y = 0; y < edge; y++) for (x = 0; x < edge; x++) {
                    noise = (noise * 1103 + 12347 + seed) % 65536
                    printf "%c", (y >= from && y <= to ? 180 : 0) + int(noise / 1024)
                }
            }
        }'
}

write_idx images "$train" 0 >"$folder/train-images-idx3-ubyte"
write_idx labels "$train" 0 >"$folder/train-labels-idx1-ubyte"
write_idx images "$test" 3 >"$folder/t10k-images-idx3-ubyte"
write_idx labels "$test" 3 >"$folder/t10k-labels-idx1-ubyte"
gzip -nf "$folder"/*-ubyte
