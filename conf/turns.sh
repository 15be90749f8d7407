#!/bin/sh
# Writes the observations of turns.ini to standard output: 96 series of 10 to 24 points on spirals that
# turn left (kind 1) or right (kind -1), at uneven times, each coordinate with noise of deviation 0.1.
# kind is 0 in the first row of a series, before anything is known, and given in the last alone.
awk 'function random() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
function noise(  e, j) { e = -6; for (j = 0; j < 12; j++) e += random(); return 0.1 * e }
BEGIN {
    seed = 7; print "series,t,kind,x,y"
    for (s = 0; s < 96; s++) {
        n = 10 + int(15 * random()); kind = s % 2 ? 1 : -1
        phase = 6.2831853 * random(); speed = 1.5 + random(); size = 0.7 + 0.6 * random(); t = 0
        for (i = 0; i < n; i++) {
            r = size * exp(-0.15 * t); angle = phase + kind * speed * t
            printf "%d,%.4f,%s,%.5f,%.5f\n", s, t, i == 0 ? 0 : i + 1 == n ? kind : "", r * cos(angle) + noise(), r * sin(angle) + noise()
            t += 0.1 + 0.3 * random()
        }
    }
}'
