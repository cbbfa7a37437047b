// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import {
  connect as connectHttp2,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect, type Socket } from 'node:net';

/** How an HTTP/2 connection begins (RFC 9113, section 3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** Types of HTTP/2 frames (RFC 9113, section 6). */
export const FRAME = { data: 0, headers: 1, settings: 4, goAway: 7 } as const;
const END_STREAM = 1;
const END_HEADERS = 4;
const TASK = 'containerd.task.v2.Task';

/** The answer to a gRPC call. */
export interface GrpcAnswer {
  /** HTTP status; undefined if the stream was reset before. */
  readonly http: number | undefined;
  /** gRPC status, 0 for success; undefined if none was sent. */
  readonly code: number | undefined;
  readonly message: string;
  readonly payload: Buffer;
}

/** How a call may differ from a valid one. */
export interface CallOptions {
  readonly service?: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** A message with gRPC's prefix; `length` is announced, even if it is wrong. */
export function message(
  payload: Uint8Array,
  { compressed = 0, length = payload.length } = {},
): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = compressed;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, payload]);
}

/** An HTTP/2 frame with any header; `length` is announced, even if it is wrong. */
export function h2Frame(
  type: number,
  payload: Uint8Array,
  { stream = 0, flags = 0, length = payload.length } = {},
): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** The HTTP/2 frames whose headers have arrived. */
export function framesOf(bytes: Buffer): { readonly type: number; readonly isLast: boolean }[] {
  const frames: { type: number; isLast: boolean }[] = [];
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    const [type = 0, flags = 0] = bytes.subarray(at + 3);
    frames.push({ type, isLast: type <= FRAME.headers && (flags & END_STREAM) !== 0 });
  }
  return frames;
}

/** What a client sends before its first call. */
export const OPENING = Buffer.concat([PREFACE, h2Frame(FRAME.settings, Buffer.alloc(0))]);

/** All that a client sends for one call. */
export function callFrames(stream: number, method: string, payload: Uint8Array): Buffer {
  const fields = Object.entries(headersOf(method, {})).map(([name, value]) =>
    // A literal field that is not indexed (RFC 7541, section 6.2.2); both are shorter than 127 bytes.
    Buffer.concat([Buffer.of(0), text(name), text(String(value))]),
  );
  return Buffer.concat([
    h2Frame(FRAME.headers, Buffer.concat(fields), { stream, flags: END_HEADERS }),
    h2Frame(FRAME.data, message(payload), { stream, flags: END_STREAM }),
  ]);
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
}

function headersOf(method: string, { service = TASK, headers }: CallOptions): OutgoingHttpHeaders {
  return {
    ':method': 'POST',
    ':scheme': 'http',
    ':authority': 'localhost',
    ':path': `/${service}/${method}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  };
}

/** A gRPC connection made of plain HTTP/2: any headers, any body. Has its own code for gRPC. */
export class RawGrpc {
  readonly session: ClientHttp2Session;
  readonly socket: Socket;

  private constructor(socket: Socket, session: ClientHttp2Session) {
    this.socket = socket;
    this.session = session;
    session.on('error', () => undefined); // a daemon may cut a connection; its streams report it
  }

  /** Connects; the caller closes. */
  static async open(path: string): Promise<RawGrpc> {
    const socket = connect(path);
    await once(socket, 'connect');
    const options = { createConnection: () => socket, settings: { maxHeaderListSize: 1 << 20 } };
    const session = connectHttp2('http://localhost', options);
    await once(session, 'remoteSettings');
    return new RawGrpc(socket, session);
  }

  /** Sends only headers; the caller writes and ends the body. */
  begin(method: string, options: CallOptions = {}): ClientHttp2Stream {
    return this.session.request(headersOf(method, options));
  }

  /** Makes a call whose body is `body`, which need not be a message. */
  async send(method: string, body: Uint8Array, options?: CallOptions): Promise<GrpcAnswer> {
    const stream = this.begin(method, options);
    const answer = answerOf(stream);
    stream.end(body);
    return await answer;
  }

  /** Makes a call. */
  async call(method: string, payload: Uint8Array, options?: CallOptions): Promise<GrpcAnswer> {
    return await this.send(method, message(payload), options);
  }

  close(): void {
    this.session.destroy();
    this.socket.destroy();
  }
}

/** Waits until a stream is closed, and tells what came on it. */
export async function answerOf(stream: ClientHttp2Stream): Promise<GrpcAnswer> {
  const seen: Record<string, unknown> = {};
  const chunks: Buffer[] = [];
  const take = (headers: object): void => {
    Object.assign(seen, headers);
  };
  stream.on('response', take).on('trailers', take);
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    stream.once('close', resolve);
  });
  const number = (value: unknown): number | undefined =>
    value === undefined ? undefined : Number(value);
  return {
    http: number(seen[constants.HTTP2_HEADER_STATUS]),
    code: number(seen['grpc-status']),
    message: decodeURIComponent((seen['grpc-message'] as string | undefined) ?? ''),
    payload: Buffer.concat(chunks).subarray(5),
  };
}
