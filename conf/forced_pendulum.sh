#!/bin/sh
# Writes the observations of forced_pendulum.ini to standard output: two series of
#   angle' = speed   speed' = -k sin(angle) - c speed + b torque
# with k = 2, c = 0.3 and b = 1.5. The torque is the straight line between its samples, a sum of three
# waves and noise of a linear congruential generator; a hundred Runge-Kutta steps lie between two rows.
awk 'BEGIN {
    k = 2; c = 0.3; b = 1.5; pi = atan2(0, -1); seed = 2026; n = 240; dt = 0.1
    print "series,t,angle,speed,torque"
    for (s = 0; s < 2; s++) {
        for (i = 0; i < n; i++) {
            seed = (seed * 16807) % 2147483647
            w = i * dt + 7 * s
            u[i] = 0.7 * sin(1.1 * w) + 0.5 * sin(2.3 * w + 1) + 0.3 * cos(0.4 * w * w / 10)
            u[i] += 0.4 * (seed / 2147483647 - 0.5)
        }
        a = 0.8 - 0.9 * s; v = 0.2 * s
        for (i = 0; i < n; i++) {
            printf "%d,%.1f,%.12g,%.12g,%.12g\n", s, i * dt, a, v, u[i]
            h = dt / 100
            for (j = 0; i + 1 < n && j < 100; j++) {
                u0 = u[i] + (u[i + 1] - u[i]) * j / 100
                u1 = u[i] + (u[i + 1] - u[i]) * (j + 0.5) / 100
                u2 = u[i] + (u[i + 1] - u[i]) * (j + 1) / 100
                p1 = v; q1 = -k * sin(a) - c * v + b * u0
                p2 = v + h / 2 * q1; q2 = -k * sin(a + h / 2 * p1) - c * p2 + b * u1
                p3 = v + h / 2 * q2; q3 = -k * sin(a + h / 2 * p2) - c * p3 + b * u1
                p4 = v + h * q3; q4 = -k * sin(a + h * p3) - c * p4 + b * u2
                a += h / 6 * (p1 + 2 * p2 + 2 * p3 + p4); v += h / 6 * (q1 + 2 * q2 + 2 * q3 + q4)
            }
        }
    }
}'
