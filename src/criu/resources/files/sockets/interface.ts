// SPDX-License-Identifier: Apache-2.0
import { syscall } from '../../../../native/index.js';
import { check, SYS } from '../../../../native/sys.js';
import { PlanPointer } from '../../../plan/values.js';
import type { Stage } from '../stage.js';

/* Network interfaces by their names: a new network namespace gives them other indexes. */

const SIOCGIFNAME = 0x8910;
const SIOCGIFINDEX = 0x8933;
/** `struct ifreq`. */
const IFREQ = { size: 40, name: 16, index: 16 } as const;

/** Whether an interface could have this name. */
export function isInterfaceName(name: string): boolean {
  return name.length > 0 && name.length < IFREQ.name;
}

/** The name of an interface of the network namespace of a socket. Throws ShimError if there is none of this index. */
export function interfaceName(socket: number, index: number): string {
  const request = Buffer.alloc(IFREQ.size);
  request.writeInt32LE(index, IFREQ.index);
  check('ask for the name of an interface', syscall(SYS.ioctl, socket, SIOCGIFNAME, request));
  return request.toString('latin1', 0, IFREQ.name).replace(/\0.*$/s, '');
}

/** Finds an interface in the network namespace of a staged socket; the address of an int that will hold its index. */
export function planInterfaceIndex(
  stage: Stage,
  what: string,
  number: number,
  name: string,
): PlanPointer {
  const request = Buffer.alloc(IFREQ.size);
  request.write(name, 0, IFREQ.name - 1, 'latin1');
  const data = stage.builder.data(request);
  stage.run(what, SYS.ioctl, [number, SIOCGIFINDEX, data]);
  return new PlanPointer(data, IFREQ.index);
}
