// SPDX-License-Identifier: Apache-2.0
import type { Message } from '../../../helpers/containerd-api.js';
import type { Group, Scenario } from '../scenario.js';
import { create, pids, remove, running, gone, start, state, wait } from '../steps.js';

/** Its creation fails, and the test asks for what is left of it. */
const refused = (title: string, scenario: Omit<Scenario, 'title' | 'steps'>): Scenario => ({
  title,
  ...scenario,
  steps: [create, state(), pids, start(), wait(), remove],
});

const bind = (source: string, options: readonly string[] = ['rbind']): Message[] => [
  { type: 'bind', source, options },
];

export const badInput: Group = {
  name: 'bad input',
  scenarios: [
    refused('a spec that is no JSON', { spec: '{"ociVersion": ' }),
    refused('an empty spec', { spec: '{}' }),
    refused('a spec of the wrong types', { spec: { process: { args: 'true' } } }),
    refused('a spec without arguments', { spec: { process: { args: [] } } }),
    refused('a namespace nobody knows', { spec: { linux: { namespaces: [{ type: 'moon' }] } } }),
    refused('a namespace that is not there', {
      spec: { linux: { namespaces: [{ type: 'network', path: '/no/such/namespace' }] } },
    }),
    refused('a command that is not there', { process: { args: ['/no/such/command'] } }),
    refused('a command that may not be executed', { process: { args: ['/etc/passwd'] } }),
    refused('a root filesystem without a mount', { rootfs: [] }),
    refused('a root filesystem whose source is not there', { rootfs: bind('/no/such/source') }),
    refused('a root filesystem of a type nobody knows', {
      rootfs: [{ type: 'nonsense', source: 'nothing', options: [] }],
    }),
    refused('a mount whose source is not there', {
      spec: {
        mounts: [{ destination: '/x', type: 'bind', source: '/no/such', options: ['bind'] }],
      },
    }),
    refused('a hook that fails', {
      spec: { hooks: { createRuntime: [{ path: '/bin/false' }] } },
    }),
    {
      title: 'an id of all characters that containerd allows',
      idPart: 'A.b_c-9',
      steps: [...running, state(), ...gone],
    },
  ],
};
