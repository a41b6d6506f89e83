# join.sh: until the cluster has this node. Repeatable.
began=$SECONDS
until is_member; do
  # Nobody lets us in before there is a cluster; when nobody does for long, the first member is gone and others are not.
  if begin_turn || [ $((SECONDS - began)) -gt 60 ]; then join || sleep 1; else end_turn; sleep 0.2; fi
done
