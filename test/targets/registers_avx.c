/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All sixteen AVX registers in full width, kept across a spin in user mode.
 * @needs: cpu:avx2
 * @expect: restore
 * @varies: rest
 */
#include "simd.h"

#define REGISTERS 16
#define WIDTH 32

static unsigned char in[REGISTERS * WIDTH], out[REGISTERS * WIDTH];

__attribute__((target("avx2"))) static void body(void)
{
	fill(in, sizeof(in), 11);
	__asm__ volatile("vmovdqu 0(%[in]), %%ymm0\n"
			 "vmovdqu 32(%[in]), %%ymm1\n"
			 "vmovdqu 64(%[in]), %%ymm2\n"
			 "vmovdqu 96(%[in]), %%ymm3\n"
			 "vmovdqu 128(%[in]), %%ymm4\n"
			 "vmovdqu 160(%[in]), %%ymm5\n"
			 "vmovdqu 192(%[in]), %%ymm6\n"
			 "vmovdqu 224(%[in]), %%ymm7\n"
			 "vmovdqu 256(%[in]), %%ymm8\n"
			 "vmovdqu 288(%[in]), %%ymm9\n"
			 "vmovdqu 320(%[in]), %%ymm10\n"
			 "vmovdqu 352(%[in]), %%ymm11\n"
			 "vmovdqu 384(%[in]), %%ymm12\n"
			 "vmovdqu 416(%[in]), %%ymm13\n"
			 "vmovdqu 448(%[in]), %%ymm14\n"
			 "vmovdqu 480(%[in]), %%ymm15\n"
			 "1: cmpl $0, (%[flag])\n"
			 "je 1b\n"
			 "vmovdqu %%ymm0, 0(%[out])\n"
			 "vmovdqu %%ymm1, 32(%[out])\n"
			 "vmovdqu %%ymm2, 64(%[out])\n"
			 "vmovdqu %%ymm3, 96(%[out])\n"
			 "vmovdqu %%ymm4, 128(%[out])\n"
			 "vmovdqu %%ymm5, 160(%[out])\n"
			 "vmovdqu %%ymm6, 192(%[out])\n"
			 "vmovdqu %%ymm7, 224(%[out])\n"
			 "vmovdqu %%ymm8, 256(%[out])\n"
			 "vmovdqu %%ymm9, 288(%[out])\n"
			 "vmovdqu %%ymm10, 320(%[out])\n"
			 "vmovdqu %%ymm11, 352(%[out])\n"
			 "vmovdqu %%ymm12, 384(%[out])\n"
			 "vmovdqu %%ymm13, 416(%[out])\n"
			 "vmovdqu %%ymm14, 448(%[out])\n"
			 "vmovdqu %%ymm15, 480(%[out])\n"
			 :
			 : [in] "r"(in), [out] "r"(out), [flag] "r"(spin_flag)
			 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
	check_fill("vector registers", out, sizeof(out), 11);
}

int main(void)
{
	run_spinning(body);
}
