<?php
// SPDX-License-Identifier: Apache-2.0
// Counts the request, and answers by something that depends on its number only.
$file = fopen('/tmp/count', 'c+');
flock($file, LOCK_EX);
$count = (int) stream_get_contents($file);
rewind($file);
fwrite($file, (string) ($count + 1));
fclose($file);
usleep(random_int(0, 10000));
echo str_repeat(hash('sha256', $_GET['n']), 1000);
