// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/test/ike_certs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fire(struct timer *timer, mono_t now)
{
	struct test_signer *t = timer_container(timer, struct test_signer, timer);
	uint8_t sig[PKI_SIG_MAX];

	for (unsigned i = 0; i < t->n_jobs; i++) {
		struct chunk data = { t->jobs[i].data, t->jobs[i].len };
		size_t len = 0;
		int err = t->fails ? -EIO : 0;

		if (t->jobs[i].done || t->mute)
			continue;
		t->jobs[i].done = true;
		if (!err)
			err = pki_private_sign(t->key, t->jobs[i].scheme, data, sig, &len);
		engine_ike_signed(t->side->engine, t->jobs[i].job, err, sig, len);
	}
}

static int sign(void *ctx, uint32_t job, const uint8_t key[PKI_KEY_ID_LEN], enum pki_scheme scheme,
		const uint8_t *data, size_t len)
{
	struct test_signer *t = ctx;

	if (t->refuses)
		return -EPIPE;
	if (t->n_jobs == SIGN_JOBS || len > sizeof(t->jobs[0].data))
		abort();
	t->jobs[t->n_jobs].job = job;
	t->jobs[t->n_jobs].scheme = scheme;
	memcpy(t->jobs[t->n_jobs].key, key, PKI_KEY_ID_LEN);
	memcpy(t->jobs[t->n_jobs].data, data, len);
	t->jobs[t->n_jobs].len = len;
	t->jobs[t->n_jobs++].done = false;
	timer_set(&t->side->clock->timers, &t->timer, t->side->clock->now);
	return 0;
}

void test_signer_open(struct test_signer *t, struct side *side, const char *key_path)
{
	struct ike_signer port = { sign, t };
	char why[PKI_WHY_MAX];

	memset(t, 0, sizeof(*t));
	t->side = side;
	timer_init(&t->timer, fire);
	if (pki_private_load(key_path, &t->key, why, sizeof(why))) {
		fprintf(stderr, "%s: %s\n", key_path, why);
		abort();
	}
	engine_ike_set_signer(side->engine, &port);
}

void test_signer_close(struct test_signer *t)
{
	timer_cancel(&t->side->clock->timers, &t->timer);
	pki_private_free(t->key);
}

void credentials_open(struct credentials *c, struct side *side, const struct made *const *list,
		      unsigned n, const struct made *ca, const char *crl)
{
	char why[PKI_WHY_MAX];

	if (pki_own_load(pki_write_certs("own.pem", list, n), &c->own, why, sizeof(why)) ||
	    pki_trust_load(pki_write_certs("ca.pem", &ca, 1), crl, &c->trust, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	test_signer_open(&c->signer, side, pki_write_key("own.key", list[0]));
}

void credentials_close(struct credentials *c)
{
	test_signer_close(&c->signer);
	pki_own_put(c->own);
	pki_trust_put(c->trust);
}
