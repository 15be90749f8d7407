# Sourced: install_missing PACKAGE ... installs those Debian packages that are not there, with apt,
# as root or through sudo. A package may stand for a command that serves as well: PACKAGE:COMMAND.

package_is_there() {
    local package=${1%%:*} command=${1#*:}
    if [ "$command" != "$1" ] && command -v "$command" >/dev/null; then
        return 0
    fi
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed
}

install_missing() {
    local wanted missing=() as_root=()
    for wanted in "$@"; do
        package_is_there "$wanted" || missing+=("${wanted%%:*}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "These packages are missing; install them as root: ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    echo "Installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# What building and running need on Debian 12.
build_packages=(gcc:cc libc6-dev cmake:cmake ninja-build:ninja pkg-config:pkg-config libinih-dev
    librandom123-dev zlib1g-dev libopenblas0-pthread dataset-fashion-mnist)
