// SPDX-License-Identifier: Apache-2.0

/** The parts of an OCI runtime spec (config.json) that name a container. */
export interface NamingSpec {
  readonly hostname?: string;
  readonly domainname?: string;
  readonly linux?: { readonly namespaces?: readonly { type: string; path?: string }[] };
}

/** Names that a spec sets; one that it does not set is the host's. */
export interface HostNames {
  readonly hostname?: string;
  readonly domainname?: string;
}

/** The names a spec gives its container; undefined when the container shares those of others. */
export function hostNamesOf({ hostname, domainname, linux }: NamingSpec): HostNames | undefined {
  const uts = linux?.namespaces?.find(({ type }) => type === 'uts');
  if (!uts || (uts.path ?? '') !== '') return undefined;
  return { ...(hostname && { hostname }), ...(domainname && { domainname }) };
}
