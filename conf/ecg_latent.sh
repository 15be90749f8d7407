#!/bin/sh
# Writes the series of ecg_latent.ini to standard output: heartbeats of an electrocardiogram, each seen
# at uneven times. Usage: conf/ecg_latent.sh ecg.dat >conf/ecg_latent.csv, where ecg.dat comes from
# Debian's package python3-scipy (1.10), which need not be installed (unzip and od have to be):
#   apt-get download python3-scipy
#   dpkg-deb --fsys-tarfile python3-scipy_*.deb | tar -xO ./usr/lib/python3/dist-packages/scipy/misc/ecg.dat >ecg.dat
#
# The recording is lead MLII of record 208 of the MIT-BIH Arrhythmia Database, minutes 19:35 to 24:35,
# 360 Hz (Moody and Mark, IEEE Eng. in Med. and Biol. 20(3), 2001; Goldberger and others, PhysioNet,
# Circulation 101(23), 2000), under the Open Data Commons Attribution Licence 1.0.
#
# A beat is where the signal stands highest within a quarter of a second and 0.5 mV above the mean of
# half a second. Every other one becomes a series, from 0.2 s before it to 0.5 s behind it or to the
# next one's start: t in tenths of a second, ecg in mV above the level before the beat. Rows are 4 to 10
# readings apart, at random; seen is 1 for the half of them that an encoder may read, the first and the
# last one among them.
set -eu
unzip -p "$1" ecg.npy | tail -c 216000 | od -An -v -tu2 -w2 | awk '
function random() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
function mean(from, to) { return (sum[to] - sum[from - 1]) / (to - from + 1) }
function highest(i,  j) { for (j = i - 90; j <= i + 90; j++) if (x[j] > x[i] || (x[j] == x[i] && j < i)) return 0; return 1 }
{ x[NR] = ($1 - 1024) / 200; sum[NR] = sum[NR - 1] + x[NR] }
END {
    seed = 11; print "beat,t,ecg,seen"
    for (i = 361; i < NR - 360; i++) if (x[i] - mean(i - 90, i + 90) > 0.5 && highest(i)) beat[++beats] = i
    for (b = 1; b < beats; b += 2) {
        from = beat[b] - 72; to = beat[b] + 180; level = mean(beat[b] - 40, beat[b] - 25)
        if (to > beat[b + 1] - 72) to = beat[b + 1] - 72
        rows = 0
        for (i = from; i <= to && rows < 40; i += 4 + int(7 * random())) row[++rows] = i
        for (k = 1; k <= rows; k++)
            printf "%d,%.3f,%.2f,%d\n", series, (row[k] - from) / 36, x[row[k]] - level, k == 1 || k == rows || random() < 0.5
        series++
    }
}'
