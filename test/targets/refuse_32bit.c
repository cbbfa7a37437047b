/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child that is a 32-bit program, which waits for a signal.
 * @needs: none
 * @expect: refuse pid \d+ \(.+\): a 32-bit program is not supported
 */
#include "target.h"
#include <elf.h>

#define BASE 0x08048000

static const struct {
	Elf32_Ehdr header;
	Elf32_Phdr segment;
	unsigned char code[9];
} program = {
	.header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_entry = BASE + sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
		.e_phoff = sizeof(Elf32_Ehdr),
		.e_ehsize = sizeof(Elf32_Ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 1,
	},
	.segment = {
		.p_type = PT_LOAD,
		.p_vaddr = BASE,
		.p_filesz = sizeof(program),
		.p_memsz = sizeof(program),
		.p_flags = PF_R | PF_X,
		.p_align = 4096,
	},
	/* mov $29 (pause), %eax; int $0x80; jmp back */
	.code = { 0xb8, 29, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7 },
};

static void child(void *arg)
{
	int fd = MUST(memfd_create("small", MFD_CLOEXEC));
	(void)arg;
	MUST(write(fd, &program, sizeof(program)));
	arrived();
	execveat(fd, "", (char *[]){ "small", NULL }, (char *[]){ NULL }, AT_EMPTY_PATH);
	_exit(errno == ENOEXEC ? 77 : 1);
}

int main(void)
{
	char path[64];
	int status;
	pid_t pid = spawn(child, NULL);

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	do {
		usleep(1000);
		pid_t gone = MUST(waitpid(pid, &status, WNOHANG));
		if (gone == pid && WEXITSTATUS(status) == 77) SKIP("this kernel runs no 32-bit programs");
		CHECK_EQ("the child lives", 0, gone);
	} while (!strstr(slurp(path), "08048000-"));

	ready_and_wait();

	CHECK_EQ("the child lives on", 0, MUST(waitpid(pid, &status, WNOHANG)));
	MUST(kill(pid, SIGKILL));
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ("how it ended", SIGKILL, WTERMSIG(status));
	pass();
}
