#!/bin/sh
# Writes the observations of doses.ini to standard output: twelve subjects, four doses each, twelve
# hours apart, from the closed form of
#   gut' = -ka gut   blood' = ka/V gut - ke blood
# with ka = 1.1 and ke = 0.12 an hour and V = 30 litres, with a relative error of 3 % (the sum of twelve
# numbers of a linear congruential generator). A dose (mg) is in the row before it; gut is known where
# it begins alone. Observations are at times of each subject's own.
awk 'function random() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
BEGIN {
    ka = 1.1; ke = 0.12; V = 30; seed = 17; n = split("0 0.4 1 2 3.5 6 9 11.5 12.5 13.5 15 19 23.4 24.6 26 29 33 35.2 36.7 38 41 46", base, " ")
    print "subject,t,gut,blood,dose"
    for (s = 1; s <= 12; s++) {
        gut = 100 + 20 * (s % 5); blood = 0; t = 0; next_time = 12
        dose = 80 + 10 * int(8 * random()); first = gut
        for (i = 1; i <= n; i++) {
            at = base[i] + (i > 1 ? 0.3 * (random() - 0.5) : 0)
            while (at > next_time) { advance(next_time); gut += dose; next_time += 12
                dose = 80 + 10 * int(8 * random()) }
            advance(at)
            e = -6; for (j = 0; j < 12; j++) e += random()
            printf "%d,%.3f,%s,%.4f,%d\n", s, at, i == 1 ? first : "", blood * (1 + 0.03 * e), dose
        }
    }
}
function advance(to,  x, d) {
    d = to - t; x = exp(-ke * d)
    blood = blood * x + ka / V * gut / (ka - ke) * (x - exp(-ka * d)); gut *= exp(-ka * d); t = to
}'
