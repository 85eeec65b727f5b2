#!/bin/sh
# Tells nginx where the backend is, then becomes nginx. BACKEND is host:port; the host must be a
# whole name, because nginx asks the nameserver without the search domains of /etc/resolv.conf.
set -eu
nameserver=$(sed -n 's/^nameserver[[:space:]]*//p' /etc/resolv.conf | head -n 1)
case $nameserver in *:*) nameserver="[$nameserver]" ;; esac
cat > /tmp/backend.conf <<CONF
resolver $nameserver valid=5s;
set \$backend "${BACKEND:-localhost:8081}";
CONF
exec nginx -e stderr -c /etc/nginx/nginx.conf -g 'daemon off;'
