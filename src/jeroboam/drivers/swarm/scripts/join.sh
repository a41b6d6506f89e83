# join.sh MANAGERS: until the swarm has this node. Repeatable.
until [ "$(state)" = active ]; do
  secret=$(token "$1")
  if [ -z "$secret" ] || ! join "$1" "$secret"; then sleep 0.2; fi
done
