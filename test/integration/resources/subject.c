/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process whose attributes the tests dump (`subject rich`), and the one that is to become like it
 * (`subject plain`): two threads each, at the same addresses when randomization is off. Prints READY and its pid.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <linux/capability.h>
#include <linux/membarrier.h>

#define MUST(call)                                  \
	do {                                        \
		if ((long)(call) == -1) {           \
			perror(#call);              \
			exit(1);                    \
		}                                   \
	} while (0)

static pthread_barrier_t barrier;
static int rich, refused;
static char selector; /* SYSCALL_DISPATCH_FILTER_ALLOW */
static char stacks[2][65536];
static volatile pid_t worker_tid;

static void handler(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
}

static void filter(unsigned int nr)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 38),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, code};
	MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

/* What a checkpoint refuses: a supervisor of system calls, a pending SIGTRAP. */
static void become_impossible(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_uname, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, code};
	MUST(kill(getpid(), SIGTRAP));
	MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

static void use_altstack(int which, int flags)
{
	stack_t stack = {.ss_sp = stacks[which], .ss_size = sizeof(stacks[which]), .ss_flags = flags};
	MUST(sigaltstack(&stack, NULL));
}

static void queue(pid_t tid, int signal, int value)
{
	siginfo_t info = {0};
	info.si_signo = signal;
	info.si_code = SI_QUEUE;
	info.si_pid = 4711;
	info.si_value.sival_int = value;
	if (tid)
		MUST(syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, signal, &info));
	else
		MUST(syscall(SYS_rt_sigqueueinfo, getpid(), signal, &info));
}

static void set_caps(uint32_t effective, uint32_t permitted, uint32_t inheritable)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{effective, permitted, inheritable}, {0, 0, 0}};
	MUST(syscall(SYS_capset, &head, data));
}

static void set_timers(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3};
	struct itimerspec times = {{7, 5}, {100000, 0}};
	int id;
	event.sigev_value.sival_ptr = (void *)0x1234567812345678;
	MUST(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id)); /* deleted: ids have a hole */
	MUST(syscall(SYS_timer_delete, id));
	MUST(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
	MUST(syscall(SYS_timer_settime, id, 0, &times, NULL));
	event.sigev_notify = SIGEV_THREAD_ID;
	event._sigev_un._tid = worker_tid;
	MUST(syscall(SYS_timer_create, CLOCK_PROCESS_CPUTIME_ID, &event, &id));
	MUST(syscall(SYS_timer_settime, id, 0, &times, NULL));
	event.sigev_notify = SIGEV_NONE;
	MUST(syscall(SYS_timer_create, CLOCK_REALTIME, &event, &id));
	struct itimerval itimer = {{3, 0}, {200000, 0}};
	MUST(setitimer(ITIMER_REAL, &itimer, NULL));
	MUST(setitimer(ITIMER_PROF, &itimer, NULL));
}

static void set_actions(void)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
	sigaddset(&action.sa_mask, SIGUSR2);
	MUST(sigaction(SIGUSR1, &action, NULL));
	MUST(sigaction(SIGRTMAX, &action, NULL));
	action.sa_handler = SIG_IGN;
	action.sa_flags = 0;
	MUST(sigaction(SIGHUP, &action, NULL));
	action.sa_handler = SIG_DFL;
	action.sa_flags = SA_NOCLDWAIT | SA_NOCLDSTOP;
	MUST(sigaction(SIGCHLD, &action, NULL));
}

static void set_process(void)
{
	struct rlimit files = {100, 200}, core = {0, RLIM_INFINITY}, stack = {1 << 20, 2 << 20};
	set_actions();
	set_timers();
	MUST(setrlimit(RLIMIT_NOFILE, &files));
	MUST(setrlimit(RLIMIT_STACK, &stack));
	(void)setrlimit(RLIMIT_CORE, &core);
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	MUST(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	MUST(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
	queue(0, SIGUSR1, 1);
	queue(0, SIGRTMIN + 1, 2);
	queue(0, SIGRTMIN + 1, 3);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&barrier);
	if (rich) {
		pthread_barrier_wait(&barrier); /* the process has its filter and its timers */
		struct sched_param batch = {0};
		cpu_set_t first;
		MUST(prctl(PR_SET_NAME, "work\xc3\xa9r \xff)", 0, 0, 0));
		use_altstack(1, (int)(1u << 31));
		queue(worker_tid, SIGRTMIN + 2, 4);
		MUST(sched_setscheduler(0, SCHED_BATCH, &batch));
		MUST(setpriority(PRIO_PROCESS, (id_t)worker_tid, 7));
		CPU_ZERO(&first);
		CPU_SET(0, &first);
		MUST(sched_setaffinity(0, sizeof(first), &first));
		MUST(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6));
		MUST(prctl(PR_SET_TIMERSLACK, 123456, 0, 0, 0));
		filter(SYS_uname);
		gid_t groups[] = {7, 5, 4000000};
		MUST(syscall(SYS_setgroups, 3, groups));
		MUST(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT, 0, 0, 0));
		MUST(prctl(PR_SET_SECUREBITS, 1 << 4 | 1 << 2, 0, 0, 0));
		MUST(syscall(SYS_setresgid, 11, 12, 13));
		MUST(syscall(SYS_setresuid, 1001, 1002, 1003));
		(void)syscall(SYS_setfsuid, 1001);
		set_caps(1u << CAP_KILL, 1u << CAP_KILL | 1u << CAP_CHOWN | 1u << CAP_SETPCAP, 1u << CAP_KILL);
		MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
		MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		MUST(prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0));
		MUST(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
	}
	pthread_barrier_wait(&barrier);
	uint32_t word = 0;
	if (refused) MUST(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector));
	syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
	exit(4); /* nobody wakes it, and nothing may interrupt it */
}

int main(int argc, char **argv)
{
	pthread_t thread;
	sigset_t all;
	rich = argc > 1 && strcmp(argv[1], "rich") == 0;
	refused = argc > 1 && strcmp(argv[1], "refused") == 0;
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	pthread_barrier_init(&barrier, NULL, 2);
	if (rich || refused) sigprocmask(SIG_BLOCK, &all, NULL);
	pthread_create(&thread, NULL, worker, NULL);
	pthread_barrier_wait(&barrier);
	if (rich) {
		MUST(prctl(PR_SET_NAME, "leader", 0, 0, 0));
		use_altstack(0, 0);
		queue((pid_t)syscall(SYS_gettid), SIGUSR2, 5);
		set_process();
		struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
		struct sock_fprog program = {1, &allow};
		MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program));
		pthread_barrier_wait(&barrier);
	}
	if (refused) become_impossible();
	pthread_barrier_wait(&barrier);
	dprintf(1, "READY %d\n", getpid());
	struct timespec long_time = {100000, 0};
	nanosleep(&long_time, NULL);
	exit(3);
}
