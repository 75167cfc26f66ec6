// SPDX-License-Identifier: GPL-2.0
/*
 * Rules: metadata for SAs by their outer addresses and some more. The first
 * that matches gives all of it; nothing is merged.
 */

#include <linux/jhash.h>
#include <linux/slab.h>

#include "prefpeer.h"

static u8 pp_family_bits(u16 family)
{
	return family == AF_INET ? 32 : 128;
}

static u32 *pp_rule_lens(struct pp_net *pn, u16 family)
{
	return pn->tab->lens[family == AF_INET6];
}

/**
 * pp_prefix_set() - the first bits of an address
 * @p: result
 * @addr: the address
 * @len: how many bits
 */
void pp_prefix_set(struct pp_prefix *p, const xfrm_address_t *addr, u8 len)
{
	u8 bytes = len / 8, bits = len % 8;

	memset(p, 0, sizeof(*p));
	p->len = len;
	memcpy(&p->addr, addr, bytes);
	if (bits)
		((u8 *)&p->addr)[bytes] = ((const u8 *)addr)[bytes] &
					  (0xff00 >> bits);
}

/**
 * pp_prefix_has() - is an address inside a prefix?
 * @p: the prefix
 * @addr: the address, of the same family
 */
bool pp_prefix_has(const struct pp_prefix *p, const xfrm_address_t *addr)
{
	return addr_match(&p->addr, addr, p->len);
}

static struct hlist_head *pp_rule_slot(struct pp_net *pn, u16 family,
				       const struct pp_prefix *remote)
{
	u32 hash = jhash(&remote->addr, sizeof(remote->addr),
			 family << 16 | remote->len);

	return &pn->tab->rules[hash >> (32 - PP_RULE_HASH_BITS)];
}

static int pp_rank(int a, int b)
{
	return (a > b) - (a < b);
}

static int pp_sel_local_rank(const struct pp_selector *sel)
{
	return sel->has & PP_SEL_LOCAL ? sel->local.len : -1;
}

static int pp_sel_mark_rank(const struct pp_selector *sel)
{
	return sel->has & PP_SEL_MARK ? hweight32(sel->mark.m) : -1;
}

/* Above 0: a comes before b. */
static int pp_sel_cmp(const struct pp_selector *a, const struct pp_selector *b)
{
	int cmp = pp_rank(a->remote.len, b->remote.len);

	if (!cmp)
		cmp = pp_rank(pp_sel_local_rank(a), pp_sel_local_rank(b));
	if (!cmp)
		cmp = pp_rank(a->has & PP_SEL_REQID, b->has & PP_SEL_REQID);
	if (!cmp)
		cmp = pp_rank(a->has & PP_SEL_IF_ID, b->has & PP_SEL_IF_ID);
	if (!cmp)
		cmp = pp_rank(pp_sel_mark_rank(a), pp_sel_mark_rank(b));
	if (!cmp)
		cmp = pp_rank(a->has & PP_SEL_PROTO, b->has & PP_SEL_PROTO);
	return cmp;
}

/**
 * pp_rule_better() - does one rule come before another?
 * @a: a rule or NULL
 * @b: a rule or NULL
 */
bool pp_rule_better(const struct pp_rule *a, const struct pp_rule *b)
{
	int cmp;

	if (!a || !b)
		return a;
	cmp = pp_sel_cmp(&a->sel, &b->sel);
	return cmp > 0 || (!cmp && a->id < b->id);
}

static bool pp_sel_has_remote(const struct pp_selector *sel, u16 family,
			      const struct pp_prefix *remote)
{
	return sel->family == family &&
	       !memcmp(&sel->remote, remote, sizeof(*remote));
}

/* The remote end has been compared. */
static bool pp_sel_match(const struct pp_selector *sel,
			 const struct xfrm_state *x,
			 const xfrm_address_t *local)
{
	if ((sel->has & PP_SEL_LOCAL) && !pp_prefix_has(&sel->local, local))
		return false;
	if ((sel->has & PP_SEL_REQID) && sel->reqid != x->props.reqid)
		return false;
	if ((sel->has & PP_SEL_IF_ID) && sel->if_id != READ_ONCE(x->if_id))
		return false;
	if ((sel->has & PP_SEL_MARK) &&
	    (x->mark.v & sel->mark.m) != sel->mark.v)
		return false;
	return !(sel->has & PP_SEL_PROTO) || sel->proto == x->id.proto;
}

static struct pp_rule *pp_rule_match(struct pp_net *pn, struct xfrm_state *x,
				     const xfrm_address_t *local,
				     const xfrm_address_t *remote)
{
	u16 family = x->props.family;
	u32 *lens = pp_rule_lens(pn, family);
	struct pp_prefix prefix;
	struct pp_rule *rule;
	int len;

	for (len = pp_family_bits(family); len >= 0; len--) {
		if (!lens[len])
			continue;
		pp_prefix_set(&prefix, remote, len);
		hlist_for_each_entry(rule, pp_rule_slot(pn, family, &prefix),
				     node)
			if (pp_sel_has_remote(&rule->sel, family, &prefix) &&
			    pp_sel_match(&rule->sel, x, local))
				return rule;
	}
	return NULL;
}

/**
 * pp_rule_best() - the rule for an SA
 * @pn: its namespace
 * @x: the SA
 * @dir: enum prefpeer_dir; where unknown either end may be the remote one
 *
 * Return: NULL for none.
 */
struct pp_rule *pp_rule_best(struct pp_net *pn, struct xfrm_state *x, u8 dir)
{
	struct pp_rule *out = NULL, *in = NULL;

	lockdep_assert_held(&pn->mutex);
	if (!pn->rules_all.n)
		return NULL;
	if (dir != PREFPEER_DIR_IN)
		out = pp_rule_match(pn, x, &x->props.saddr, &x->id.daddr);
	if (dir != PREFPEER_DIR_OUT)
		in = pp_rule_match(pn, x, &x->id.daddr, &x->props.saddr);
	return pp_rule_better(out, in) ? out : in;
}

/**
 * pp_rule_find() - the rule with exactly these selectors
 * @pn: the namespace
 * @sel: the selectors
 *
 * Return: NULL for none.
 */
struct pp_rule *pp_rule_find(struct pp_net *pn, const struct pp_selector *sel)
{
	struct pp_rule *rule;

	lockdep_assert_held(&pn->mutex);
	hlist_for_each_entry(rule, pp_rule_slot(pn, sel->family, &sel->remote),
			     node)
		if (!memcmp(&rule->sel, sel, sizeof(*sel)))
			return rule;
	return NULL;
}

/* One sweep for all changes that come before it. */
static void pp_rule_changed(struct pp_net *pn)
{
	pn->rule_gen++;
	pp_sweep_start(&pn->rule_sweep);
	spin_lock_bh(&pn->lock);
	pp_kick(pn);
	spin_unlock_bh(&pn->lock);
}

static void pp_rule_link(struct pp_net *pn, struct pp_rule *rule)
{
	struct hlist_head *slot = pp_rule_slot(pn, rule->sel.family,
					       &rule->sel.remote);
	struct hlist_node *last = NULL;
	struct pp_rule *other;

	hlist_for_each_entry(other, slot, node) {
		if (pp_rule_better(rule, other))
			break;
		last = &other->node;
	}
	if (last)
		hlist_add_behind(&rule->node, last);
	else
		hlist_add_head(&rule->node, slot);
	pp_rule_lens(pn, rule->sel.family)[rule->sel.remote.len]++;
}

/**
 * pp_rule_new() - add a rule
 * @pn: the namespace, set up
 * @sel: selectors that no rule has
 * @meta: metadata; the rule takes a reference of its own
 * @id: where the rule-id goes
 *
 * Return: 0 or -errno.
 */
int pp_rule_new(struct pp_net *pn, const struct pp_selector *sel,
		struct pp_meta *meta, u32 *id)
{
	struct pp_rule *rule;
	int err;

	lockdep_assert_held(&pn->mutex);
	rule = kzalloc(sizeof(*rule), GFP_KERNEL_ACCOUNT);
	if (!rule)
		return -ENOMEM;
	refcount_set(&rule->ref, 1);
	rule->sel = *sel;
	err = pp_id_new(&pn->rules_all, rule, &rule->id);
	if (err) {
		kfree(rule);
		return err;
	}
	rule->meta = pp_meta_get(meta);
	pp_rule_link(pn, rule);
	pp_event_rule(pn, PREFPEER_CMD_RULE_NEW_NTF, rule);
	pp_rule_changed(pn);
	*id = rule->id;
	return 0;
}

/**
 * pp_rule_set() - give a rule other metadata
 * @pn: the namespace
 * @rule: the rule
 * @meta: metadata; the rule takes a reference of its own
 */
void pp_rule_set(struct pp_net *pn, struct pp_rule *rule, struct pp_meta *meta)
{
	lockdep_assert_held(&pn->mutex);
	pp_meta_put(rule->meta);
	rule->meta = pp_meta_get(meta);
	pp_event_rule(pn, PREFPEER_CMD_RULE_NEW_NTF, rule);
	pp_rule_changed(pn);
}

static void pp_rule_unlink(struct pp_net *pn, struct pp_rule *rule)
{
	hlist_del(&rule->node);
	pp_rule_lens(pn, rule->sel.family)[rule->sel.remote.len]--;
	pp_id_del(&pn->rules_all, rule->id);
	pp_rule_put(rule);
}

/**
 * pp_rule_del() - remove a rule
 * @pn: the namespace
 * @rule: the rule; pairs keep what it gave until the sweep that this starts
 */
void pp_rule_del(struct pp_net *pn, struct pp_rule *rule)
{
	lockdep_assert_held(&pn->mutex);
	pp_event_rule(pn, PREFPEER_CMD_RULE_DEL_NTF, rule);
	pp_rule_unlink(pn, rule);
	pp_rule_changed(pn);
}

/**
 * pp_rule_put() - give a reference back
 * @rule: a rule or NULL
 */
void pp_rule_put(struct pp_rule *rule)
{
	if (!rule || !refcount_dec_and_test(&rule->ref))
		return;
	pp_meta_put(rule->meta);
	kfree(rule);
}

/**
 * pp_rule_drop_all() - forget all rules, telling nobody
 * @pn: the namespace, its worker stopped
 */
void pp_rule_drop_all(struct pp_net *pn)
{
	struct pp_rule *rule;
	unsigned long id;

	xa_for_each(&pn->rules_all.xa, id, rule)
		pp_rule_unlink(pn, rule);
}

/**
 * pp_rule_sweep_step() - match some pairs with changed rules
 * @pn: the namespace; the caller is its worker
 *
 * Return: whether there was a sweep.
 */
bool pp_rule_sweep_step(struct pp_net *pn)
{
	struct pp_sweep *sw = &pn->rule_sweep;
	int end = pn->budget - PP_SHARE;
	unsigned long id;
	struct pp_pair *pair;

	lockdep_assert_held(&pn->mutex);
	if (!sw->next)
		return false;
	xa_for_each_range(&pn->pairs_all.xa, id, pair, sw->next,
			  pp_sweep_last(sw)) {
		sw->next = id;
		if (pn->budget <= end)
			return true;
		sw->next = id + 1;
		pp_pair_match_again(pn, pair);
		pp_pause(pn);
	}
	pp_sweep_turn(sw);
	return true;
}
