#!/bin/sh
# Writes the series of turns.csv to standard output with their class as a word in every row: turns_words.csv.
cd "$(dirname "$0")" || exit 1
awk -F, 'NR == FNR { if ($3 != "") kind[$1] = $3; next }
FNR == 1 { print "series,t,turn,x,y"; next }
{ print $1 "," $2 "," (kind[$1] > 0 ? "left" : "right") "," $4 "," $5 }' turns.csv turns.csv
