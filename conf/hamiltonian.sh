#!/bin/sh
# Writes the observations of hamiltonian.ini to standard output: six swings of a pendulum without
# friction, q' = p, p' = -2 sin(q), by twenty Runge-Kutta steps between two rows.
awk 'function kick(q) { return -2 * sin(q) }
BEGIN {
    h = 0.1 / 20; print "swing,t,q,p"
    for (s = 0; s < 6; s++) {
        q = 0.4 * (s + 1); p = 0
        for (i = 0; i < 61; i++) {
            printf "%d,%.1f,%.12g,%.12g\n", s, i * 0.1, q, p
            for (j = 0; j < 20; j++) {
                a1 = p; b1 = kick(q)
                a2 = p + h / 2 * b1; b2 = kick(q + h / 2 * a1)
                a3 = p + h / 2 * b2; b3 = kick(q + h / 2 * a2)
                a4 = p + h * b3; b4 = kick(q + h * a3)
                q += h / 6 * (a1 + 2 * a2 + 2 * a3 + a4); p += h / 6 * (b1 + 2 * b2 + 2 * b3 + b4)
            }
        }
    }
}'
