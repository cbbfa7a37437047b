// SPDX-License-Identifier: Apache-2.0
import { httpGet } from '../netns-connection.js';
import type { Observation } from './workload.js';

/** Port of the services that answer GET / with an {@link Observation} in JSON. */
export const SERVICE_PORT = 8080;

/** Asks such a service. */
export async function observeService(pid: number): Promise<Observation> {
  return JSON.parse(await httpGet(pid, SERVICE_PORT)) as Observation;
}
