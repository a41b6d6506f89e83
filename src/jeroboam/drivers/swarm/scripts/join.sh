# join.sh MANAGERS: until the swarm has this node. Repeatable.
until member; do
  # Asking is cheap, and there is nothing else to do before the first manager answers.
  until secret=$(token "$1"); [ -n "$secret" ]; do sleep 0.2; done
  join "$1" "$secret" || sleep 0.2
done
