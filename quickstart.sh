#!/usr/bin/env bash
# From a bare Debian 12 to a trained neural ODE: installs what is missing, builds, trains on the
# 60,000 images of Fashion-MNIST, evaluates on its 10,000. Arguments go to `odeon train`, e.g.
#   ./quickstart.sh run.epochs=3 model.ode.gradient=direct
# Ends with the path of a page about the run, unless run.out says where that is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. tests/install_missing.sh

install_missing "${build_packages[@]}"
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DODEON_TESTS=OFF >/dev/null
ninja -C build
build/odeon train conf/fashion_mnist_conv_node.ini "$@"
case " $* " in
*" run.out="*) ;;
*)
    newest=$(ls -td runs/*/*/ | head -n 1)
    build/odeon report "${newest%/}"
    ;;
esac
