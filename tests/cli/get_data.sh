#!/usr/bin/env bash
# conf/get_data.sh against a mirror of its own in a folder: gets, compares, goes on, falls back, and
# leaves alone what is there. The mirror's files are small, so the sums are those of other files.
. "$1/tests/support/cli.sh"
command -v curl >/dev/null || {
    echo "not covered: conf/get_data.sh (no curl)"
    exit 0
}

sum() { sha256sum | cut -c 1-64; }
mkdir -p mirror/cifar-10-batches-bin conf
edits=()
for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
    seq 20000 | sed "s/^/$name /" >"mirror/$name"
    edits+=(-e "s/^\(\(mnist_files='\)\?$name-ubyte\) [0-9a-f]*/\1 $(sum <"mirror/$name")/")
    gzip -nc "mirror/$name" >"mirror/$name-ubyte.gz"
done
for name in data_batch_{1,2,3,4,5}.bin test_batch.bin; do
    seq 1000 | sed "s/^/$name /" >"mirror/cifar-10-batches-bin/$name"
    edits+=(-e "s/^\(\(cifar10_files='\)\?$name\) [0-9a-f]*/\1 $(
        sum <"mirror/cifar-10-batches-bin/$name")/")
done
tar -C mirror -czf mirror/cifar-10-binary.tar.gz cifar-10-batches-bin
archive=$(sum <mirror/cifar-10-binary.tar.gz)
edits+=(-e "s/\(cifar-10-binary.tar.gz\) [0-9a-f]*/\1 $archive/")
# The first mirror of each has nothing, the second all, the third must not be needed.
edits+=(-e "s#^\(mnist\|cifar10\)='https://.*#\1='file://$work/nothing/#")
edits+=(-e "s#^https://\(ossci\|storage\).*#file://$work/mirror/#" -e "s#^https://.*#file:///needless/'#")
sed "${edits[@]}" "$source/conf/get_data.sh" >conf/get_data.sh
! grep -n 'https:' conf/get_data.sh || fail "a mirror is left"

run() { sh conf/get_data.sh "$@" >out 2>err </dev/null; }

# All of it, beside conf/.
run || fail "does not get both sets"
for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
    cmp -s "mirror/$name-ubyte.gz" "data/mnist/$name-ubyte.gz" || fail "$name is not there"
done
diff -r mirror/cifar-10-batches-bin data/cifar10 || fail "CIFAR-10 is not there, or more is"
! grep -q needless out || fail "went on after a mirror that has it"

# What is there is left alone, without a mirror, packed or not.
mv mirror away
gunzip data/mnist/t10k-labels-idx1-ubyte.gz
run || fail "gets what is there"
! grep -q file: out || fail "asks a mirror for what is there"
mv away mirror

# A transfer that broke off goes on: the mirror's start is another's, so that it cannot be from there.
gz=train-images-idx3-ubyte.gz
mv data/mnist/$gz whole.gz
head -c 1000 whole.gz >data/mnist/$gz.part
{ head -c 1000 /dev/zero && tail -c +1001 whole.gz; } >mirror/$gz
run mnist || fail "does not go on"
cmp -s whole.gz data/mnist/$gz || fail "went on wrongly"
cp whole.gz mirror/$gz

# One that cannot go on starts again; so does one whose file is of another content.
for bytes in 1000 1000000; do
    rm data/mnist/$gz
    head -c "$bytes" /dev/zero >data/mnist/$gz.part
    run mnist || fail "does not start again after $bytes bytes that are none of it"
    cmp -s whole.gz data/mnist/$gz || fail "started again wrongly"
done

# Damage is found and mended, and what is wrong is not kept.
printf x >>data/cifar10/test_batch.bin
run cifar10 || fail "does not mend"
cmp -s mirror/cifar-10-batches-bin/test_batch.bin data/cifar10/test_batch.bin || fail "did not mend"
rm data/mnist/$gz
gzip -nc conf/get_data.sh >mirror/$gz
! run mnist || fail "takes any file"
[ "$(grep -c 'get_data.sh: error: ' err)" -eq 1 ] || fail "there is not one error"
tail -n 1 err | grep -q "cannot get $gz from any of its mirrors" || fail "says something else"
grep -q "$gz: not the file expected" err || fail "does not say which mirror has another file"
left=$(find data/mnist -name "$gz*")
[ -z "$left" ] || fail "keeps a wrong file: $left"

# Other folders, other words.
run -d elsewhere cifar10 || fail "does not know another folder"
diff -r mirror/cifar-10-batches-bin elsewhere/cifar10 || fail "not elsewhere"
! run imagenet || fail "takes any word"
has err "'imagenet': there are mnist and cifar10"
! run -x || fail "takes any option"
echo ok
