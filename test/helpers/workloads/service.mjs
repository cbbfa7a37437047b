// SPDX-License-Identifier: Apache-2.0
// Runs inside a container: an HTTP server whose answer tells what only its memory knows.
import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';

if (isMainThread) serve();
else work();

function serve() {
  const birth = randomUUID();
  const progress = { requests: 0, ticks: 0, worker0: 0, worker1: 0 };
  // 32 MiB that were computed once: a page that got lost changes the digest.
  const ballast = Buffer.alloc(32 * 1024 * 1024);
  for (let at = 0; at < ballast.length; at += 8) ballast.writeDoubleLE(Math.sin(at), at);
  setInterval(() => {
    progress.ticks += 1;
  }, 10);
  const workers = [0, 1].map((index) => {
    const worker = new Worker(new URL(import.meta.url));
    worker.on('message', (count) => {
      progress[`worker${index}`] = count;
    });
    return worker;
  });
  const server = createServer((request, response) => {
    progress.requests += 1;
    const digest = createHash('sha256').update(ballast).digest('hex');
    response.end(JSON.stringify({ birth, progress, fixed: { digest, workers: workers.length } }));
  });
  server.listen(8080, '127.0.0.1');
}

function work() {
  let count = 0;
  setInterval(() => {
    count += 1;
    parentPort.postMessage(count);
  }, 15);
}
