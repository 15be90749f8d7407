#!/usr/bin/env bash
# Gathers what run.sh may need on a machine where nothing can be installed: deps.sh FOLDER downloads
# Debian's packages into FOLDER, which goes to that machine and is named to run.sh as DEPS. 9 MB; it
# wants apt, and the processor of that machine.
set -euo pipefail
mkdir -p "$1"
cd "$1"
apt-get download libinih-dev libinih1 libcmocka-dev libcmocka0 librandom123-dev zlib1g-dev zlib1g \
    libopenblas0-pthread libgfortran5 libquadmath0
