// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Crypto maps into one ordered list (semantics.md §4.1). IOS asks the entries one
 * after the other, and a deny sends the packet on to the next entry; XFRM takes
 * the first policy that matches. So what later entries say of a deny's packets is
 * written ahead of it, and what is left of the deny goes in clear.
 */
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/spd/compile.h"

/* Who put what goes ahead of all lines. */
static const struct use nobody;

/* ---- selectors into the list ------------------------------------------------ */

static const struct use *find_taken(const struct builder *b, const struct selector *sel)
{
	return spd_taken_by(&b->taken, sel);
}

bool spd_is_covered(const struct builder *b, const struct selector *sel)
{
	return spd_taken_covers(&b->taken, sel);
}

/* Priorities count selectors here; spread_priorities() makes room between them. */
static void add_policy(struct builder *b, enum policy_dir dir, enum policy_action action,
		       const struct selector *sel, struct spd_line *line)
{
	struct spd_policy *p = spd_grow(b, (void **)&b->s->policies, b->s->n_policies,
				    &b->room_policies, sizeof(*p));

	if (!p)
		return;
	*p = (struct spd_policy){
		.p = { .dir = dir,
		       .action = action,
		       .sel = *sel,
		       .priority = b->in_slot ? b->slot_rank : b->rank },
		.line = line,
	};
	spd_policy_fill(p);
	b->s->n_policies++;
}

#define DIRS_ALL ((1u << POLICY_OUT) | (1u << POLICY_IN) | (1u << POLICY_FWD))

/* False when the selector was there already: XFRM has one policy per direction and selector. */
static bool emit_block(struct builder *b, unsigned dirs, enum policy_action action,
		       const struct selector *sel, const struct use *by)
{
	struct selector in = spd_inbound(sel);
	struct spd_line *line = action == POLICY_PROTECT ? by->line : NULL;

	if (find_taken(b, sel))
		return false;
	if (dirs & (1u << POLICY_OUT))
		add_policy(b, POLICY_OUT, action, sel, line);
	if (dirs & (1u << POLICY_IN))
		add_policy(b, POLICY_IN, action, &in, line);
	if (dirs & (1u << POLICY_FWD))
		add_policy(b, POLICY_FWD, action, &in, line);
	if (spd_taken_put(&b->taken, sel, by ? by : &nobody))
		b->failed = true;
	b->rank += !b->in_slot;
	return !b->failed;
}

unsigned spd_emit(struct builder *b, unsigned dirs, enum policy_action action,
		  const struct selector *sel, const struct use *by)
{
	struct selector_blocks x = selector_blocks(sel);
	struct selector block;
	unsigned n = 0;

	while (!b->failed && selector_next_block(&x, &block))
		n += emit_block(b, dirs, action, &block, by);
	return n;
}

/* `permit ip LAN any` must leave the LAN its own router: S → S stays in clear. */
static void emit_own_network(struct builder *b, struct use *u, const struct selector *part)
{
	const struct selector *line = &u->acl->sel;
	struct selector own = selector_any(line->src.addr.family);
	struct selector sel;

	own.src = own.dst = line->src;
	if (prefix_contains(&line->dst, &line->src) && selector_intersect(part, &own, &sel))
		spd_emit(b, DIRS_ALL, POLICY_ALLOW, &sel, u);
}

/* XFRM has one policy for a selector: in the template's place stands the branch's line. */
static bool emit_branch_here(struct builder *b, struct use *u, const struct selector *block)
{
	struct use *branch = spd_branch_with(b, u, block);
	unsigned from = b->s->n_policies;

	if (!branch || !emit_block(b, DIRS_ALL, POLICY_PROTECT, block, branch))
		return false;
	for (; from < b->s->n_policies; from++)
		b->s->policies[from].under = u->line;
	branch->n_policies++;
	u->n_policies++;
	return true;
}

static void emit_part(struct builder *b, struct use *u, const struct selector *part)
{
	struct selector_blocks x = selector_blocks(part);
	struct selector block;

	emit_own_network(b, u, part);
	while (!b->failed && selector_next_block(&x, &block)) {
		if (!emit_branch_here(b, u, &block))
			u->n_policies += emit_block(b, DIRS_ALL, POLICY_PROTECT, &block, u);
	}
}

/*
 * A fragment has no ports for XFRM, which takes them for 0. As in IOS, a permit with ports
 * has the fragments of its protocol: else they would leave in clear.
 */
static bool fragments_of(const struct selector *sel, struct selector *out)
{
	static const struct port_range none = { 0, 0 };

	*out = *sel;
	out->sport = out->dport = none;
	return sel->proto && sel->proto != IPPROTO_ICMP && sel->proto != IPPROTO_ICMPV6 &&
	       !selector_contains(sel, out);
}

/* What of the line lies within @denied, by an earlier entry; NULL: all. */
static void emit_permit(struct builder *b, struct use *u, const struct selector *denied)
{
	struct selector sel[2] = { u->acl->sel }, part;
	unsigned n = 1 + fragments_of(&sel[0], &sel[1]);

	for (unsigned i = 0; i < n; i++) {
		if (!denied)
			emit_part(b, u, &sel[i]);
		else if (selector_intersect(denied, &sel[i], &part) && !spd_is_covered(b, &part))
			emit_part(b, u, &part);
	}
}

/* ---- branches (§4.2) --------------------------------------------------------- */

static void begin_slot(struct builder *b, const struct use *u)
{
	b->slot_rank = b->rank++;
	b->s->slots[b->s->n_slots++] =
		(struct spd_slot){ .entry = u->entry, .at = b->s->n_policies };
}

/* Behind all that its slot is behind, and beside the other branches. */
static void emit_branch(struct builder *b, struct use *u)
{
	struct spd_slot *slot = &b->s->slots[b->s->n_slots - 1];

	if (u->branch_here)
		return;
	b->in_slot = true;
	u->n_policies += spd_emit(b, DIRS_ALL, POLICY_PROTECT, &u->acl->sel, u);
	b->in_slot = false;
	slot->n = b->s->n_policies - slot->at;
}

/* What the entries from the one after u's say of the packets that u denies; then clear. */
static void emit_deny(struct builder *b, struct use *u, const struct selector *denied)
{
	struct selector part;

	for (struct use *v = u + 1; v < b->uses + b->n_uses; v++) {
		if (v->entry_no == u->entry_no || b->failed)
			continue;
		if (v->acl->permit)
			emit_permit(b, v, denied);
		else if (selector_intersect(denied, &v->acl->sel, &part) &&
			 !spd_is_covered(b, &part))
			emit_deny(b, v, &part);
	}
	spd_emit(b, DIRS_ALL, POLICY_ALLOW, denied, u);
}

/* ---- what goes ahead ------------------------------------------------------------ */

/* Neighbour and router discovery, redirects: XFRM has an ICMPv6 type as source port. */
static void emit_discovery(struct builder *b)
{
	static const struct port_range types[] = { { 133, 133 }, { 134, 135 }, { 136, 137 } };
	struct selector sel = selector_any(AF_INET6);
	bool v6 = false;

	for (unsigned i = 0; i < b->n_uses; i++)
		v6 |= b->uses[i].acl->sel.src.addr.family == AF_INET6;
	sel.proto = IPPROTO_ICMPV6;
	for (unsigned i = 0; v6 && i < sizeof(types) / sizeof(types[0]); i++) {
		sel.sport = types[i];
		/* Routers do not forward these. */
		spd_emit(b, (1u << POLICY_OUT) | (1u << POLICY_IN), POLICY_ALLOW, &sel, NULL);
	}
}

/* By whom the whole line is taken, or its first block; NULL: something is left. */
static const struct use *find_all_taken(const struct builder *b, const struct selector *sel)
{
	struct selector_blocks x = selector_blocks(sel);
	const struct use *first = NULL, *by;
	struct selector block;

	while (selector_next_block(&x, &block)) {
		by = find_taken(b, &block);
		if (!by)
			return NULL;
		first = first ? first : by;
	}
	return first;
}

static void emit_use(struct builder *b, struct use *u)
{
	const struct use *by = u->slot ? NULL : find_all_taken(b, &u->acl->sel);

	if (u->slot)
		begin_slot(b, u);
	else if (u->branch)
		emit_branch(b, u);
	if (u->slot || u->branch)
		return;
	/* By a later entry's: the cascade of a deny wrote it, which is no duplicate. */
	if (by && by != &nobody && by < u && !u->n_policies)
		spd_note_taken(b, u, by);
	if (u->acl->permit)
		emit_permit(b, u, NULL);
	else
		emit_deny(b, u, &u->acl->sel);
	by = find_all_taken(b, &u->acl->sel);
	if (u->acl->permit && by == u && !u->n_policies)
		spd_note_taken(b, u, u);
}

/* Lines that nothing stands for are no lines. */
static void keep_lines(struct builder *b)
{
	for (unsigned i = 0; i < b->n_uses; i++) {
		struct use *u = &b->uses[i];

		if (u->n_policies)
			b->s->lines[b->s->n_lines++] = u->line;
		else
			free(u->line);
	}
}

static void spread_priorities(struct builder *b)
{
	uint32_t room = (SPD_PRIORITY_LAST - SPD_PRIORITY_FIRST) / 2;
	uint32_t step = room / (b->rank + 1);

	if (step > SPD_PRIORITY_STEP)
		step = SPD_PRIORITY_STEP;
	for (unsigned i = 0; i < b->s->n_policies; i++)
		b->s->policies[i].p.priority =
			SPD_PRIORITY_FIRST + room + b->s->policies[i].p.priority * step;
}

struct spd *spd_compile(const struct config *c, const struct spd_env *env)
{
	struct builder b = { .env = env, .s = calloc(1, sizeof(struct spd)) };

	if (!b.s)
		return NULL;
	spd_collect_uses(&b, c);
	if (!b.failed)
		spd_collect_peers(&b);
	if (!b.failed)
		emit_discovery(&b);
	for (unsigned i = 0; i < b.n_uses && !b.failed; i++)
		emit_use(&b, &b.uses[i]);
	for (unsigned i = 0; i < b.n_uses && !b.failed; i++) {
		if (b.uses[i].n_policies && !b.uses[i].branch)
			spd_nat_hole(&b, &b.uses[i]);
	}
	spread_priorities(&b);
	keep_lines(&b);
	free(b.uses);
	free(b.peers);
	spd_taken_clear(&b.taken);
	if (!b.failed)
		return b.s;
	spd_free(b.s);
	return NULL;
}
