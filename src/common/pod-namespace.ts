// SPDX-License-Identifier: Apache-2.0

/** Annotation of a pod's container: the namespace of Kubernetes that the pod belongs to. containerd's CRI writes it. */
const NAMESPACE = 'io.kubernetes.cri.sandbox-namespace';

/** The namespace of Kubernetes that a container belongs to; empty if it is not of a pod. */
export function podNamespaceOf({
  annotations,
}: {
  readonly annotations?: Readonly<Record<string, string>>;
}): string {
  return annotations?.[NAMESPACE] ?? '';
}
