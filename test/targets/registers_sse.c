/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All sixteen SSE registers, kept across a spin in user mode.
 * @needs: none
 * @expect: restore
 * @varies: rest
 */
#include "simd.h"

#define REGISTERS 16
#define WIDTH 16

static unsigned char in[REGISTERS * WIDTH], out[REGISTERS * WIDTH];

__attribute__((target("sse2"))) static void body(void)
{
	fill(in, sizeof(in), 11);
	__asm__ volatile("movdqu 0(%[in]), %%xmm0\n"
			 "movdqu 16(%[in]), %%xmm1\n"
			 "movdqu 32(%[in]), %%xmm2\n"
			 "movdqu 48(%[in]), %%xmm3\n"
			 "movdqu 64(%[in]), %%xmm4\n"
			 "movdqu 80(%[in]), %%xmm5\n"
			 "movdqu 96(%[in]), %%xmm6\n"
			 "movdqu 112(%[in]), %%xmm7\n"
			 "movdqu 128(%[in]), %%xmm8\n"
			 "movdqu 144(%[in]), %%xmm9\n"
			 "movdqu 160(%[in]), %%xmm10\n"
			 "movdqu 176(%[in]), %%xmm11\n"
			 "movdqu 192(%[in]), %%xmm12\n"
			 "movdqu 208(%[in]), %%xmm13\n"
			 "movdqu 224(%[in]), %%xmm14\n"
			 "movdqu 240(%[in]), %%xmm15\n"
			 "1: cmpl $0, (%[flag])\n"
			 "je 1b\n"
			 "movdqu %%xmm0, 0(%[out])\n"
			 "movdqu %%xmm1, 16(%[out])\n"
			 "movdqu %%xmm2, 32(%[out])\n"
			 "movdqu %%xmm3, 48(%[out])\n"
			 "movdqu %%xmm4, 64(%[out])\n"
			 "movdqu %%xmm5, 80(%[out])\n"
			 "movdqu %%xmm6, 96(%[out])\n"
			 "movdqu %%xmm7, 112(%[out])\n"
			 "movdqu %%xmm8, 128(%[out])\n"
			 "movdqu %%xmm9, 144(%[out])\n"
			 "movdqu %%xmm10, 160(%[out])\n"
			 "movdqu %%xmm11, 176(%[out])\n"
			 "movdqu %%xmm12, 192(%[out])\n"
			 "movdqu %%xmm13, 208(%[out])\n"
			 "movdqu %%xmm14, 224(%[out])\n"
			 "movdqu %%xmm15, 240(%[out])\n"
			 :
			 : [in] "r"(in), [out] "r"(out), [flag] "r"(spin_flag)
			 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
	check_fill("vector registers", out, sizeof(out), 11);
}

int main(void)
{
	run_spinning(body);
}
