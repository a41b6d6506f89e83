#!/usr/bin/env bash
# MariaDB, RabbitMQ, memcached: small settings.
set -euo pipefail
# shellcheck source=lib.sh
. /opt/testbed/lib.sh
mkdir -p /run/mysqld && chown mysql /run/mysqld
[ -d /var/lib/mysql/mysql ] || mariadb-install-db --user=mysql --skip-test-db >>"$LOGS/mariadb.log" 2>&1
daemon mariadb mariadbd --no-defaults --user=mysql --datadir=/var/lib/mysql --socket=/run/mysqld/mysqld.sock \
  --bind-address=127.0.0.1 --innodb-buffer-pool-size=96M --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 \
  --innodb-log-file-size=48M --max-connections=400 --performance-schema=0 --skip-name-resolve --skip-log-bin \
  --character-set-server=utf8mb3 --key-buffer-size=1M --aria-pagecache-buffer-size=1M
daemon memcached memcached -u nobody -l 127.0.0.1 -m 16 -c 512
mkdir -p /var/log/rabbitmq /var/lib/rabbitmq && chown rabbitmq /var/log/rabbitmq /var/lib/rabbitmq
export RABBITMQ_NODENAME=rabbit@localhost RABBITMQ_NODE_IP_ADDRESS=127.0.0.1
# one scheduler that sleeps when it has nothing to do
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none'
HOME=/var/lib/rabbitmq daemon rabbitmq setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups /usr/lib/rabbitmq/bin/rabbitmq-server
wait_for 60 "MariaDB" mariadb -uroot -e 'select 1'
