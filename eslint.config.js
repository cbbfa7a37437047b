// SPDX-License-Identifier: Apache-2.0
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Ids are branded where they enter, by the functions of src/common/ids.ts; images, where they are validated. */
const BRANDS = '/^((Host|Ns)(Pid|Tid)|VasId|Valid|ValidImage)$/';
const noCasts = [
  'error',
  {
    selector: `TSAsExpression > TSTypeReference[typeName.name=${BRANDS}]`,
    message: 'Only src/common/ids.ts brands ids, and src/criu/image/validate.ts what is valid.',
  },
];

/** Line 1 of every source file. */
const licence = {
  rules: {
    header: {
      create: (context) => ({
        Program(node) {
          if (context.sourceCode.lines[0] === '// SPDX-License-Identifier: Apache-2.0') return;
          context.report({ node, message: 'Line 1 is to name the licence.' });
        },
      }),
    },
  },
};

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', 'native/build/', 'test/targets/build/']),
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    plugins: { licence },
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      'licence/header': 'error',
      'no-restricted-syntax': noCasts,
      eqeqeq: 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 4],
      'max-depth': ['error', 3],
      // A switch over kinds counts as one path: it is a table.
      complexity: ['error', { max: 12, variant: 'modified' }],
    },
  },
  {
    files: ['src/common/ids.ts', 'src/criu/image/validate.ts', 'test/helpers/valid.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    // Tests hold long samples, and ask more of one object than a function of the engine may.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      'max-lines-per-function': 'off',
      complexity: ['error', { max: 16, variant: 'modified' }],
    },
  },
);
