# shellcheck shell=bash
# Sourced by demo and bench/run: starts the simulator and the gateway in a folder of their own, and ends exactly them.
#   start_programs BIN CONFIG [WORD...]   with these words for the simulator; then: $gateway_pid $simulator_pid $api $admin $simulator $control (URLs), $DEMO_DIR (ca.pem, logs)
# GATEWAY_PORT, ADMIN_PORT, SIMULATOR_PORT and CONTROL_PORT choose the ports; 0 means one that is free.

: "${GATEWAY_PORT:=8080}" "${ADMIN_PORT:=9090}" "${SIMULATOR_PORT:=9443}" "${CONTROL_PORT:=9191}"
gateway_pid='' simulator_pid='' DEMO_DIR=''

fail() { printf '%s\n' "$@" >&2; exit 1; }

# Does anything listen on this port, on whatever address?
port_busy() {
  local tables=(/proc/net/tcp)
  [ ! -r /proc/net/tcp6 ] || tables+=(/proc/net/tcp6)
  awk -v port=":$(printf '%04X' "$1")$" '$2 ~ port && $4 == "0A" { found = 1 } END { exit !found }' "${tables[@]}"
}

# A port that nobody listens on, below those that the kernel gives out for outgoing connections.
free_port() {
  local port tries
  for ((tries = 0; tries < 100; ++tries)); do
    port=$((20000 + RANDOM % 12000))
    [[ $claimed != *" $port "* ]] && ! port_busy $port && echo $port && return
  done
  fail "no free port was found between 20000 and 32000"
}

claimed=' '
# claim_port VARIABLE "what for": an own choice is checked, 0 becomes a free port.
claim_port() {
  local -n chosen=$1
  [[ $chosen =~ ^[0-9]+$ && $chosen -le 65535 ]] || fail "$1=$chosen is no port"
  if [ "$chosen" -eq 0 ]; then
    chosen=$(free_port)
  elif port_busy "$chosen"; then
    fail "Port $chosen, for $2, is in use by another program. Choose another: make demo $1=PORT (0: any that is free)"
  fi
  claimed+="$chosen "
}

alive() { kill -0 "$1" 2>/dev/null; }

# give_up NAME LOG REASON: shows what the program said.
give_up() {
  printf '\n%s\n' "$3" "---- what $1 said:" >&2
  tail -n 50 "$2" >&2
  exit 1
}

# TERM, and KILL for what does not obey within 10 s.
stop_pid() {
  local pid=$1 tries
  [ -n "$pid" ] && alive "$pid" || return 0
  kill -TERM "$pid" 2>/dev/null || true
  for ((tries = 0; tries < 100; ++tries)); do
    alive "$pid" || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

stop_programs() {
  trap '' INT TERM   # an impatient second Ctrl-C leaves nothing behind
  stop_pid "$gateway_pid"
  stop_pid "$simulator_pid"
  [ -z "$DEMO_DIR" ] || rm -rf "$DEMO_DIR"
}

# wait_for SECONDS PID NAME LOG WHAT COMMAND...: polls until the command succeeds, the program ends or time is up.
wait_for() {
  local until=$((SECONDS + $1)) pid=$2 name=$3 log=$4 what=$5
  shift 5
  until "$@"; do
    alive "$pid" || give_up "$name" "$log" "$name ended before $what."
    [ $SECONDS -lt $until ] || give_up "$name" "$log" "$name is running, but did not get so far in time: $what."
    sleep 0.05
  done
}

# --noproxy: a proxy of the environment has no business on the way to this machine.
local_curl() { curl --silent --show-error --noproxy '*' --max-time 20 "$@"; }
gateway_is_ready() { [ "$(local_curl --output /dev/null --write-out '%{http_code}' "$admin/readyz" 2>/dev/null)" = 200 ]; }

start_programs() {
  local bin=$1 config=$2
  shift 2
  for program in podero-simulator onboarding-gateway; do
    [ -x "$bin/$program" ] || fail "$bin/$program is not there: 'make build' makes it"
  done
  claim_port SIMULATOR_PORT "the simulator"
  claim_port CONTROL_PORT "the simulator's control endpoint"
  claim_port GATEWAY_PORT "the gateway's callers"
  claim_port ADMIN_PORT "the gateway's operators"
  # shellcheck disable=SC2034 # for those who source this
  api=http://127.0.0.1:$GATEWAY_PORT admin=http://127.0.0.1:$ADMIN_PORT
  # shellcheck disable=SC2034
  simulator=https://localhost:$SIMULATOR_PORT control=http://127.0.0.1:$CONTROL_PORT

  DEMO_DIR=$(mktemp -d -t onboarding-gateway.XXXXXX)
  export DEMO_DIR
  # Not a secret: whoever sees it can log in to this simulator, until it ends.
  echo 'example-secret-not-real' >"$DEMO_DIR/client-secret"
  # The ports as chosen. Ports in the file that is shipped stay as they are documented.
  sed -e "s/\b8080\b/$GATEWAY_PORT/g" -e "s/\b9090\b/$ADMIN_PORT/g" -e "s/\b9443\b/$SIMULATOR_PORT/g" \
    "$config" >"$DEMO_DIR/config.yaml"

  # setsid: Ctrl-C reaches this script alone, which then ends them in order, once.
  setsid "$bin/podero-simulator" --port "$SIMULATOR_PORT" --control-port "$CONTROL_PORT" --public-url "$simulator" \
    --ca-out "$DEMO_DIR/ca.pem" --client-id demo-client --client-secret-file "$DEMO_DIR/client-secret" \
    --ports-file "$DEMO_DIR/ports" "$@" >"$DEMO_DIR/simulator.log" 2>&1 &
  simulator_pid=$!
  wait_for 20 "$simulator_pid" podero-simulator "$DEMO_DIR/simulator.log" "it listened" test -s "$DEMO_DIR/ports"

  setsid "$bin/onboarding-gateway" --config "$DEMO_DIR/config.yaml" >"$DEMO_DIR/gateway.log" 2>&1 &
  gateway_pid=$!
  wait_for 20 "$gateway_pid" onboarding-gateway "$DEMO_DIR/gateway.log" "$admin/readyz answered 200" gateway_is_ready
}
