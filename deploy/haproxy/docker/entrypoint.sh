#!/bin/sh
# First process of the container: HAProxy as a service, so that it can be reloaded, and the Data Plane API where it is installed.
# The container ends when it is told to, or when HAProxy does.
set -eu

: "${SERVICE:=/etc/init.d/haproxy}"
: "${DATAPLANE_CONFIG:=/etc/haproxy/dataplaneapi.yml}"
LOOK_SECONDS=2
# A restart takes HAProxy away for a moment.
LOOKS_FAILED_MAX=5

"$SERVICE" start
trap '"$SERVICE" stop; exit 0' TERM INT
if command -v dataplaneapi >/dev/null && [ -f "$DATAPLANE_CONFIG" ]; then
  dataplaneapi -f "$DATAPLANE_CONFIG" &
fi

failed=0
while [ "$failed" -lt "$LOOKS_FAILED_MAX" ]; do
  # In the background and waited for: a shell looks at signals only between commands.
  sleep "$LOOK_SECONDS" &
  wait $! || true
  if "$SERVICE" status >/dev/null; then failed=0; else failed=$((failed + 1)); fi
done
echo "haproxy has ended" >&2
exit 1
