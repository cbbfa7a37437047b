#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# nginx with php-fpm as Debian installs them: the part of the default site that is meant for PHP is put in.
set -eu

site=/etc/nginx/sites-available/default
sed -i '/^\t#location ~ .\.php/,/^\t#}/ { /127\.0\.0\.1/d; s/^\t#//; s/php7\.4/php8.2/ }' "$site"
cp /app/count.php /var/www/html/
mkdir -p /run/php
php-fpm8.2
nginx
python3 /app/php-load.py
if grep -E '\[(alert|crit|emerg|error)\]' /var/log/nginx/error.log; then exit 1; fi
if grep -E 'ERROR|ALERT|exited' /var/log/php8.2-fpm.log; then exit 1; fi
