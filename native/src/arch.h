// SPDX-License-Identifier: Apache-2.0
// Chooses the processor that the tracer is built for.
#ifndef MVAS_ARCH_H_
#define MVAS_ARCH_H_

#if defined(__x86_64__)
#include "arch/x86_64.h"
#else
#error "no native/src/arch for this processor"
#endif

#endif
