// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/test/fake_kernel.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static struct kernel_sa *find(struct fake_kernel *k, const struct kernel_sa_id *id)
{
	for (unsigned i = 0; i < k->n_sas; i++)
		if (k->sas[i].id.spi == id->spi && k->sas[i].id.proto == id->proto &&
		    addr_equal(&k->sas[i].id.dst, &id->dst))
			return &k->sas[i];
	return NULL;
}

static int fake_sa_add(void *impl, const struct kernel_sa *sa)
{
	struct fake_kernel *k = impl;
	struct kernel_sa *old = find(k, &sa->id);
	int err = k->add_error;

	k->add_error = 0;
	if (err)
		return err;
	if (sa->replace) {
		if (!old)
			return -ESRCH;
		old->encap_sport = sa->encap_sport;
		old->encap_dport = sa->encap_dport;
		old->soft_lifetime_s = sa->soft_lifetime_s;
		old->soft_lifetime_bytes = sa->soft_lifetime_bytes;
		old->soft_next_packet = sa->soft_next_packet;
		k->n_replaced++;
		return 0;
	}
	if (old)
		return -EEXIST;
	if (k->n_sas == FAKE_SAS_MAX)
		return -ENOBUFS;
	k->packets[k->n_sas] = 0;
	k->born[k->n_sas] = k->n_added++;
	k->sas[k->n_sas++] = *sa;
	return 0;
}

static int fake_sa_del(void *impl, const struct kernel_sa_id *id)
{
	struct fake_kernel *k = impl;
	struct kernel_sa *sa = find(k, id);

	if (!sa)
		return -ESRCH;
	k->n_sas--;
	k->packets[sa - k->sas] = k->packets[k->n_sas];
	k->born[sa - k->sas] = k->born[k->n_sas];
	*sa = k->sas[k->n_sas];
	k->n_removed++;
	return 0;
}

static int fake_sa_read(void *impl, const struct kernel_sa_id *id, struct kernel_sa_reading *out)
{
	struct fake_kernel *k = impl;
	const struct kernel_sa *sa = find(k, id);

	if (!sa)
		return -ESRCH;
	*out = (struct kernel_sa_reading){
		.packets = k->packets[sa - k->sas], .src = sa->src, .reqid = sa->reqid
	};
	return 0;
}

static int fake_sa_same(void *impl, const struct kernel_sa *sa)
{
	const struct kernel_sa *have = find(impl, &sa->id);

	if (!have)
		return -ESRCH;
	return have->reqid == sa->reqid && addr_equal(&have->src, &sa->src) &&
	       have->encr_key_len == sa->encr_key_len &&
	       !memcmp(have->encr_key, sa->encr_key, sa->encr_key_len) &&
	       have->integ_key_len == sa->integ_key_len &&
	       !memcmp(have->integ_key, sa->integ_key, sa->integ_key_len);
}

static int fake_peer_read(void *impl, const struct kernel_peer_key *key,
			  struct kernel_peer_reading *out)
{
	struct fake_kernel *k = impl;

	k->n_peer_reads++;
	if (k->counts_now && k->packets_in != k->packets_in_seen) {
		k->packets_in_seen = k->packets_in;
		k->peer.last_in = k->counts_now(k->counts_ctx);
	}
	*out = k->peer;
	out->counted = k->counts_now;
	return 0;
}

static int fake_pair_read(void *impl, const struct kernel_pair_key *key,
			  struct kernel_pair_reading *out)
{
	*out = ((struct fake_kernel *)impl)->pair;
	return 0;
}

static const struct kernel_ops fake_ops = {
	.sa_add = fake_sa_add,
	.sa_del = fake_sa_del,
	.sa_read = fake_sa_read,
	.sa_same = fake_sa_same,
	.peer_read = fake_peer_read,
	.pair_read = fake_pair_read,
};

void fake_kernel_init(struct fake_kernel *k)
{
	memset(k, 0, sizeof(*k)); /* too large for the stack */
	k->port = (struct kernel){ .ops = &fake_ops, .impl = k };
}

const struct kernel_sa *fake_kernel_sa(const struct fake_kernel *k, uint32_t spi)
{
	for (unsigned i = 0; i < k->n_sas; i++)
		if (k->sas[i].id.spi == spi)
			return &k->sas[i];
	return NULL;
}

bool fake_kernel_carry(struct fake_kernel *k, uint32_t spi)
{
	bool soft = false;

	for (unsigned i = 0; i < k->n_sas; i++)
		if (k->sas[i].id.spi == spi) {
			k->packets[i]++;
			soft = k->sas[i].soft_next_packet;
			k->sas[i].soft_next_packet = false;
		}
	return soft;
}

const struct kernel_sa *fake_kernel_out(const struct fake_kernel *k, uint32_t reqid)
{
	const struct kernel_sa *best = NULL;

	for (unsigned i = 0; i < k->n_sas; i++)
		if (k->sas[i].dir == SA_DIR_OUT && k->sas[i].reqid == reqid &&
		    (!best || k->born[i] > k->born[best - k->sas]))
			best = &k->sas[i];
	return best;
}

unsigned fake_kernel_count(const struct fake_kernel *k, enum sa_dir dir)
{
	unsigned n = 0;

	for (unsigned i = 0; i < k->n_sas; i++)
		n += k->sas[i].dir == dir;
	return n;
}
