// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * inject PID NUMBER [ARGUMENT…]: a system call made by a process that waits in one,
 * as whoever had taken it over would make it. Prints what it returned, -errno for an
 * error, or "killed SIGNAL". The process goes on as if nothing had been. x86-64 only.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#define SYSCALL_LEN 2 /* bytes of the instruction */

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void stop(pid_t pid)
{
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL))
		fail("attach");
	if (waitpid(pid, NULL, __WALL) != pid)
		fail("wait");
}

/* The process is just behind its own syscall instruction: once more over that. */
static void prepare(const struct user_regs_struct *was, int argc, char **argv,
		    struct user_regs_struct *now)
{
	unsigned long long args[6] = { 0 };

	for (int i = 0; i < argc - 1 && i < 6; i++)
		args[i] = strtoull(argv[i + 1], NULL, 0);
	*now = *was;
	now->rip -= SYSCALL_LEN;
	now->rax = strtoull(argv[0], NULL, 0);
	now->orig_rax = (unsigned long long)-1; /* its own call is not begun again */
	now->rdi = args[0];
	now->rsi = args[1];
	now->rdx = args[2];
	now->r10 = args[3];
	now->r8 = args[4];
	now->r9 = args[5];
}

/* False: it is dead. */
static int step(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) || waitpid(pid, &status, __WALL) != pid)
		fail("step");
	if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP)
		return 1;
	printf("killed %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : WSTOPSIG(status));
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pid = argc > 2 ? atoi(argv[1]) : 0;
	struct user_regs_struct was, now;

	if (pid <= 0) {
		fprintf(stderr, "usage: inject PID NUMBER [ARGUMENT…]\n");
		return 2;
	}
	stop(pid);
	if (ptrace(PTRACE_GETREGS, pid, NULL, &was))
		fail("registers");
	prepare(&was, argc - 2, argv + 2, &now);
	if (ptrace(PTRACE_SETREGS, pid, NULL, &now))
		fail("registers");
	if (!step(pid))
		return 0;
	if (ptrace(PTRACE_GETREGS, pid, NULL, &now))
		fail("registers");
	printf("%lld\n", (long long)now.rax);
	if (ptrace(PTRACE_SETREGS, pid, NULL, &was) || ptrace(PTRACE_DETACH, pid, NULL, NULL))
		fail("detach");
	return 0;
}
