/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SAs of a manual entry: as they should be, and into the kernel without a gap. */
#include <errno.h>
#include <string.h>

#include "prefpeerd/entry/manual.h"

static void set_key(uint8_t *to, size_t *to_len, const uint8_t *key, size_t len)
{
	memcpy(to, key, len);
	*to_len = len;
}

static void build(const struct map_entry *m, const struct spd_line *l,
		  const struct session_key *key, struct kernel_sa *sa)
{
	sa->id.proto = IPPROTO_ESP;
	sa->id.spi = key->spi;
	sa->reqid = l->reqid;
	sa->suite = m->sets[0]->suite;
	set_key(sa->encr_key, &sa->encr_key_len, key->encr, key->encr_len);
	set_key(sa->integ_key, &sa->integ_key_len, key->integ, key->integ_len);
	sa->no_replay = true; /* RFC 4303 §3.3.3: the numbers begin again at each start */
	sa->inner_family = l->sel.src.addr.family;
}

void manual_sas_build(const struct map_entry *m, const struct spd_line *l,
		      const struct addr *local, struct manual_sas *out)
{
	memset(out, 0, sizeof(*out));
	build(m, l, &m->manual->in, &out->in);
	out->in.dir = SA_DIR_IN;
	out->in.src = m->peers[0].addr;
	out->in.id.dst = *local;
	build(m, l, &m->manual->out, &out->out);
	out->out.dir = SA_DIR_OUT;
	out->out.src = *local;
	out->out.id.dst = m->peers[0].addr;
	out->out.may_wrap = true; /* nobody could make a new one in time */
}

void manual_sas_wipe(struct manual_sas *sas)
{
	explicit_bzero(sas, sizeof(*sas));
}

static bool same_id(const struct kernel_sa_id *a, const struct kernel_sa_id *b)
{
	return a->spi == b->spi && a->proto == b->proto && addr_equal(&a->dst, &b->dst);
}

bool manual_sas_have(const struct manual_sas *sas, const struct kernel_sa_id *id)
{
	return id->spi && (same_id(&sas->in.id, id) || same_id(&sas->out.id, id));
}

/*
 * XFRM finds an SA by destination, protocol and SPI: there is one place, and new keys for the
 * same SPI go in when the old ones are out. An outbound packet between the two waits for
 * the new SA; with another SPI there is no such moment.
 */
static int put(const struct kernel *k, const struct kernel_sa *sa, manual_foreign_fn foreign,
	       void *ctx)
{
	struct kernel_sa_reading r = { 0 };
	int err = k->ops->sa_same(k->impl, sa);

	if (err == 1)
		return 0;
	if (err < 0 && err != -ESRCH)
		return err;
	if (!err) {
		err = k->ops->sa_read(k->impl, &sa->id, &r);
		if (!err && foreign(ctx, &sa->id, r.reqid))
			return -EEXIST;
		if (!err)
			k->ops->sa_del(k->impl, &sa->id);
	}
	return k->ops->sa_add(k->impl, sa);
}

/* Inbound first: nothing is sent that the answer to could not be read. */
int manual_sas_put(const struct kernel *k, const struct manual_sas *want,
		   manual_foreign_fn foreign, void *ctx, const struct kernel_sa **bad)
{
	int err;

	*bad = &want->in;
	err = put(k, &want->in, foreign, ctx);
	if (err)
		return err;
	*bad = &want->out;
	return put(k, &want->out, foreign, ctx);
}

void manual_sas_del(const struct kernel *k, const struct manual_sas *old,
		    const struct manual_sas *keep)
{
	if (old->out.id.spi && !(keep && manual_sas_have(keep, &old->out.id)))
		k->ops->sa_del(k->impl, &old->out.id);
	if (old->in.id.spi && !(keep && manual_sas_have(keep, &old->in.id)))
		k->ops->sa_del(k->impl, &old->in.id);
}
