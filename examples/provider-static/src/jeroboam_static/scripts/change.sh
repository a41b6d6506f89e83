# change.sh ID NAME <LEASE: the holder of the lease ID writes a new one: at once (lease), or for when the machine is wiped (after).
set -eu
umask 077
kept=/var/lib/jeroboam-static
exec 9>>$kept/lock
flock -w 50 9 # what a killed service began here may still go on
grep -qF "\"id\":\"$1\"" $kept/lease || exit 18
cat >$kept/.change
sync $kept/.change
mv -T $kept/.change $kept/$2
