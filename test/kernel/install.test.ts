// SPDX-License-Identifier: Apache-2.0
import { declareInstallTests } from './declare.js';

await declareInstallTests('6.12');
