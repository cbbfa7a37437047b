/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All thirty-two AVX-512 registers and the eight mask registers, kept across a spin.
 * @needs: cpu:avx512f cpu:avx512bw
 * @expect: restore
 * @varies: rest
 */
#include "simd.h"

#define REGISTERS 32
#define WIDTH 64

static unsigned char in[REGISTERS * WIDTH], out[REGISTERS * WIDTH];
static unsigned char masks[64], masks_out[64];

__attribute__((target("avx512f,avx512bw"))) static void body(void)
{
	fill(in, sizeof(in), 11);
	fill(masks, sizeof(masks), 77);
	__asm__ volatile("vmovdqu64 0(%[in]), %%zmm0\n"
			 "vmovdqu64 64(%[in]), %%zmm1\n"
			 "vmovdqu64 128(%[in]), %%zmm2\n"
			 "vmovdqu64 192(%[in]), %%zmm3\n"
			 "vmovdqu64 256(%[in]), %%zmm4\n"
			 "vmovdqu64 320(%[in]), %%zmm5\n"
			 "vmovdqu64 384(%[in]), %%zmm6\n"
			 "vmovdqu64 448(%[in]), %%zmm7\n"
			 "vmovdqu64 512(%[in]), %%zmm8\n"
			 "vmovdqu64 576(%[in]), %%zmm9\n"
			 "vmovdqu64 640(%[in]), %%zmm10\n"
			 "vmovdqu64 704(%[in]), %%zmm11\n"
			 "vmovdqu64 768(%[in]), %%zmm12\n"
			 "vmovdqu64 832(%[in]), %%zmm13\n"
			 "vmovdqu64 896(%[in]), %%zmm14\n"
			 "vmovdqu64 960(%[in]), %%zmm15\n"
			 "vmovdqu64 1024(%[in]), %%zmm16\n"
			 "vmovdqu64 1088(%[in]), %%zmm17\n"
			 "vmovdqu64 1152(%[in]), %%zmm18\n"
			 "vmovdqu64 1216(%[in]), %%zmm19\n"
			 "vmovdqu64 1280(%[in]), %%zmm20\n"
			 "vmovdqu64 1344(%[in]), %%zmm21\n"
			 "vmovdqu64 1408(%[in]), %%zmm22\n"
			 "vmovdqu64 1472(%[in]), %%zmm23\n"
			 "vmovdqu64 1536(%[in]), %%zmm24\n"
			 "vmovdqu64 1600(%[in]), %%zmm25\n"
			 "vmovdqu64 1664(%[in]), %%zmm26\n"
			 "vmovdqu64 1728(%[in]), %%zmm27\n"
			 "vmovdqu64 1792(%[in]), %%zmm28\n"
			 "vmovdqu64 1856(%[in]), %%zmm29\n"
			 "vmovdqu64 1920(%[in]), %%zmm30\n"
			 "vmovdqu64 1984(%[in]), %%zmm31\n"
			 "kmovq 0(%[masks]), %%k0\n"
			 "kmovq 8(%[masks]), %%k1\n"
			 "kmovq 16(%[masks]), %%k2\n"
			 "kmovq 24(%[masks]), %%k3\n"
			 "kmovq 32(%[masks]), %%k4\n"
			 "kmovq 40(%[masks]), %%k5\n"
			 "kmovq 48(%[masks]), %%k6\n"
			 "kmovq 56(%[masks]), %%k7\n"
			 "1: cmpl $0, (%[flag])\n"
			 "je 1b\n"
			 "vmovdqu64 %%zmm0, 0(%[out])\n"
			 "vmovdqu64 %%zmm1, 64(%[out])\n"
			 "vmovdqu64 %%zmm2, 128(%[out])\n"
			 "vmovdqu64 %%zmm3, 192(%[out])\n"
			 "vmovdqu64 %%zmm4, 256(%[out])\n"
			 "vmovdqu64 %%zmm5, 320(%[out])\n"
			 "vmovdqu64 %%zmm6, 384(%[out])\n"
			 "vmovdqu64 %%zmm7, 448(%[out])\n"
			 "vmovdqu64 %%zmm8, 512(%[out])\n"
			 "vmovdqu64 %%zmm9, 576(%[out])\n"
			 "vmovdqu64 %%zmm10, 640(%[out])\n"
			 "vmovdqu64 %%zmm11, 704(%[out])\n"
			 "vmovdqu64 %%zmm12, 768(%[out])\n"
			 "vmovdqu64 %%zmm13, 832(%[out])\n"
			 "vmovdqu64 %%zmm14, 896(%[out])\n"
			 "vmovdqu64 %%zmm15, 960(%[out])\n"
			 "vmovdqu64 %%zmm16, 1024(%[out])\n"
			 "vmovdqu64 %%zmm17, 1088(%[out])\n"
			 "vmovdqu64 %%zmm18, 1152(%[out])\n"
			 "vmovdqu64 %%zmm19, 1216(%[out])\n"
			 "vmovdqu64 %%zmm20, 1280(%[out])\n"
			 "vmovdqu64 %%zmm21, 1344(%[out])\n"
			 "vmovdqu64 %%zmm22, 1408(%[out])\n"
			 "vmovdqu64 %%zmm23, 1472(%[out])\n"
			 "vmovdqu64 %%zmm24, 1536(%[out])\n"
			 "vmovdqu64 %%zmm25, 1600(%[out])\n"
			 "vmovdqu64 %%zmm26, 1664(%[out])\n"
			 "vmovdqu64 %%zmm27, 1728(%[out])\n"
			 "vmovdqu64 %%zmm28, 1792(%[out])\n"
			 "vmovdqu64 %%zmm29, 1856(%[out])\n"
			 "vmovdqu64 %%zmm30, 1920(%[out])\n"
			 "vmovdqu64 %%zmm31, 1984(%[out])\n"
			 "kmovq %%k0, 0(%[masks_out])\n"
			 "kmovq %%k1, 8(%[masks_out])\n"
			 "kmovq %%k2, 16(%[masks_out])\n"
			 "kmovq %%k3, 24(%[masks_out])\n"
			 "kmovq %%k4, 32(%[masks_out])\n"
			 "kmovq %%k5, 40(%[masks_out])\n"
			 "kmovq %%k6, 48(%[masks_out])\n"
			 "kmovq %%k7, 56(%[masks_out])\n"
			 :
			 : [in] "r"(in), [out] "r"(out), [flag] "r"(spin_flag), [masks] "r"(masks), [masks_out] "r"(masks_out)
			 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", 
			   "k1", "k2", "k3", "k4", "k5", "k6", "k7", "memory", "cc");
	check_fill("vector registers", out, sizeof(out), 11);
	check_fill("mask registers", masks_out, sizeof(masks_out), 77);
}

int main(void)
{
	run_spinning(body);
}
