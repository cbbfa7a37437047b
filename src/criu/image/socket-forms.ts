// SPDX-License-Identifier: Apache-2.0
import {
  NO_NUMBER,
  type Form,
  type FormParts,
  type Forms,
  type FormStep,
} from '../../common/wire/forms.js';
import { readFormsNatively } from '../../native/forms.js';
import { FormSteps, numberAt } from './form-tools.js';
import {
  SOCKETS_MESSAGES,
  type InetSkEntry,
  type SkOptsEntry,
  type TcpStreamEntry,
} from './messages/sockets.js';
import { NO_OWNER } from './shortcut-tools.js';

/** Words of an IPv6 address. */
const MOST_WORDS = 4;
/** One for all: nobody changes it. */
const NO_MEMBERSHIPS: InetSkEntry['mvas_memberships'] = [];
const NO_KEYS: InetSkEntry['mvas_keys'] = [];
const INET = new FormSteps(SOCKETS_MESSAGES.inet_sk_entry);
const ADDRESSES = 10;
const OPTIONS = ADDRESSES + 2 * (1 + MOST_WORDS);

/** An internet socket without an owner that is in no group. */
export const INET_STEPS: readonly FormStep[] = [
  ...INET.numbers('id', 'ino', 'family', 'type', 'proto', 'state', 'src_port', 'dst_port'),
  ...INET.numbers('flags', 'backlog'),
  INET.words('src_addr', MOST_WORDS),
  INET.words('dst_addr', MOST_WORDS),
  INET.noOwner('fown'),
  INET.part('opts'),
  ...INET.numbers('v6only'),
];

/** Makes what {@link INET_STEPS} have read. */
export function makeInet(cells: Float64Array, at: number, parts: FormParts): InetSkEntry {
  const options = at + OPTIONS;
  const entry: InetSkEntry = {
    id: numberAt(cells, at),
    ino: numberAt(cells, at + 1),
    family: numberAt(cells, at + 2),
    type: numberAt(cells, at + 3),
    proto: numberAt(cells, at + 4),
    state: numberAt(cells, at + 5),
    src_port: numberAt(cells, at + 6),
    dst_port: numberAt(cells, at + 7),
    flags: numberAt(cells, at + 8),
    backlog: numberAt(cells, at + 9),
    src_addr: wordsAt(cells, at + ADDRESSES),
    dst_addr: wordsAt(cells, at + ADDRESSES + 1 + MOST_WORDS),
    fown: NO_OWNER,
    opts: parts.part(
      'sk_opts_entry',
      numberAt(cells, options),
      numberAt(cells, options + 1),
    ) as SkOptsEntry,
    mvas_memberships: NO_MEMBERSHIPS,
    mvas_keys: NO_KEYS,
  };
  const v6only = numberAt(cells, options + 2);
  if (v6only !== NO_NUMBER) entry.v6only = v6only === 1;
  return entry;
}

function wordsAt(cells: Float64Array, at: number): number[] {
  const count = numberAt(cells, at);
  if (count === 1) return [numberAt(cells, at + 1)];
  return [...cells.subarray(at + 1, at + 1 + count)];
}

/** One end of a connection of which both are there. */
const STREAM: Form<TcpStreamEntry> = {
  steps: new FormSteps(SOCKETS_MESSAGES.tcp_stream_entry).numbers(
    ...(['inq_len', 'inq_seq', 'outq_len', 'outq_seq', 'opt_mask', 'snd_wscale'] as const),
    ...(['mss_clamp', 'rcv_wscale', 'mvas_peer', 'mvas_ino'] as const),
  ),
  make: (cells, at) => {
    const [scale, peer, inode] = [cells[at + 7] ?? 0, cells[at + 8] ?? 0, cells[at + 9] ?? 0];
    if (Math.min(scale, peer, inode) === NO_NUMBER) return undefined;
    return {
      inq_len: cells[at] ?? 0,
      inq_seq: cells[at + 1] ?? 0,
      outq_len: cells[at + 2] ?? 0,
      outq_seq: cells[at + 3] ?? 0,
      opt_mask: cells[at + 4] ?? 0,
      snd_wscale: cells[at + 5] ?? 0,
      mss_clamp: cells[at + 6] ?? 0,
      rcv_wscale: scale,
      mvas_peer: peer,
      mvas_ino: inode,
    };
  },
};

/** Connections, with the content of their queues. */
export const STREAM_FORMS: Forms<TcpStreamEntry> = {
  forms: [STREAM],
  payload: [0, 2],
  read: readFormsNatively,
};
