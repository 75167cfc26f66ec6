/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manual entries as `map show` and `session show` read them. */
#include "prefpeerd/entry/manual.h"
#include "prefpeerd/entry/mem.h"

/* Both lists are by map and number, and so is what is shown. */
const struct manual *manual_at(const struct entries *s, unsigned *i)
{
	for (unsigned k = 0; k < s->n_manuals; k++) {
		unsigned place = shell_place(s, s->manuals[k]->map, s->manuals[k]->seq) + k;

		if (*i == place)
			return s->manuals[k];
		if (*i < place) {
			*i -= k;
			return NULL;
		}
	}
	*i -= s->n_manuals;
	return NULL;
}

static struct kernel_sa_reading read_sa(const struct entries *s, const struct kernel_sa_id *id)
{
	const struct kernel *k = s->ports.kernel;
	struct kernel_sa_reading r = { 0 };

	if (!id->spi || k->ops->sa_read(k->impl, id, &r))
		return (struct kernel_sa_reading){ 0 };
	return r;
}

static int64_t idle_ms(const struct entries *s, const struct manual *m)
{
	const struct kernel *k = s->ports.kernel;
	const struct kernel_pair_key key = { m->sas.out.src, m->sas.out.id.dst, m->sas.out.reqid };
	struct kernel_pair_reading r = { 0 };

	if (k->ops->pair_read(k->impl, &key, &r) || !mono_is_set(r.last_use))
		return -1;
	return mono_before(s->now, r.last_use) ? 0 : mono_diff_ms(s->now, r.last_use);
}

static struct entry_line_view view_line(const struct entries *s, const struct manual *m)
{
	struct entry_line_view v = {
		.no = m->line->no,
		.reqid = m->line->reqid,
		.sel = m->line->sel,
		.blocked = m->line->blocked,
		.idle_now_ms = -1,
	};
	struct kernel_sa_reading in = read_sa(s, &m->sas.in.id), out = read_sa(s, &m->sas.out.id);

	if (!m->sas.out.id.spi)
		return v;
	v.n_pairs = 1;
	v.local = m->sas.out.src;
	v.peer = m->sas.out.id.dst;
	v.spi_in = m->sas.in.id.spi;
	v.spi_out = m->sas.out.id.spi;
	v.bytes_in = in.bytes;
	v.bytes_out = out.bytes;
	v.packets_in = in.packets;
	v.packets_out = out.packets;
	v.since = m->since;
	v.idle_now_ms = idle_ms(s, m);
	return v;
}

static struct entry_pair_view view_pair(const struct entry_line_view *l)
{
	return (struct entry_pair_view){
		.line = l->no,
		.local = l->local,
		.peer = l->peer,
		.spi_in = l->spi_in,
		.spi_out = l->spi_out,
		.sel = l->sel,
		.bytes_in = l->bytes_in,
		.bytes_out = l->bytes_out,
		.packets_in = l->packets_in,
		.packets_out = l->packets_out,
		.since = l->since,
		.idle_now_ms = l->idle_now_ms,
	};
}

static void view_peer(const struct manual *m, struct entry_view *v)
{
	v->peers[v->n_peers++] = (struct entry_peer_view){
		.text = m->conf->peers[0].text,
		.addr = m->conf->peers[0].addr,
		.ttl_ms = -1,
		.is_current = true,
		.heard = MONO_UNSET,
		.last_at = MONO_UNSET,
	};
}

int manual_view(struct entries *s, const struct manual *m, struct entry_view *v)
{
	*v = (struct entry_view){
		.map = m->map,
		.conf = m->conf,
		.seq = m->seq,
		.manual = true,
		.state = m->state,
		.since = m->since,
		.reason = m->reason,
		.current = *m->peer ? m->conf->peers[0].text : NULL,
		.backoff_until = MONO_UNSET,
		.local = m->sas.out.src,
		.idle_now_ms = -1,
		.engine_ready = true,
		.reachable = m->state == ENTRY_UP,
	};
	v->peers = calloc(1, sizeof(*v->peers));
	v->lines = calloc(1, sizeof(*v->lines));
	v->pairs = calloc(1, sizeof(*v->pairs));
	if (!v->peers || !v->lines || !v->pairs) {
		entry_view_free(v);
		return -ENOMEM;
	}
	snprintf(v->sentence, sizeof(v->sentence), "%s", m->sentence);
	v->incomplete = conf_entry_inert(m->conf);
	if (!v->incomplete) {
		v->incomplete = conf_entry_incomplete(s->conf, m->conf);
		v->blocks = v->incomplete;
	}
	if (m->conf->n_peers)
		view_peer(m, v);
	if (m->line) {
		v->lines[v->n_lines++] = view_line(s, m);
		v->idle_now_ms = v->lines[0].idle_now_ms;
		if (v->lines[0].n_pairs)
			v->pairs[v->n_pairs++] = view_pair(&v->lines[0]);
	}
	return 0;
}

/* Of no IKE SA: what IOS calls UP-NO-IKE. */
void manuals_each_session(const struct entries *s, entry_session_fn fn, void *ctx)
{
	for (unsigned i = 0; i < s->n_manuals; i++) {
		const struct manual *m = s->manuals[i];
		const struct entry_session v = {
			.manual = true,
			.local = m->sas.out.src,
			.peer = m->sas.out.id.dst,
			.n_entries = 1,
			.n_children = 1,
			.info = { .since = m->since, .heard = MONO_UNSET },
		};

		if (m->sas.out.id.spi)
			fn(ctx, &v);
	}
}
