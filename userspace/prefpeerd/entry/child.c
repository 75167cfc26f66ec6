/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Child SAs: the table of an entry. */
#include "prefpeerd/entry/core.h"
#include "prefpeerd/entry/mem.h"

struct core_child *core_child(const struct core_entry *e, child_id id)
{
	for (unsigned i = 0; id && i < e->n_children; i++)
		if (e->children[i].id == id)
			return &e->children[i];
	return NULL;
}

struct core_entry *core_child_entry(const struct core *c, child_id id, struct core_child **child)
{
	for (unsigned i = 0; i < c->n_entries; i++) {
		*child = core_child(c->entries[i], id);
		if (*child)
			return c->entries[i];
	}
	*child = NULL;
	return NULL;
}

struct core_child *core_child_add(struct core_entry *e, child_id id, conn_id conn, uint32_t reqid,
				  enum child_state state, peer_key peer)
{
	MEM_ROOM(e->children, e->n_children, e->cap_children);
	e->children[e->n_children] = (struct core_child){
		.id = id,
		.conn = conn,
		.reqid = reqid,
		.state = state,
		.peer = peer,
	};
	return &e->children[e->n_children++];
}

void core_child_forget(struct core_entry *e, child_id id)
{
	struct core_child *ch = core_child(e, id);
	struct core_line *l;

	if (!ch)
		return;
	l = core_line(e, ch->reqid);
	if (l && l->setup == id)
		l->setup = 0;
	memmove(ch, ch + 1, (size_t)(&e->children[e->n_children] - (ch + 1)) * sizeof(*ch));
	e->n_children--;
}

void core_child_end(struct run *r, struct core_entry *e, child_id id, enum engine_close how)
{
	const struct core_child *ch = core_child(e, id);
	struct core_action *a;

	if (!ch)
		return;
	a = emit(r, ACT_CHILD_CLOSE, e);
	a->conn = ch->conn;
	a->child = id;
	a->reqid = ch->reqid;
	a->how = how;
	core_child_forget(e, id);
}

void core_child_retire(struct run *r, struct core_entry *e, struct core_child *ch)
{
	struct core_action *a = emit(r, ACT_CHILD_CLOSE, e);

	a->conn = ch->conn;
	a->child = ch->id;
	a->reqid = ch->reqid;
	a->how = CLOSE_OUT;
	ch->state = CHILD_OLD;
	ch->close_at = mono_add_ms(r->env->now, OLD_INBOUND_MS);
}

void core_child_set_pair(struct core_child *ch, const struct core_pair *p)
{
	ch->local = p->local;
	ch->remote = p->peer;
	ch->kind = p->kind;
	ch->spi_in = p->spi_in;
	ch->spi_out = p->spi_out;
	ch->sel = p->sel;
}

void core_child_live(struct run *r, struct core_entry *e, struct core_child *ch,
		     const struct core_pair *p)
{
	struct core_line *l = core_line(e, ch->reqid);

	core_child_set_pair(ch, p);
	ch->state = CHILD_LIVE;
	ch->since = r->env->now;
	if (!l)
		return;
	if (l->setup == ch->id)
		l->setup = 0;
	l->want = false;
	l->m = 0;
	l->backoff_at = MONO_UNSET;
	l->backoff_text[0] = '\0';
	/* The outbound SA took the place of a larval with its addresses. */
	if (addr_equal(&l->larval_dst, &ch->remote) && addr_equal(&l->larval_src, &ch->local))
		l->larval = false;
}

struct core_child *line_child(const struct core_entry *e, uint32_t reqid)
{
	struct core_child *newest = NULL;

	for (unsigned i = 0; i < e->n_children; i++) {
		struct core_child *ch = &e->children[i];

		if (ch->reqid == reqid && ch->state == CHILD_LIVE)
			newest = ch;
	}
	return newest;
}
