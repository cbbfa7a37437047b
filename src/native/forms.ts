// SPDX-License-Identifier: Apache-2.0
import type { FormStep, FormReader, Forms } from '../common/wire/forms.js';
import { readForms } from './index.js';

/** Forms as the addon wants them. */
interface Encoded {
  readonly numbers: Float64Array;
  readonly constants: Uint8Array;
}

/** Codes of steps. */
const CODE = { number: 0, same: 1, words: 2, begin: 3, end: 4, text: 5, part: 6 } as const;
const NO_CELL = -1;

const known = new WeakMap<object, Encoded>();

/** Reads messages in frequent forms, in a tenth of the time that their tables take. */
export const readFormsNatively: FormReader = ({ bytes, from, end, most }, forms) => {
  const { numbers, constants } = encodedOf(forms);
  const list = Float64Array.of(from, end, Math.min(most, bytes.length));
  return readForms(bytes, list, numbers, constants);
};

function encodedOf(forms: Pick<Forms, 'forms' | 'payload'>): Encoded {
  let encoded = known.get(forms);
  if (!encoded) known.set(forms, (encoded = encode(forms)));
  return encoded;
}

function encode({
  forms,
  payload = [NO_CELL, NO_CELL],
}: Pick<Forms, 'forms' | 'payload'>): Encoded {
  const constants: number[] = [];
  const numbers = forms.flatMap(({ steps }) => [
    steps.length,
    ...steps.flatMap((step) => [CODE[step.kind], ...numbersOf(step, constants)]),
  ]);
  return {
    numbers: Float64Array.of(...payload, ...numbers),
    constants: Uint8Array.from(constants),
  };
}

/** Tag, least, most, and whether it is required; of constant bytes, place and length. */
function numbersOf(step: FormStep, constants: number[]): readonly [number, number, number, number] {
  switch (step.kind) {
    case 'number':
      return [step.tag, step.least, step.most, Number(step.isRequired)];
    case 'same': {
      const place = constants.length;
      constants.push(...step.bytes);
      return [0, place, step.bytes.length, 0];
    }
    case 'words':
      return [step.tag, 0, step.most, 0];
    case 'end':
      return [0, 0, 0, 0];
    default:
      return [step.tag, 0, 0, 0];
  }
}
