# balance.sh ID <CONFIGURATION: the balancer forwards to other nodes from now on. Nothing happens when it does already.
set -eu
kept=/var/lib/jeroboam-static
exec 9>>$kept/lock
flock -w 50 9 # what a killed service began here may still go on
grep -qF "\"id\":\"$1\"" $kept/lease || exit 18
cat >$kept/balancer.cfg
if ! cmp -s $kept/balancer.cfg /etc/jeroboam/balancer.cfg; then
  mv -f $kept/balancer.cfg /etc/jeroboam/balancer.cfg
  systemctl reload-or-restart jeroboam-static-balancer.service
fi
