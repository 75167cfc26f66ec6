// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the process that reads the network may still ask the kernel for. It keeps
 * CAP_NET_ADMIN: each SA that IKE agrees on is one netlink message, and netlink
 * looks at the capabilities of who sends, beside those of who opened the socket.
 * A process of its own for that port would have to offer "add an SA, put a policy"
 * to this one, which is all that the capability is used for here, and the port's
 * calls are answered at once (kernel.h), inside of every transition of entry/: a
 * wall there takes nothing from an intruder before it checks what it is asked for
 * against the configuration. So the capability stays, and what else it is good for
 * in the kernel is taken away: no packet sockets, no BPF, no other namespace, no
 * program, no family of sockets but the four below.
 */
#include <asm/ioctls.h>
#include <errno.h>
#include <linux/sockios.h>
#include <sys/socket.h>

#include "lib/log.h"
#include "prefpeerd/door.h"
#include "prefpeerd/sandbox.h"

/* A sanitizer maps, forks and ptraces as it likes when it reports. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_SANITIZER 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER 0
#endif

static const int allowed[] = {
	/* its sockets: IKE, netlink, control, the resolver's, the signing port */
	SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(accept), SCMP_SYS(accept4),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg), SCMP_SYS(shutdown), SCMP_SYS(socketpair),
	/* the event loop, and what libunbound wakes it with */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl),
	SCMP_SYS(timerfd_settime), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select),
	SCMP_SYS(pselect6), SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(fcntl),
	/* files: the configuration and certificates, the copy of what was last in force,
	 * resolv.conf; who it is says which, and systemd's unit */
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64),
	SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(fsync),
	SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd), SCMP_SYS(flock),
	SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(renameat), SCMP_SYS(renameat2),
	SCMP_SYS(rename), SCMP_SYS(fchmod), SCMP_SYS(ftruncate),
	/* memory */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(mlock),
	SCMP_SYS(munlock),
	/* libc and libcrypto: locks, clocks, randomness, who am I */
	SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(restart_syscall),
	/* the end, and that of the process with the keys */
	SCMP_SYS(wait4), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(tgkill),
};

/*
 * The resolver's sockets, netlink's when the module comes anew, journald's. A socket of
 * any other family (packets, AF_ALG, vsock, TIPC, …) is code of the kernel that we do not need.
 */
static int add_sockets(scmp_filter_ctx f)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(families) / sizeof(*families); i++)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	return err;
}

/* if_nametoindex(3), libevent's and libunbound's questions; never TIOCSTI or what changes a device. */
static int add_ioctls(scmp_filter_ctx f)
{
	static const unsigned long requests[] = { SIOCGIFINDEX, SIOCGIFNAME, FIONREAD, FIONBIO,
						  TCGETS };
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(requests) / sizeof(*requests); i++)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, requests[i], 0));
	return err;
}

/* libunbound asks how many files it may open; nobody changes a limit, or another's. */
static int add_limits(scmp_filter_ctx f)
{
	int err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(getrlimit), 0);

	return err ? err
		   : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2,
				      SCMP_A0(SCMP_CMP_EQ, 0, 0), SCMP_A2(SCMP_CMP_EQ, 0, 0));
}

static int limited(scmp_filter_ctx f)
{
	int err = add_sockets(f);

	if (!err)
		err = add_ioctls(f);
	return err ? err : add_limits(f);
}

static const struct door door = {
	.allowed = allowed,
	.n_allowed = sizeof(allowed) / sizeof(*allowed),
	.limited = limited,
};

int sandbox_shut(void)
{
	if (!UNDER_SANITIZER)
		return door_shut(&door);
	log_warn("sandbox", "a build with a sanitizer: system calls are not limited");
	return 0;
}
