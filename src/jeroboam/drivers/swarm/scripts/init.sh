# init.sh MANAGERS TRIES POOL BITS: make the swarm, unless other managers have it already (this machine was made anew). Repeatable.
member && exit 0
for _ in $(seq "$2"); do
  if secret=$(token "$1"); then # a manager has shown its certificate: there is a swarm, though it may be choosing a leader just now
    until [ -n "$secret" ] && join "$1" "$secret"; do
      sleep 0.5
      secret=$(token "$1")
    done
    exit 0
  fi
  sleep 0.1
done
own=$(address "$1")
own=${own:-$1}
docker swarm init --advertise-addr "$own" --listen-addr "$own" --default-addr-pool "$3" --default-addr-pool-mask-length "$4" >/dev/null
[ "$(state)" = active ]
