// SPDX-License-Identifier: GPL-2.0-or-later
/* The process with the private keys. See signer.h for what it must not be able to do. */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "lib/log.h"
#include "prefpeerd/door.h"
#include "prefpeerd/signer_impl.h"

#define AREA "signer"
#define SECURE_HEAP (256 * 1024) /* bytes; a key of RSA 8192 takes about 5 KiB */
#define SECURE_MIN 32

struct held {
	struct pki_private *list[SIGN_KEYS_MAX];
	unsigned n;
};

/* ---- the walls ---- */

/*
 * Without a limit whatever comes is locked; with one (a unit's LimitMEMLOCK=) a
 * lock on all that comes would make malloc fail, so that only libcrypto's heap is.
 */
static void lock_memory(void)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	bool free_of_limit = !setrlimit(RLIMIT_MEMLOCK, &none);

	if (CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_MIN) != 1)
		log_warn(AREA, "private keys are not locked in memory");
	if (free_of_limit && mlockall(MCL_CURRENT | MCL_FUTURE))
		log_debug(AREA, "mlockall: %s", strerror(errno));
}

/* What libcrypto reads once is read before the door shuts. */
static void warm_up(void)
{
	uint8_t byte;

	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_CIPHERS |
				    OPENSSL_INIT_ADD_ALL_DIGESTS,
			    NULL);
	RAND_bytes(&byte, 1);
}

static const int allowed[] = {
	/* its two sockets, and files that are open */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(close), SCMP_SYS(fstat),
	SCMP_SYS(newfstatat), SCMP_SYS(lseek),
	/* memory */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(mlock),
	SCMP_SYS(munlock),
	/* libc and libcrypto */
	SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(geteuid), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
	/* the end */
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction), SCMP_SYS(tgkill),
};

/* Files for reading only. */
static int reading_only(scmp_filter_ctx f)
{
	const unsigned writes = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
	int err;

	err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
			       SCMP_A2(SCMP_CMP_MASKED_EQ, writes, O_RDONLY));
	if (!err)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
				       SCMP_A1(SCMP_CMP_MASKED_EQ, writes, O_RDONLY));
	return err;
}

static const struct door door = {
	.allowed = allowed,
	.n_allowed = sizeof(allowed) / sizeof(*allowed),
	.limited = reading_only,
};

/* Signals of a terminal or a unit's stop are the other process's: its end is ours. */
static int enter(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, "prefpeerd-keys");
	warm_up();
	lock_memory();
	capng_clear(CAPNG_SELECT_BOTH);
	/* The bounding set needs CAP_SETPCAP, which whoever is not root has not. */
	if (capng_apply(CAPNG_SELECT_BOTH) && capng_apply(CAPNG_SELECT_CAPS))
		return -EPERM;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return door_shut(&door);
}

/* ---- keys ---- */

static int find(const struct held *h, const uint8_t id[PKI_KEY_ID_LEN])
{
	for (unsigned i = 0; i < h->n; i++)
		if (!memcmp(pki_private_key(h->list[i])->id, id, PKI_KEY_ID_LEN))
			return (int)i;
	return -1;
}

static void load(struct held *h, struct signer_request *r, struct signer_reply *out)
{
	struct pki_private *key;

	r->path[sizeof(r->path) - 1] = '\0';
	out->err = pki_private_load(r->path, &key, out->why, sizeof(out->why));
	if (out->err)
		return;
	out->key = *pki_private_key(key);
	if (find(h, out->key.id) >= 0) {
		pki_private_free(key);
	} else if (h->n < SIGN_KEYS_MAX) {
		h->list[h->n++] = key;
	} else {
		pki_private_free(key);
		out->err = -E2BIG;
		snprintf(out->why, sizeof(out->why), "more than %u keys", SIGN_KEYS_MAX);
	}
}

static bool listed(const struct signer_request *r, const struct pki_private *key)
{
	for (unsigned i = 0; i < r->n && i < SIGN_KEYS_MAX; i++)
		if (!memcmp(r->keys[i], pki_private_key(key)->id, PKI_KEY_ID_LEN))
			return true;
	return false;
}

static void retain(struct held *h, const struct signer_request *r)
{
	for (unsigned i = h->n; i-- > 0;) {
		if (listed(r, h->list[i]))
			continue;
		pki_private_free(h->list[i]);
		h->list[i] = h->list[--h->n];
	}
}

/* Of a pre-shared key's own file, or what a sealed one is: the other process needs it for AUTH. */
static void secret(struct signer_request *r, struct signer_reply *out)
{
	size_t len = 0;

	r->path[sizeof(r->path) - 1] = '\0';
	r->sealed[sizeof(r->sealed) - 1] = '\0';
	out->err = pki_secret_load(r->path, *r->sealed ? r->sealed : NULL, out->secret,
				   sizeof(out->secret), &len, out->why, sizeof(out->why));
	out->len = out->err ? 0 : (uint32_t)len;
}

/* ---- requests; false: the other end is gone ---- */

static bool control_turn(struct held *h, int fd)
{
	struct signer_request r = { 0 };
	struct signer_reply out = { 0 };
	ssize_t n = recv(fd, &r, sizeof(r), 0);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	if (n != (ssize_t)sizeof(r))
		out.err = -EINVAL;
	else if (r.op == SIGNER_LOAD)
		load(h, &r, &out);
	else if (r.op == SIGNER_SECRET)
		secret(&r, &out);
	else if (r.op == SIGNER_RETAIN)
		retain(h, &r);
	else
		out.err = -EINVAL;
	n = send(fd, &out, sizeof(out), MSG_NOSIGNAL);
	OPENSSL_cleanse(out.secret, sizeof(out.secret));
	return n >= 0;
}

static void sign(const struct held *h, const struct sign_request *r, struct sign_reply *out)
{
	int at = find(h, r->key);
	size_t len = 0;

	out->job = r->job;
	out->err = -ENOKEY;
	if (at >= 0)
		out->err = pki_private_sign(h->list[at], (enum pki_scheme)r->scheme,
					    (struct chunk){ r->data, r->len }, out->sig, &len);
	out->len = out->err ? 0 : (uint32_t)len;
}

static bool work_turn(const struct held *h, int fd)
{
	static struct sign_request r;
	const size_t head = offsetof(struct sign_request, data);
	struct sign_reply out = { 0 };
	ssize_t n = recv(fd, &r, sizeof(r), 0);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	if ((size_t)n < head || r.len != (size_t)n - head)
		out.err = -EINVAL;
	else
		sign(h, &r, &out);
	return send(fd, &out, sizeof(out), MSG_NOSIGNAL) >= 0;
}

void signer_process(int control, int work)
{
	struct pollfd fds[] = { { .fd = control, .events = POLLIN }, { .fd = work, .events = POLLIN } };
	struct held held = { 0 };
	int err = enter();
	bool go_on = !err;

	if (err)
		log_err(AREA, "private keys cannot be shut off: %s", strerror(-err));
	while (go_on) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			go_on = control_turn(&held, control);
		if (go_on && fds[1].revents)
			go_on = work_turn(&held, work);
	}
	for (unsigned i = 0; i < held.n; i++)
		pki_private_free(held.list[i]);
}
