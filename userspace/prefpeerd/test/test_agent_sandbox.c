// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The wall of the process that reads the network, from within: a child shuts the
 * door behind itself and tries. What it could not do, its exit status says.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/audit.h>
#include <linux/if_packet.h>

#include "prefpeerd/sandbox.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if __has_feature(address_sanitizer) || defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1
#else
#define UNDER_SANITIZER 0
#endif

/* Returns as a system call does: what it got, or -1 and errno. */
typedef long (*attempt)(void);

#define ALLOWED 200
#define NO_DOOR 201

/* The exit status: errno, ALLOWED; or 128 + signal. */
static int within(attempt try)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (sandbox_early() || sandbox_shut())
			_exit(NO_DOOR);
		errno = 0;
		_exit(try() < 0 ? errno : ALLOWED);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- fails with EPERM ---- */

static long packet_socket(void) { return socket(AF_PACKET, SOCK_RAW, 0); }
static long alg_socket(void) { return socket(AF_ALG, SOCK_SEQPACKET, 0); }
static long vsock_socket(void) { return socket(AF_VSOCK, SOCK_STREAM, 0); }
static long new_process(void) { return syscall(SYS_fork); }
static long new_thread(void) { return syscall(SYS_clone3, NULL, 0); }
static long signal_to_another(void) { return kill(getppid(), 0); }
static long listens(void) { return listen(socket(AF_INET, SOCK_STREAM, 0), 1); }
static long dumpable_again(void) { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }
static long io_ring(void) { return syscall(SYS_io_uring_setup, 1, NULL); }
static long keyring(void) { return syscall(SYS_keyctl, 0, 0, 0, 0, 0); }
static long root_again(void) { return syscall(SYS_setuid, 0); }
static long types_for_the_terminal(void) { return syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x"); }

static long code_page(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED ? -1 : 0;
}

static long data_to_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long core_again(void)
{
	const struct rlimit some = { 0, 4096 };

	return setrlimit(RLIMIT_CORE, &some);
}

static void refused(void **state)
{
	static const attempt list[] = {
		packet_socket, alg_socket,   vsock_socket, new_process,	 new_thread,
		listens,       signal_to_another, dumpable_again, io_ring, keyring,
		root_again,    types_for_the_terminal, code_page, data_to_code, core_again,
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		if (within(list[i]) != EPERM)
			print_error("attempt %zu\n", i);
		assert_int_equal(within(list[i]), EPERM);
	}
}

/* ---- ends the process ---- */

static long program(void) { return execl("/bin/true", "true", (char *)NULL); }
static long traces(void) { return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL); }
static long reads_another(void) { return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0); }
static long own_namespace(void) { return syscall(SYS_unshare, 0x40000000 /* CLONE_NEWNET */); }
static long loads_a_module(void) { return syscall(SYS_init_module, "", 0, ""); }
static long loads_a_program(void) { return syscall(SYS_bpf, 0, NULL, 0); }

/* x32: the same call by another number. */
static long other_abi(void) { return syscall(0x40000000 | SYS_getpid); }

static void killed(void **state)
{
	static const attempt list[] = { program,       traces,		reads_another,
					own_namespace, loads_a_module, loads_a_program };

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		if (within(list[i]) != 128 + SIGSYS)
			print_error("attempt %zu\n", i);
		assert_int_equal(within(list[i]), 128 + SIGSYS);
	}
#ifdef __x86_64__
	assert_int_not_equal(within(other_abi), ALLOWED);
#endif
}

/* ---- its work ---- */

static long netlink(void) { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0); }
static long datagrams(void) { return socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0); }
static long reads_a_file(void) { return open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC) < 0 && errno == EPERM ? -1 : 0; }
static long asks_for_limits(void) { return getrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0 }); }

/* More than malloc has at hand, given and taken. */
static long memory(void)
{
	char *p = malloc(64 << 20);

	if (!p)
		return -1;
	memset(p, 1, 64 << 20);
	free(p);
	return 0;
}

static void still_works(void **state)
{
	static const attempt list[] = { netlink, datagrams, reads_a_file, asks_for_limits, memory };

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		assert_int_equal(within(list[i]), ALLOWED);
}

/* ---- before the door ---- */

static long no_core(void)
{
	struct rlimit l;

	return getrlimit(RLIMIT_CORE, &l) || l.rlim_cur || l.rlim_max ? -1 : 0;
}

static void early(void **state)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(sandbox_early() || no_core() || prctl(PR_GET_DUMPABLE) ||
		      prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	/* A build with a sanitizer has no door (sandbox_door.c). */
	const struct CMUnitTest anywhere[] = { cmocka_unit_test(early), cmocka_unit_test(still_works) };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(early),
		cmocka_unit_test(refused),
		cmocka_unit_test(killed),
		cmocka_unit_test(still_works),
	};

	return UNDER_SANITIZER ? cmocka_run_group_tests(anywhere, NULL, NULL) : cmocka_run_group_tests(tests, NULL, NULL);
}
