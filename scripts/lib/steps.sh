# Long steps with their time, and the Python environment that Synapse and the homeserver suite run in.
# Sourced by `scripts/dev` and `scripts/test`; expects $repository.

working_folder="$repository/.homeserver"
environment="$working_folder/venv"

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
    bold='' dim='' red='' green='' plain=''
fi

fail() {
    printf '%s%s%s\n' "$red" "$*" "$plain" >&2
    exit 1
}

need() { # program, what to do about it
    command -v "$1" >/dev/null || fail "$1 is not there: $2"
}

# Runs a command with its output in a log, and shows that it is alive: on a terminal by one line that changes, elsewhere
# by a line every 20 seconds. Where the command fails, the end of the log is shown.
quiet_step() { # title, log file, command...
    local title=$1 log=$2 started=$SECONDS shown=$SECONDS last
    shift 2
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 </dev/null &
    local child=$!
    # A background process of a script does not hear Ctrl-C by itself.
    trap 'kill "$child" 2>/dev/null; wait "$child" 2>/dev/null; exit 130' INT TERM
    [[ -t 1 ]] || printf '%s ...\n' "$title"
    while kill -0 "$child" 2>/dev/null; do
        if [[ -t 1 ]]; then
            last=$(tail -c 300 "$log" | tr '\r' '\n' | tail -n 1 | cut -c 1-50)
            printf '\r\e[K%s ... %ds %s%s%s' "$title" $((SECONDS - started)) "$dim" "$last" "$plain"
        elif ((SECONDS - shown >= 20)); then
            printf '%s ... still at it after %d s\n' "$title" $((SECONDS - started))
            shown=$SECONDS
        fi
        sleep 0.2
    done
    local code=0
    wait "$child" || code=$?
    trap - INT TERM
    [[ -t 1 ]] && printf '\r\e[K'
    if ((code != 0)); then
        tail -n 40 "$log" >&2
        fail "$title: failed after $((SECONDS - started)) s; all of its output is in ${log#"$repository"/}"
    fi
    printf '%s%s%s: done in %d s\n' "$green" "$title" "$plain" $((SECONDS - started))
}

# Makes the Python environment where it is missing or made from other requirements.
install_homeserver_tools() {
    local suite="$repository/tests/homeserver" stamp
    need python3 'install Python 3.10 or newer'
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail 'Python 3.10 or newer is needed'
    stamp=$(cat "$suite/requirements.txt" "$suite/constraints.txt" <(python3 --version) | cksum)
    [[ -f $environment/stamp && $(<"$environment/stamp") == "$stamp" ]] && return
    quiet_step 'Installing Synapse and test tools (once)' "$working_folder/install.log" make_environment "$suite"
    printf '%s\n' "$stamp" >"$environment/stamp"
}

# A real agent and a scripted model for it, pinned like everything else.
install_agent_tools() {
    local opencode=1.18.33 aimock=1.43.0 folder="$working_folder/npm"
    need npm 'install Node.js 20 or newer'
    [[ -f $folder/stamp && $(<"$folder/stamp") == "$opencode $aimock" ]] && return
    mkdir -p "$folder"
    quiet_step 'Installing opencode and its scripted model (once)' "$working_folder/npm-install.log" \
        npm install --no-fund --no-audit --prefix "$folder" "opencode-ai@$opencode" "@copilotkit/aimock@$aimock"
    printf '%s\n' "$opencode $aimock" >"$folder/stamp"
}

make_environment() { # folder of the requirements
    rm -rf "$environment"
    python3 -m venv "$environment" || {
        echo 'The venv module of Python is needed; on Debian and Ubuntu: apt-get install python3-venv'
        return 1
    }
    "$environment/bin/pip" install --disable-pip-version-check --no-input \
        -r "$1/requirements.txt" -c "$1/constraints.txt"
}

# The bot as `scripts/drill` needs it. Built in the same folder as every other build and then put aside; what lies in
# the usual place is the usual build again.
drill_binary() {
    printf '%s\n' "${CARGO_TARGET_DIR:-$repository/target}/drill/surfaces-bot"
}

# The bench is built along because tests and benches need more features of some dependencies: with the same features as
# in `cargo test`, no dependency is compiled a second time.
build_for_drill() {
    local binary
    binary=$(drill_binary)
    cargo build --locked --features boundaries --bin surfaces-bot --bench reconcile
    mkdir -p "$(dirname "$binary")"
    cp "${CARGO_TARGET_DIR:-$repository/target}/debug/surfaces-bot" "$binary.new"
    mv "$binary.new" "$binary"
    cargo build --locked --bin surfaces-bot --bench reconcile
}
