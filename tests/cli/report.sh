#!/usr/bin/env bash
# Pages and charts of runs: what is on them, that it is the numbers of the run, that nothing of a name
# can leave its text, and what is answered where there is nothing to draw.
. "$1/tests/support/cli.sh"
toy
data="data.dataset=idx(path=$work/toy)"
hostile="<script>alert(1)<b>\"&'"
set -- "$ini/small.ini" "$data" run.epochs=2

expect 0 "results in" train "$@" run.out=one "run.name=$hostile"
expect 0 "results in" train "$@" run.out=two run.seed=2
expect 0 "results in" train "$@" run.out=other train.lr=0.02
expect 6 "max_steps reached" train "$@" model.ode.max_steps=1 run.out=failed

# ---- a page of one run ----
expect 0 "report in one/report.html" report one
has one/report.html "default-src 'none'"
has one/report.html "&lt;script&gt;alert(1)&lt;b&gt;&quot;&amp;&#39;"
! grep -qi "<script\|javascript:\|http-equiv=.refresh\|src=.http\|href=.http" one/report.html || fail "a page that does more than show"
accuracy=$(awk -F, '$4 == "test" { x = $6 } END { printf "%.1f", 100 * x }' one/metrics.csv)
has one/report.html "<b>$accuracy"
loss=$(awk -F, '$4 == "test" { x = $5 } END { printf "%.3g", x }' one/metrics.csv)
has one/report.html "<dd>$loss"
for part in Learning "The solver" "What it gets wrong" "How it was made"; do
    has one/report.html "<h2>$part</h2>"
done
[ "$(grep -o 'id="g[0-9]*t"' one/report.html | sort | uniq -d | wc -l)" -eq 0 ] || fail "an id stands twice"
[ "$(wc -c <one/report.html)" -lt 250000 ] || fail "a page of $(wc -c <one/report.html) bytes"
cp one/report.html first.html
expect 0 "report in one/report.html" report one
cmp one/report.html first.html || fail "two pages of one run differ"

# ---- several, one that failed, none ----
expect 0 "report in report.html" report one two other
has report.html "<h1>3 runs</h1>"
has report.html "train.lr"
has report.html "2 of 2"
expect 0 "report in failed/report.html" report failed
has failed/report.html "This run failed"
has failed/report.html "odeon replay failed/failure model.ode.max_steps=10"
has failed/report.html "The solve that failed"
expect 5 "toy: no run" report toy
expect 2 "usage: odeon report" report
expect 5 "no/such" report one --out no/such/page.html

# ---- charts ----
expect 0 "loss in loss.svg" plot loss one --out loss.svg
has loss.svg '<svg xmlns="http://www.w3.org/2000/svg"'
has loss.svg "prefers-color-scheme:dark"
expect 0 "loss in loss.csv" plot loss one --out loss.csv
cmp <(awk -F, '$3 == "line" && $4 == 1 && $6 != "x" { printf "%.6g\n", $7 }' loss.csv | head -3) \
    <(awk -F, '$4 == "train" { printf "%.6g\n", $5 }' one/metrics.csv | head -3) || fail "other numbers than in metrics.csv"
expect 0 "loss in loss.json" plot loss one --out loss.json
expect 0 "loss in loss.py" plot loss one --out loss.py
has loss.py 'loss.csv'
[ "$(wc -l <loss.py)" -le 30 ] || fail "a program of $(wc -l <loss.py) lines"
if has_python ast json xml.dom.minidom; then
    python3 - <<'END' || fail "what others read cannot be read"
import ast, json, xml.dom.minidom
xml.dom.minidom.parse("loss.svg")
assert json.load(open("loss.json"))["hconcat"][0]["layer"]
ast.parse(open("loss.py").read())
END
fi
expect 2 "did you mean 'loss'?; charts: loss," plot los one --out x.svg
expect 2 "--out FILE must be given" plot loss one
expect 2 "must end in .svg" plot loss one --out loss.gif
expect 3 "failed_solve: nothing to draw: the run did not fail in a solve" plot failed_solve one --out x.svg
expect 3 "seeds: nothing to draw: there is one run alone" plot seeds one --out x.svg
expect 3 "learning_rate: nothing to draw: the learning rate is 0.0100 throughout" plot learning_rate one --out x.svg
[ ! -e x.svg ] || fail "a file where there is nothing to draw"
expect 0 "seeds in seeds.svg" plot seeds one two other --out seeds.svg
expect 0 "confusion in confusion.csv" plot confusion one --out confusion.csv
right=$(awk -F, '$1 == $2 { n += $3 } END { print n }' confusion.csv)
[ "$(awk -v n="$right" 'BEGIN { printf "%.1f", 100 * n / 64 }')" = "$accuracy" ] || fail "the matrix has $right right"

expect 0 "samples in samples.svg" plot samples one --out samples.svg
[ "$(grep -o "<image" samples.svg | wc -l)" -eq 12 ] || fail "not twelve pictures of samples"
has loss.py '"#C84000"'

expect 2 "--out" plot loss one --out one/metrics.csv
cp one/metrics.csv kept.csv
expect 2 "metrics.csv" plot loss one --out one/metrics.py
cmp kept.csv one/metrics.csv || fail "a chart's numbers have taken the place of the run's"
expect 2 "this chart has no such format" plot confusion one --out confusion.py

# PNG and PDF where librsvg is there; else a line that says so. The library of fonts that librsvg uses
# keeps what it has read until the process ends, which the leak sanitizer would count.
printf 'leak:libfontconfig\nleak:libpango\nleak:librsvg\n' >leaks
export LSAN_OPTIONS=${LSAN_OPTIONS:+$LSAN_OPTIONS:}suppressions=$PWD/leaks:print_suppressions=0
code=0
"$odeon" plot loss one --out loss.png >out 2>err || code=$?
if [ $code -eq 0 ]; then
    [ "$(head -c 4 loss.png | tail -c 3)" = PNG ] || fail "no PNG"
    expect 0 "loss in loss.pdf" plot loss one --out loss.pdf
    [ "$(head -c 4 loss.pdf)" = %PDF ] || fail "no PDF"
else
    has err "PNG and PDF need librsvg"
fi

# ---- a view of somebody else ----
expect 0 "dots in dots.svg" plot dots one --out dots.svg --plugin-path "$build/test-plugins"
has dots.svg "18 dots"
expect 0 "report in one/report.html" report one --plugin-path "$build/test-plugins"
has one/report.html "<h2>From elsewhere</h2>"
has one/report.html "As many dots as rows &amp; no more"
expect 0 "results in" train "$@" run.out=failing run.name=failing
expect 0 "report in" report failing --plugin-path "$build/test-plugins"
has failing/report.html "<li>dots: dots: &lt;b&gt;dots&lt;/b&gt; cannot draw this</li>"
expect 2 "view dots (" plot dots one --out dots.csv --plugin-path "$build/test-plugins"

# ---- what a run lacks ----
rm two/metrics.csv two/manifest.json
expect 0 "report in" report two
printf 'step,epoch,seconds,split,loss\n1,1,0.5,train,2.5\n2,1,0.6,train' >two/metrics.csv
expect 0 "report in" report two
printf 'step\n1,2\n' >two/metrics.csv
expect 3 "two/metrics.csv:2: more than 1 cells" report two
echo ok
