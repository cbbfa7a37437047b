/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The x87 stack and its control word, and the SSE control word, while a task spins.
 * @needs: none
 * @expect: restore
 * @varies: rest
 */
#include "simd.h"

static void body(void)
{
	unsigned short control = 0x0c7f, control_after = 0; /* single precision, round to zero */
	unsigned int sse = 0x7f80, sse_after = 0;
	double numbers[8] = {1.5, -2.25, 3.125, 1e10, -7e-5, 6, 42, 0.5}, after[8];
	__asm__ volatile("finit\n"
			 "ldmxcsr %[sse]\n"
			 "fldl (%[in])\n fldl 8(%[in])\n fldl 16(%[in])\n fldl 24(%[in])\n"
			 "fldl 32(%[in])\n fldl 40(%[in])\n fldl 48(%[in])\n fldl 56(%[in])\n"
			 "fldcw %[control]\n"
			 "1: cmpl $0, (%[flag])\n"
			 "je 1b\n"
			 "fstcw %[control_after]\n"
			 "stmxcsr %[sse_after]\n"
			 "fstpl 56(%[out])\n fstpl 48(%[out])\n fstpl 40(%[out])\n fstpl 32(%[out])\n"
			 "fstpl 24(%[out])\n fstpl 16(%[out])\n fstpl 8(%[out])\n fstpl (%[out])\n"
			 "finit\n"
			 : [control_after] "=m"(control_after), [sse_after] "=m"(sse_after)
			 : [in] "r"(numbers), [out] "r"(after), [flag] "r"(spin_flag),
			   [control] "m"(control), [sse] "m"(sse)
			 : "memory", "cc");
	CHECK_EQ("x87 control word", control, control_after);
	CHECK_EQ("mxcsr", sse, sse_after);
	for (int i = 0; i < 8; i++)
		if (numbers[i] != after[i]) FAIL("st%d: expected %g, got %g", 7 - i, numbers[i], after[i]);
}

int main(void)
{
	run_spinning(body);
}
