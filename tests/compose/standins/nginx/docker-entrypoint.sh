#!/bin/bash
# What the image does before nginx: fills in the templates, with those variables whose names match the filter.
set -euo pipefail
if [[ ${1-} == nginx ]]; then
    output=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
    names=$(compgen -e | grep -E "${NGINX_ENVSUBST_FILTER:-}" | sed 's/.*/${&}/')
    for template in /etc/nginx/templates/*.template; do
        name=${template##*/}
        envsubst "$names" <"$template" >"$output/${name%.template}"
    done
fi
exec "$@"
