#!/usr/bin/env bash
# Installs what the end-to-end tests drive: a browser, a QR reader, a code
# calculator, four proxies, Prometheus, the accessibility checker, clients of Okta and of OpenID Connect, and what the scripts
# of docs/ need, and what makes disks and system calls fail.
# On Debian as root it installs; elsewhere it names what is missing and fails.
set -euo pipefail
cd "$(dirname "$0")"

# tool:package, as Debian names them
wanted=(chromium:chromium zbarimg:zbar-tools oathtool:oathtool nginx:nginx caddy:caddy haproxy:haproxy apache2:apache2 npm:npm node:nodejs curl:curl jq:jq
  strace:strace prlimit:util-linux mkfs.ext4:e2fsprogs mkfs.xfs:xfsprogs promtool:prometheus groff:groff-base systemd-analyze:systemd)

missing=()
for pair in "${wanted[@]}"; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done

[[ -e /usr/lib/apache2/modules/mod_auth_openidc.so ]] || missing+=(libapache2-mod-auth-openidc)

if ((${#missing[@]})); then
  if [[ $(id -u) == 0 && -e /etc/debian_version ]]; then
    export DEBIAN_FRONTEND=noninteractive
    # Without this file the packages of the proxies and of Prometheus would start services.
    if [[ ! -e /usr/sbin/policy-rc.d ]]; then
      trap 'rm -f /usr/sbin/policy-rc.d' EXIT
      printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
      chmod +x /usr/sbin/policy-rc.d
    fi
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
  else
    echo "the tests need these Debian packages, or what they are called here: ${missing[*]}" >&2
    echo "install them, or run this as root on Debian" >&2
    exit 1
  fi
fi

# The folder is complete when it is as new as the list of what belongs in it.
if [[ ! -e node_modules/.package-lock.json || package-lock.json -nt node_modules/.package-lock.json ]]; then
  npm ci --ignore-scripts --no-audit --no-fund
  touch node_modules/.package-lock.json
fi
