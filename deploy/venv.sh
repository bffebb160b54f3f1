# Shared by ./run and ./test (sourced, POSIX sh): finds Python, makes .venv, installs a lock.

say() { printf '%s\n' "$*"; }
stop() { printf '\n%s\n' "$*" >&2; exit 1; }

# Sets $python to the first Python that is new enough.
find_python() {
    python= found=
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
        found="$found $candidate ($version)"
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python=$candidate
            return 0
        fi
    done
    [ -z "$found" ] || stop "Consult needs Python 3.11 or newer; found only:$found.
Install a newer one, or name it: PYTHON=/path/to/python3.12 $0"
    return 1
}

# Makes .venv unless a working one is there. Returns 1 when Python lacks venv.
make_venv() {
    .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && return 0
    find_python || return 1
    # Debian keeps ensurepip in a package of its own; without it venv leaves half an environment behind.
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || return 1
    say "Creating .venv with $python ($version) ..."
    rm -rf .venv
    "$python" -m venv .venv
}

# What to say when Python or its venv module is missing.
missing_python() {
    if [ -n "${python:-}" ]; then
        stop "Python's venv module is missing. On Debian and Ubuntu:
    apt-get install python3-venv        (or python$version-venv)
then start again."
    fi
    stop "Consult needs Python 3.11 or newer with its venv module. On Debian and Ubuntu:
    apt-get install python3 python3-venv
then start again."
}

# install_lock LOCK [CONTAINED...]: installs LOCK unless the copy of it in .venv says that just this is installed.
# CONTAINED are locks whose packages LOCK holds too.
install_lock() {
    cmp -s "$1" ".venv/$1" && return 0
    say "Installing the locked packages of $1 ..."
    log=.venv/install.log
    if command -v uv >/dev/null 2>&1 &&
        uv pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes -r "$1" >"$log" 2>&1; then
        :
    elif ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r "$1" >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        stop "The packages of $1 could not be installed (network?). All that pip said: $log"
    fi
    for installed in "$@"; do
        cp "$installed" ".venv/$installed"
    done
}
