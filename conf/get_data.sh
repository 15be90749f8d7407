#!/bin/sh
# conf/get_data.sh [-d FOLDER] [mnist] [cifar10]: gets these data sets (without a name: both) into
# FOLDER/mnist and FOLDER/cifar10, where the INIs look for them; FOLDER is data/ beside conf/ unless
# given. Every file is compared with its SHA-256; what is there already is left as it is, and a
# transfer that broke off goes on where it stopped. Needs curl or wget, gzip and tar.
set -u

mnist='https://storage.googleapis.com/cvdf-datasets/mnist/
https://ossci-datasets.s3.amazonaws.com/mnist/
https://raw.githubusercontent.com/fgnt/mnist/master/'
# Of the files as unpacked; they stay packed.
mnist_files='train-images-idx3-ubyte ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
train-labels-idx1-ubyte 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
t10k-images-idx3-ubyte 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
t10k-labels-idx1-ubyte ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2'

cifar10='https://www.cs.toronto.edu/~kriz/
https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/
https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/'
cifar10_archive='cifar-10-binary.tar.gz c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd'
cifar10_files='data_batch_1.bin cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5
data_batch_2.bin a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed
data_batch_3.bin bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67
data_batch_4.bin 014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48
data_batch_5.bin 755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add
test_batch.bin 8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b'

fail() {
    echo "get_data.sh: error: $*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

sha256() { # of standard input
    if have sha256sum; then
        sha256sum
    elif have shasum; then
        shasum -a 256
    else
        openssl dgst -sha256 -r
    fi | cut -c 1-64
}

# matches FILE SHA [packed]: FILE is there and is (or, packed, holds) what SHA says.
matches() {
    [ -f "$1" ] || return 1
    if [ $# -eq 3 ]; then
        [ "$(gzip -dc <"$1" 2>/dev/null | sha256)" = "$2" ]
    else
        [ "$(sha256 <"$1")" = "$2" ]
    fi
}

# transfer URL FILE: goes on with FILE where it ends. 0: complete, 1: broke off, 2: the server will
# not go on, or has no such file.
transfer() {
    if have curl; then
        curl -fsSL --connect-timeout 20 --retry 2 -C - -o "$2" "$1"
        case $? in 0) return 0 ;; 22 | 33 | 36 | 37) return 2 ;; *) return 1 ;; esac
    fi
    wget -q -T 20 -t 3 -c -O "$2" "$1"
    case $? in 0) return 0 ;; 8) return 2 ;; *) return 1 ;; esac
}

# try URL FILE SHA [packed]: the file from one mirror, going on with FILE.part, or from its start if
# the mirror cannot go on with that or what then is there is wrong.
try() {
    for part in "$2.part" "$2.new"; do
        transfer "$1" "$part"
        answer=$?
        if [ $answer -eq 0 ] && matches "$part" "$3" ${4+"$4"}; then
            mv "$part" "$2" && rm -f "$2.part"
            return
        fi
        [ $answer -eq 1 ] && break
        [ $answer -eq 0 ] && rm -f "$part"
    done
    [ "$answer" -eq 0 ] && echo "get_data.sh: $1: not the file expected" >&2
    [ ! -e "$2.new" ] || mv "$2.new" "$2.part"
    return 1
}

# get FILE NAME SHA MIRRORS [packed]
get() {
    if matches "$1.part" "$3" ${5+"$5"}; then # only its name was missing
        mv "$1.part" "$1"
        return
    fi
    for mirror in $4; do
        echo "$mirror$2"
        try "$mirror$2" "$1" "$3" ${5+"$5"} && return
    done
    fail "cannot get $2 from any of its mirrors (see above): try again later, or put it into ${1%/*}"
}

get_mnist() {
    while read -r name sha; do
        matches "$1/$name" "$sha" || matches "$1/$name.gz" "$sha" packed ||
            get "$1/$name.gz" "$name.gz" "$sha" "$mnist" packed || exit 1
    done <<END
$mnist_files
END
    echo "$1: complete"
}

complete_cifar10() {
    while read -r name sha; do
        matches "$1/$name" "$sha" || return 1
    done <<END
$cifar10_files
END
}

get_cifar10() {
    if ! complete_cifar10 "$1"; then
        archive=$1/${cifar10_archive% *}
        matches "$archive" "${cifar10_archive#* }" ||
            get "$archive" "${cifar10_archive% *}" "${cifar10_archive#* }" "$cifar10"
        if ! { mkdir -p "$1/unpacked" && tar -xzf "$archive" -C "$1/unpacked" &&
            mv "$1"/unpacked/cifar-10-batches-bin/*.bin "$1"; }; then
            fail "cannot unpack $archive: is the disk full?"
        fi
        rm -rf "$1/unpacked"
        complete_cifar10 "$1" || fail "$1: what $archive holds is not what it should be"
        rm -f "$archive"
    fi
    echo "$1: complete"
}

folder=$(dirname "$0")/../data
while getopts d: option; do
    case $option in
        d) folder=$OPTARG ;;
        *) fail "usage: get_data.sh [-d FOLDER] [mnist] [cifar10]" ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- mnist cifar10
for set in "$@"; do
    case $set in mnist | cifar10) ;; *) fail "'$set': there are mnist and cifar10" ;; esac
done
have curl || have wget || fail "needs curl or wget: install one of them"
for set in "$@"; do
    mkdir -p "$folder/$set" || fail "cannot make $folder/$set"
    "get_$set" "$(cd "$folder/$set" && pwd)"
done
