// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { logger } from '../../common/log.js';
import type { MethodTable } from './methods.js';
import { TtrpcServer } from './server.js';

const log = logger('rpc');

/** The beginning of an HTTP/2 connection (RFC 9113, section 3.4). As a ttrpc frame it would be oversize. */
const PREFACE = Buffer.from('PRI ');

/** Serves a connection until the peer closes it. Takes the socket. */
export type Accept = (socket: Socket) => void;

/** Serves both protocols on one socket: the first bytes decide. The first gRPC client loads gRPC. */
export function acceptor(methods: MethodTable): Accept {
  const ttrpc = new TtrpcServer(methods);
  let grpc: Promise<{ accept: Accept }> | undefined;
  return (socket) => {
    socket.on('error', (error) => {
      log.debug('connection failed', { error: error.message });
    });
    tell(socket, (isGrpc) => {
      if (!isGrpc) {
        ttrpc.accept(socket);
        socket.resume();
        return;
      }
      grpc ??= import('./grpc-server.js').then(({ GrpcServer }) => new GrpcServer(methods));
      void grpc.then((server) => {
        server.accept(socket);
      });
    });
  };
}

/** Looks at the first bytes of a connection; loses none of them, and reads no more. */
function tell(socket: Socket, told: (isGrpc: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const look = (chunk: Buffer): void => {
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    const matches = seen.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (matches && length < PREFACE.length) return;
    socket.off('data', look);
    socket.pause();
    socket.unshift(seen);
    told(matches);
  };
  socket.on('data', look);
}
