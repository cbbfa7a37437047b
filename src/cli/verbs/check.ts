// SPDX-License-Identifier: Apache-2.0
import { judge, type Finding } from '../host/checks.js';
import { surveyPrograms } from '../host/programs.js';
import { formatJson, printable } from '../text.js';
import { defineVerb, EXIT, EXIT_CODES, JSON_OPTION } from '../verb.js';

/** Reports what this host and its kernel can do. */
export const check = defineVerb({
  name: 'check',
  summary: 'show what this host and its kernel support',
  description: `Shows what this host and its kernel support, and for each thing that is missing the consequence and,
    if there is one, the remedy. It checks for the user who runs it, and changes nothing.

    "limited" means that some containers are refused, or that something is slower; "missing", that no container
    can be checkpointed and restored.`,
  options: { json: JSON_OPTION },
  examples: [
    ['mvas check', 'before the first checkpoint'],
    [
      'mvas check --json | jq \'.findings[] | select(.status != "ok")\'',
      'everything that is limited or missing',
    ],
  ],
  exitCodes: [
    ['0', 'containers can be checkpointed and restored here'],
    ...EXIT_CODES.slice(1),
    [String(EXIT.missing), 'something necessary is missing'],
  ],
  async run({ values: { json } }, context) {
    const survey = { ...(await context.survey()), programs: surveyPrograms(context.searchPath) };
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
