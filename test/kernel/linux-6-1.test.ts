// SPDX-License-Identifier: Apache-2.0
import { declareKernelTests } from './declare.js';

await declareKernelTests('6.1');
