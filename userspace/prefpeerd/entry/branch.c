/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Branches that call by a dynamic map (semantics.md §4.2). Whoever authenticates gets an
 * entry for as long as its tunnel lives, of what its template says and its own selectors,
 * within the template's access list where it has one. The core treats it as any other,
 * but that it never begins.
 *
 * Decided here, where IOS is silent:
 *  - who is who is the authenticated identity. The same one again, from wherever, is the
 *    same branch, which takes over its entry (as P[c] that calls anew, §1.5); another that
 *    claims any of it is refused, and the holder is asked whether it lives;
 *  - entries of the file come first. A claim that one of their lines covers, or one of their
 *    denies cuts, is refused whole: half of it would go elsewhere, or in clear;
 *  - a claim that covers our own side or our own address is refused: it would take the hub
 *    away from its own network.
 */
#include "lib/log.h"
#include "prefpeerd/entry/mem.h"
#include "prefpeerd/entry/shell.h"

#define SEQ_FIRST 65536u /* as IOS numbers them: above all that the file can name */
#define SEQ_LAST 131071u
#define LINES_MAX 32 /* of one branch */
#define WHY_MAX 320

/* What a call comes to: by which template, with which selector; or why not. */
struct claim {
	const struct map_entry *of, *tmpl;
	struct selector sel;
	char why[WHY_MAX];
	conn_id holder; /* of what it claims, if that is why; it is asked whether it lives */
};

static bool is_nobody(const struct ike_id *id)
{
	return id->type == IKE_ID_NONE;
}

/* ---- who it is ---- */

static struct shell_entry *by_identity(const struct entries *s, const struct ike_id *id)
{
	for (unsigned i = 0; i < s->n_list; i++)
		if (s->list[i]->branch && ike_id_equal(&s->list[i]->branch->id, id))
			return s->list[i];
	return NULL;
}

static struct shell_entry *by_conn(const struct entries *s, conn_id conn)
{
	for (unsigned i = 0; i < s->n_list; i++)
		if (s->list[i]->branch && core_entry(&s->core, s->list[i]->id)->conn == conn)
			return s->list[i];
	return NULL;
}

/* ---- may it have that? ---- */

/*
 * What of @offered the list permits, by a line that has @flow (NULL: any), no deny before
 * it in the way. NULL: all of it.
 */
static bool acl_permits(const struct acl *acl, const struct selector *offered,
			const struct selector *flow, struct selector *out)
{
	struct selector cut;

	*out = *offered;
	for (unsigned i = 0; acl && i < acl->n_lines; i++) {
		bool denied = false;

		if (!acl->lines[i].permit ||
		    (flow && !selector_contains(&acl->lines[i].sel, flow)) ||
		    !selector_intersect(offered, &acl->lines[i].sel, out))
			continue;
		for (unsigned k = 0; k < i && !denied; k++)
			denied = !acl->lines[k].permit &&
				 selector_intersect(out, &acl->lines[k].sel, &cut);
		if (!denied)
			return true;
	}
	return !acl;
}

static bool template_permits(const struct map_entry *tmpl, const struct core_inbound *in,
			     struct selector *out)
{
	const struct selector *flow = in->single_flow ? &in->offered[0] : NULL;
	struct selector s;
	bool any = false;

	/* §2.9, as with the lines of an entry (inbound.c): the widest around the packet. */
	for (unsigned i = flow && in->n_offered > 1; i < in->n_offered && (flow || !any); i++) {
		if ((flow && !selector_contains(&in->offered[i], flow)) ||
		    !acl_permits(tmpl->acl, &in->offered[i], flow, &s) ||
		    (any && !selector_contains(&s, out)))
			continue;
		*out = s;
		any = true;
	}
	/* A policy is one prefix, and one mask of ports. */
	if (any)
		*out = selector_block(out, flow);
	return any;
}

static bool remote_fits(const struct entries *s, remote_id remote, const struct map_entry *tmpl)
{
	for (unsigned i = 0; i < s->n_remotes; i++)
		if (s->remotes[i].r.id == remote)
			return !strcmp(s->remotes[i].profile, tmpl->profile_name);
	return false;
}

/* Of the first template, in the order of the file, that lets it in. */
static bool find_template(const struct entries *s, const struct core_inbound *in, struct claim *c)
{
	const char *why = "no dynamic map is for a peer that proves itself so";

	for (unsigned i = 0; i < s->spd->n_slots; i++) {
		const struct map_entry *of = s->spd->slots[i].entry;

		for (unsigned k = 0; k < of->dynamic->n_entries; k++) {
			const struct map_entry *tmpl = of->dynamic->entries[k];

			if (!remote_fits(s, in->remote, tmpl))
				continue;
			why = "no access list of a dynamic map permits what it asks for";
			if (!template_permits(tmpl, in, &c->sel))
				continue;
			c->of = of;
			c->tmpl = tmpl;
			return true;
		}
	}
	snprintf(c->why, sizeof(c->why), "%s", why);
	return false;
}

/* Neither our side, nor the address that it speaks to. */
static bool takes_ours(const struct core_inbound *in, struct claim *c)
{
	char text[SELECTOR_STRLEN];

	if (!prefix_contains(&c->sel.dst, &c->sel.src) &&
	    !(in->local.family == c->sel.dst.addr.family &&
	      prefix_has_addr(&c->sel.dst, &in->local)))
		return false;
	snprintf(c->why, sizeof(c->why), "it claims what is ours: %s",
		 selector_print(&c->sel, text, sizeof(text)));
	return true;
}

static bool belongs_to_line(const struct entries *s, struct claim *c)
{
	char text[SELECTOR_STRLEN];
	struct selector both;

	for (unsigned i = 0; i < s->spd->n_lines; i++) {
		const struct spd_line *l = s->spd->lines[i];

		if (l->of_branch || l->entry->dynamic || !selector_intersect(&l->sel, &c->sel, &both))
			continue;
		/* Ahead of it, what they share is the line's; of another map it is behind. */
		if (l->entry->map == c->of->map && !selector_contains(&l->sel, &c->sel))
			continue;
		snprintf(c->why, sizeof(c->why), "%s %u line %u has %s", l->map, l->seq, l->no,
			 selector_print(&both, text, sizeof(text)));
		return true;
	}
	return false;
}

/* Ahead of the branch's policy stands what a deny lets go in clear. */
static bool is_denied_by(const struct map_entry *e, struct claim *c)
{
	char text[SELECTOR_STRLEN];
	struct selector both;

	for (unsigned i = 0; e->acl && i < e->acl->n_lines; i++) {
		if (e->acl->lines[i].permit ||
		    !selector_intersect(&e->acl->lines[i].sel, &c->sel, &both))
			continue;
		snprintf(c->why, sizeof(c->why), "%s %u denies %s of it (access list %s)",
			 e->map->name, e->seq, selector_print(&both, text, sizeof(text)),
			 e->acl_name);
		return true;
	}
	return false;
}

static bool is_denied(const struct entries *s, struct claim *c)
{
	for (unsigned i = 0; i < s->conf->n_maps; i++)
		for (unsigned k = 0; k < s->conf->maps[i]->n_entries; k++)
			if (s->conf->maps[i]->n_interfaces &&
			    is_denied_by(s->conf->maps[i]->entries[k], c))
				return true;
	return false;
}

static bool overlaps(const struct core_entry *e, const struct selector *sel, struct selector *both)
{
	for (unsigned i = 0; i < e->n_lines; i++)
		if (selector_intersect(&e->lines[i].sel, sel, both))
			return true;
	return false;
}

static bool is_held(const struct entries *s, const struct shell_entry *caller, struct claim *c)
{
	char text[SELECTOR_STRLEN], holder[IKE_ID_STRLEN];
	struct selector both;

	for (unsigned i = 0; i < s->n_list; i++) {
		const struct shell_entry *se = s->list[i];
		const struct core_entry *e = core_entry(&s->core, se->id);

		if (!se->branch || se == caller || !overlaps(e, &c->sel, &both))
			continue;
		c->holder = e->conn;
		snprintf(c->why, sizeof(c->why), "branch %.100s (%s %u) holds %s",
			 ike_id_print(&se->branch->id, holder, sizeof(holder)), se->map, se->seq,
			 selector_print(&both, text, sizeof(text)));
		return true;
	}
	return false;
}

static bool may_have(struct entries *s, const struct shell_entry *caller,
		     const struct core_inbound *in, struct claim *c)
{
	return !takes_ours(in, c) && !belongs_to_line(s, c) && !is_denied(s, c) &&
	       !is_held(s, caller, c);
}

/* ---- its entry ---- */

static void fill_conf(struct map_entry *to, const struct map_entry *of,
		      const struct map_entry *tmpl, uint32_t seq)
{
	*to = *tmpl;
	to->map = of->map;
	to->seq = seq;
	to->acl = NULL;
	to->description = NULL;
}

static uint32_t free_seq(struct entries *s, const char *map)
{
	for (uint32_t n = SEQ_FIRST; n <= SEQ_LAST; n++) {
		s->branch_seq = s->branch_seq < SEQ_FIRST || s->branch_seq >= SEQ_LAST
					? SEQ_FIRST : s->branch_seq + 1;
		if (!shell_find(s, map, s->branch_seq))
			return s->branch_seq;
	}
	return 0;
}

static void name_peer(struct shell_entry *se, const struct addr *from)
{
	char text[ADDR_STRLEN];

	if (!se->n_names)
		se->names = mem_zero(se->n_names = 1, sizeof(*se->names));
	free(se->names[0]);
	se->names[0] = strdup(addr_print(from, text, sizeof(text)));
}

static struct shell_entry *new_entry(struct step *t, const struct core_inbound *in,
				     const struct claim *c, const struct ike_id *id)
{
	struct core_peer peer = {.addr = in->from, .remote = in->remote};
	uint32_t seq = free_seq(t->s, c->of->map->name);
	struct branch *b = seq ? mem_zero(1, sizeof(*b)) : NULL;
	struct shell_entry *se;
	struct core_entry *e;

	if (!b)
		return NULL;
	b->of = c->of;
	b->of_seq = c->of->seq;
	b->template_seq = c->tmpl->seq;
	b->id = *id;
	fill_conf(&b->conf[0], c->of, c->tmpl, seq);
	se = shell_entry_add(t->s, &b->conf[0]);
	se->branch = b;
	se->conf = &b->conf[0];
	e = core_entry(&t->s->core, se->id);
	e->temporary = true;
	shell_set_values(t->s->conf, se->conf, e);
	name_peer(se, &in->from);
	shell_set_dpd(&peer, se->conf->profile);
	core_entry_init(&t->r, e, &peer, 1, NULL, 0);
	t->s->branches.now++;
	t->s->branches.came++;
	return se;
}

/* It may call from elsewhere now; where packets go to is known once its child is up. */
static void note_source(struct shell_entry *se, struct core_entry *e,
			const struct core_inbound *in)
{
	if (!addr_equal(&e->peers[0].addr, &in->from))
		name_peer(se, &in->from);
	e->peers[0].addr = in->from;
	e->peers[0].remote = in->remote;
}

static bool add_line(struct entries *s, struct shell_entry *se, const struct core_inbound *in,
		     struct claim *c)
{
	struct core_entry *e = core_entry(&s->core, se->id);
	struct spd_branch b = {.of = c->of,
			       .entry = se->conf,
			       .no = e->n_lines + 1,
			       .acl = {.permit = true, .sel = c->sel, .pos = c->of->pos},
			       .local = in->local,
			       .peer = in->from};
	int err = -ENOSPC;

	if (e->n_lines < LINES_MAX)
		b.reqid = s->ports.reqid_draw(s->ports.ctx);
	if (b.reqid && s->ports.branch_add(s->spd, &b, s->ports.kernel, &err)) {
		core_branch_line(e, &(struct core_line){.reqid = b.reqid,
							.no = b.no,
							.sel = c->sel,
							.local = in->local,
							.peer = in->from});
		return true;
	}
	if (b.reqid)
		s->ports.reqid_release(s->ports.ctx, b.reqid);
	snprintf(c->why, sizeof(c->why), "no policy can be made for it: %s", strerror(-err));
	return false;
}

static void refuse(struct entries *s, const struct core_inbound *in, const struct ike_id *id,
		   const struct claim *c)
{
	char who[IKE_ID_STRLEN], from[ADDR_STRLEN];

	s->branches.refused++;
	log_notice("entry", "branch %.100s at %s refused: %s", ike_id_print(id, who, sizeof(who)),
		   addr_print(&in->from, from, sizeof(from)), c->why);
	if (c->holder)
		act_probe(s, c->holder);
}

/* One of its lines has all of that. */
static bool holds(const struct core_entry *e, const struct selector *sel)
{
	for (unsigned i = 0; i < e->n_lines; i++)
		if (selector_contains(&e->lines[i].sel, sel))
			return true;
	return false;
}

/*
 * On a new IKE SA it asks for more than it had: its networks are others now, and the old
 * line would give it the old part of them. act_all() reaps what has ended.
 */
static void begin_anew(struct step *t, const struct shell_entry *se)
{
	core_clear_session(&t->r, core_entry(&t->s->core, se->id), REASON_INBOUND);
	act_all(t->s);
}

uint32_t branch_call(struct step *t, const struct core_inbound *in, const struct ike_id *id)
{
	struct entries *s = t->s;
	struct claim c = {0};
	struct shell_entry *se = in->conn ? by_conn(s, in->conn) : by_identity(s, id);
	struct core_entry *e = se ? core_entry(&s->core, se->id) : NULL;
	struct selector both;

	if (!s->ports.branch_add || (!s->spd->n_slots && !se) || (in->conn && !se) ||
	    (!se && is_nobody(id)))
		return 0;
	if (!find_template(s, in, &c) || !may_have(s, se, in, &c)) {
		refuse(s, in, se ? &se->branch->id : id, &c);
		return 0;
	}
	if (e && !in->conn && overlaps(e, &c.sel, &both) && !holds(e, &c.sel)) {
		begin_anew(t, se);
		se = by_identity(s, id);
		e = se ? core_entry(&s->core, se->id) : NULL;
	}
	if (e && overlaps(e, &c.sel, &both)) {
		note_source(se, e, in);
		return e->id;
	}
	se = se ? se : new_entry(t, in, &c, id);
	if (!se || !add_line(s, se, in, &c)) {
		refuse(s, in, id, &c);
		return 0;
	}
	note_source(se, core_entry(&s->core, se->id), in);
	rules_replace(s);
	return se->id;
}

/* ---- its end ---- */

void branch_lines_gone(struct entries *s, const struct core_entry *e)
{
	if (!e->temporary)
		return;
	for (unsigned i = 0; i < e->n_lines; i++)
		s->ports.reqid_release(s->ports.ctx, e->lines[i].reqid);
	s->branches.now--;
}

static void let_go(struct entries *s, unsigned i)
{
	struct core_entry *e = core_entry(&s->core, s->list[i]->id);

	for (unsigned k = 0; k < e->n_lines; k++)
		s->ports.branch_del(s->spd, e->lines[k].reqid, s->ports.kernel);
	branch_lines_gone(s, e);
	core_drop(&s->core, e);
	shell_entry_remove(s, i);
}

void branches_reap(struct entries *s)
{
	bool any = false;

	for (unsigned i = s->branches.now ? s->n_list : 0; i-- > 0;) {
		const struct core_entry *e = core_entry(&s->core, s->list[i]->id);

		if (!s->list[i]->branch || e->state != ENTRY_DOWN || e->n_children || e->n_holds)
			continue;
		let_go(s, i);
		any = true;
	}
	if (any)
		rules_replace(s);
}

/* ---- a new configuration ---- */

static const struct map_entry *next_template(const struct map_entry *of, uint32_t seq)
{
	for (unsigned i = 0; of && of->dynamic && i < of->dynamic->n_entries; i++)
		if (of->dynamic->entries[i]->seq == seq)
			return of->dynamic->entries[i];
	return NULL;
}

/* All of what it has is still permitted, by the same template. */
static bool find_place(const struct entries *s, const struct config *c, struct shell_entry *se)
{
	const struct map_entry *of = conf_find_entry(c, se->map, se->branch->of_seq);
	const struct map_entry *tmpl = next_template(of, se->branch->template_seq);
	const struct core_entry *e = core_entry(&s->core, se->id);
	struct branch *b = se->branch;
	struct selector out;

	if (!tmpl || !of->map->n_interfaces)
		return false;
	for (unsigned i = 0; i < e->n_lines; i++)
		if (!acl_permits(tmpl->acl, &e->lines[i].sel, NULL, &out) ||
		    !selector_equal(&out, &e->lines[i].sel))
			return false;
	b->next_of = of;
	fill_conf(&b->conf[!b->now], of, tmpl, se->seq);
	return true;
}

static void list_lines(const struct entries *s, const struct shell_entry *se,
		       struct spd_branch *list, unsigned *n)
{
	const struct core_entry *e = core_entry(&s->core, se->id);

	for (unsigned i = 0; i < e->n_lines; i++) {
		const struct core_line *l = &e->lines[i];

		list[(*n)++] = (struct spd_branch){
			.of = se->branch->next_of,
			.entry = &se->branch->conf[!se->branch->now],
			.reqid = l->reqid,
			.no = l->no,
			.acl = {.permit = true, .sel = l->sel, .pos = se->branch->next_of->pos},
			.local = l->local,
			.peer = l->peer,
		};
	}
}

int entries_branches(struct entries *s, const struct config *c, struct spd_branch **list,
		     unsigned *n)
{
	unsigned most = 0;

	for (unsigned i = 0; i < s->n_list; i++)
		most += s->list[i]->branch ? core_entry(&s->core, s->list[i]->id)->n_lines : 0;
	*n = 0;
	*list = calloc(most + 1, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	for (unsigned i = 0; i < s->n_list; i++) {
		struct shell_entry *se = s->list[i];

		if (!se->branch)
			continue;
		se->branch->goes_on = find_place(s, c, se);
		if (se->branch->goes_on)
			list_lines(s, se, *list, n);
	}
	return 0;
}

bool branch_moved_on(struct shell_entry *se)
{
	struct branch *b = se->branch;

	if (!b->goes_on)
		return false;
	b->now = !b->now;
	b->of = b->next_of;
	se->conf = &b->conf[b->now];
	return true;
}
