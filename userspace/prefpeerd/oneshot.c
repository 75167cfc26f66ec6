// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "prefpeerd/agent.h"
#include "prefpeerd/kernel_linux.h"
#include "prefpeerd/oneshot.h"

#define AREA "main"

static int cannot(const char *what, int err)
{
	log_err(AREA, "%s: %s", what, strerror(-err));
	return 1;
}

static int with_kernel(int (*fn)(const struct kernel *k, void *ctx), void *ctx)
{
	struct kernel k;
	int err = kernel_linux_open_xfrm(&k);
	int rc;

	if (err)
		return cannot("XFRM cannot be reached (root, or CAP_NET_ADMIN in this namespace, is needed)",
			      err);
	rc = fn(&k, ctx);
	kernel_linux_close(&k);
	return rc;
}

struct own_sas {
	const struct kernel *k;
	unsigned n;
};

static int delete_own(void *ctx, const struct kernel_sa_entry *sa)
{
	struct own_sas *own = ctx;

	if (sa->r.larval || sa->r.reqid < REQID_FIRST || sa->r.reqid > REQID_LAST)
		return 0;
	own->n += !own->k->ops->sa_del(own->k->impl, &sa->id);
	return 0;
}

static int flush_routes(void)
{
	struct rt_nl *rt;
	int n = rt_nl_open(&rt);

	if (!n) {
		n = rri_flush(rt);
		rt_nl_close(rt);
	}
	if (n < 0)
		return cannot("reverse routes could not be removed", n);
	if (n)
		printf("%d routes removed\n", n);
	return 0;
}

/* SAs too: manual ones have no end, and those of a killed agent a distant one. */
static int flush(const struct kernel *k, void *ctx)
{
	struct own_sas own = { .k = k };
	int n = spd_flush(k), err;

	if (n < 0)
		return cannot("policies could not all be removed", n);
	err = k->ops->sa_dump(k->impl, delete_own, &own);
	if (err)
		return cannot("SAs could not all be removed", err);
	printf("%d policies, %u SAs removed\n", n, own.n);
	return flush_routes();
}

int oneshot_flush(void)
{
	return with_kernel(flush, NULL);
}

int oneshot_seal(const char *master)
{
	char line[PSK_MAX + 2], sealed[PKI_SEALED_MAX + 1], why[PKI_WHY_MAX];
	size_t len = fgets(line, sizeof(line), stdin) ? strcspn(line, "\r\n") : 0;
	int err = pki_secret_seal(master, (const uint8_t *)line, len, sealed, why, sizeof(why));

	explicit_bzero(line, sizeof(line));
	if (err) {
		log_err(AREA, "%s: %s", master, why);
		return 1;
	}
	puts(sealed);
	return 0;
}

/* A `block` has no template, so none is needed. */
static uint32_t any_reqid(void *ctx, const char *map, unsigned seq, const struct selector *sel)
{
	return REQID_FIRST;
}

static int lock(const struct kernel *k, void *ctx)
{
	int err = spd_lock(ctx, k);

	return err ? cannot("not every line could be locked", err) : 0;
}

int oneshot_lock(const struct agent_options *opt)
{
	const struct spd_env env = { .reqid_for = any_reqid };
	struct config *conf = agent_load(opt);
	struct spd *spd = conf ? spd_compile(conf, &env) : NULL;
	int rc = 1;

	if (spd)
		rc = with_kernel(lock, spd);
	else if (conf)
		cannot("no memory", -ENOMEM);
	spd_free(spd);
	config_free(conf);
	return rc;
}
