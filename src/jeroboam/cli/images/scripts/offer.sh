# offer.sh PORT SECONDS NAME...: images of this manager's engine for nodes of this cluster, which show their own certificates.
set -eu
PATH=/usr/local/bin:/usr/bin:/usr/sbin HOME=/
export PATH HOME
tls=/etc/jeroboam/join port=$1 seconds=$2
shift 2
docker save --output /offer.tar "$@"
echo offered
exec timeout "$seconds" socat -U "OPENSSL-LISTEN:$port,fork,reuseaddr,cafile=$tls/ca.pem,cert=$tls/cert.pem,key=$tls/key.pem,verify=1" OPEN:/offer.tar,rdonly
