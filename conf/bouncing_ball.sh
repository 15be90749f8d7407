#!/bin/sh
# Writes the observations of bouncing_ball.ini to standard output: eight balls, from the closed form
# of their flights, with 17 digits.
awk 'BEGIN {
    g = 9.81; e = 0.8; print "ball,t,h,v"
    for (ball = 0; ball < 8; ball++) {
        drop = 0.8 + 0.2 * ball
        for (i = 0; i < 25; i++) {
            t = i * 0.1; from = 0; h = drop; v = 0
            next_bounce = sqrt(2 * drop / g); up = sqrt(2 * g * drop)
            while (t > next_bounce) {
                up *= e; from = next_bounce; next_bounce += 2 * up / g; h = 0; v = up
            }
            s = t - from
            printf "%d,%.17g,%.17g,%.17g\n", ball, t, h + v * s - g * s * s / 2, v - g * s
        }
    }
}'
