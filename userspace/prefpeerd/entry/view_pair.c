/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `show` reads of pairs of SAs, and since when it counts. */
#include "prefpeerd/entry/shell.h"

/* Asked only when someone looks: the module's pairs have a clock, and no counts by direction. */
static struct kernel_sa_reading read_sa(const struct entries *s, const struct core_child *ch,
					enum sa_dir dir)
{
	const struct kernel *k = s->ports.kernel;
	const struct kernel_sa_id id = act_sa_id(ch, dir);
	struct kernel_sa_reading r = {0};

	if (!id.spi || k->ops->sa_read(k->impl, &id, &r))
		return (struct kernel_sa_reading){0};
	return r;
}

/* A rekey has made other SAs since: those begin at 0 themselves. */
static uint64_t since_cleared(uint64_t now, uint64_t then, bool same)
{
	return same && then <= now ? now - then : now;
}

static void view_counts(const struct entries *s, const struct core_child *ch,
			struct entry_pair_view *v)
{
	struct kernel_sa_reading in = read_sa(s, ch, SA_DIR_IN);
	struct kernel_sa_reading out = read_sa(s, ch, SA_DIR_OUT);
	const struct core_cleared *ci = &ch->cleared_in, *co = &ch->cleared_out;

	v->replayed = in.replayed;
	v->not_authentic = in.not_authentic;
	v->used_in = in.bytes;
	v->used_out = out.bytes;
	v->bytes_in = since_cleared(in.bytes, ci->bytes, ci->spi == ch->spi_in);
	v->packets_in = since_cleared(in.packets, ci->packets, ci->spi == ch->spi_in);
	v->bytes_out = since_cleared(out.bytes, co->bytes, co->spi == ch->spi_out);
	v->packets_out = since_cleared(out.packets, co->packets, co->spi == ch->spi_out);
}

static struct entry_pair_view view_pair(struct entries *s, const struct core_entry *e,
					const struct core_child *ch)
{
	const struct engine *eng = s->ports.engine;
	const struct core_line *l = core_line((struct core_entry *)e, ch->reqid);
	struct kernel_pair_reading r;
	struct entry_pair_view v = {
		.line = l ? l->no : 0,
		.conn = ch->conn,
		.local = ch->local,
		.peer = ch->remote,
		.spi_in = ch->spi_in,
		.spi_out = ch->spi_out,
		.sel = ch->sel,
		.since = ch->since,
		.idle_now_ms = act_pair_idle_ms(s, ch, &r),
	};

	v.has_info = eng->ops->child_info &&
		     !eng->ops->child_info(eng->impl, ch->conn, ch->id, &v.info);
	view_counts(s, ch, &v);
	return v;
}

void view_pairs(struct entries *s, const struct core_entry *e, struct entry_view *v)
{
	for (unsigned i = 0; i < e->n_children; i++)
		if (e->children[i].state == CHILD_LIVE)
			v->pairs[v->n_pairs++] = view_pair(s, e, &e->children[i]);
}

static void clear_child(const struct entries *s, struct core_child *ch)
{
	struct kernel_sa_reading in = read_sa(s, ch, SA_DIR_IN);
	struct kernel_sa_reading out = read_sa(s, ch, SA_DIR_OUT);

	ch->cleared_in = (struct core_cleared){ch->spi_in, in.bytes, in.packets};
	ch->cleared_out = (struct core_cleared){ch->spi_out, out.bytes, out.packets};
}

void entries_clear_counters(struct entries *s, mono_t now)
{
	s->now = now;
	for (unsigned i = 0; i < s->core.n_entries; i++)
		for (unsigned j = 0; j < s->core.entries[i]->n_children; j++)
			clear_child(s, &s->core.entries[i]->children[j]);
}
