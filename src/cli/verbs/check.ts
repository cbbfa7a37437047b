// SPDX-License-Identifier: Apache-2.0
import { judge, type Finding } from '../host/checks.js';
import { surveyPrograms } from '../host/programs.js';
import { formatJson, printable } from '../text.js';
import { defineVerb, EXIT, EXIT_CODES, JSON_OPTION } from '../verb.js';

/** Says what this host and its kernel can do, before anything is tried. */
export const check = defineVerb({
  name: 'check',
  summary: 'say what this host and its kernel can and cannot do',
  description: `Says what this host and its kernel can and cannot do, what follows where something is missing, and the
    remedy where there is one. It looks as the user who runs it, and changes nothing.

    "limited" stands before what is refused or slower here; "missing" before what nothing can be checkpointed or
    restored without.`,
  options: { json: JSON_OPTION },
  examples: [
    ['mvas check', 'before the first checkpoint'],
    [
      'mvas check --json | jq \'.findings[] | select(.status != "ok")\'',
      'what is not as it could be',
    ],
  ],
  exitCodes: [
    ['0', 'containers can be checkpointed and restored here'],
    ...EXIT_CODES.slice(1),
    [String(EXIT.missing), 'something is missing that is necessary'],
  ],
  run({ values: { json } }, context) {
    const survey = { ...context.survey(), programs: surveyPrograms(context.searchPath) };
    const findings = judge(survey);
    const canRestore = findings.every(({ status }) => status !== 'missing');
    context.writeOut(json ? formatJson({ canRestore, findings, survey }) : report(findings));
    if (!json) context.writeOut(`\n${verdict(findings)}\n`);
    return canRestore ? EXIT.ok : EXIT.missing;
  },
});

function report(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const indent = ' '.repeat(11);
  return findings
    .map(({ name, status, found, follows, remedy }) => {
      const lines = [`${status.padEnd(9)}${name.padEnd(width + 2)}${printable(found)}`];
      if (follows !== undefined) lines.push(`${indent}${printable(follows)}`);
      if (remedy !== undefined) lines.push(`${indent}remedy: ${printable(remedy)}`);
      return `${lines.join('\n')}\n`;
    })
    .join('');
}

function verdict(findings: readonly Finding[]): string {
  const count = (wanted: Finding['status']): number =>
    findings.filter(({ status }) => status === wanted).length;
  if (count('missing') > 0) return 'Containers cannot be checkpointed and restored here.';
  return count('limited') === 0
    ? 'Containers can be checkpointed and restored here.'
    : 'Containers can be checkpointed and restored here, within the limits above.';
}
