// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/spd/spd_impl.h"

void spd_free(struct spd *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->n_lines; i++)
		free(s->lines[i]);
	free(s->lines);
	free(s->policies);
	free(s->notes);
	free(s->slots);
	free(s);
}

struct spd_line *spd_line_by_reqid(const struct spd *s, uint32_t reqid)
{
	for (unsigned i = 0; i < s->n_lines; i++) {
		if (s->lines[i]->reqid == reqid)
			return s->lines[i];
	}
	return NULL;
}

struct selector spd_inbound(const struct selector *out)
{
	struct selector in = *out;

	if (out->proto != IPPROTO_ICMP && out->proto != IPPROTO_ICMPV6)
		return selector_reverse(out);
	in.src = out->dst;
	in.dst = out->src;
	return in;
}

static bool names(const struct prefix *p, const struct addr *a)
{
	struct prefix host = prefix_host(a);

	return addr_is_set(a) && prefix_equal(p, &host);
}

/* Transport mode is for the gateways' own packets: of any other peer of the list it is a tunnel. */
static struct sa_kind template_kind(const struct spd_line *line)
{
	struct sa_kind kind = line->kind;

	kind.transport &= names(&line->sel.src, &line->local) &&
			  names(&line->sel.dst, &line->peer);
	return kind;
}

struct sa_kind spd_entry_kind(const struct map_entry *e)
{
	return (struct sa_kind){
		.ah = e->n_sets && suite_is_ah(&e->sets[0]->suite),
		.transport = e->n_sets && e->sets[0]->mode != SA_MODE_TUNNEL,
	};
}

void spd_policy_fill(struct spd_policy *p)
{
	const struct spd_line *line = p->line;
	bool out = p->p.dir == POLICY_OUT;

	if (!line)
		return;
	p->p.reqid = 0;
	p->p.tmpl_family = AF_UNSPEC;
	p->p.kind = (struct sa_kind){ 0 };
	p->p.tmpl_src = p->p.tmpl_dst = (struct addr){ .family = AF_UNSPEC };
	p->p.action = POLICY_BLOCK;
	if (line->blocked || (out && (!addr_is_set(&line->local) || !addr_is_set(&line->peer))))
		return;
	p->p.action = POLICY_PROTECT;
	p->p.reqid = line->reqid;
	p->p.tmpl_family = line->entry->map->family;
	p->p.kind = template_kind(line);
	/* `in` and `fwd` name no end: any listed peer's SA passes by its reqid (§12). */
	if (!out)
		return;
	p->p.tmpl_src = line->local;
	p->p.tmpl_dst = line->peer;
}

bool spd_policy_is_ours(const struct kernel_policy *p)
{
	return p->priority >= SPD_PRIORITY_FIRST && p->priority <= SPD_PRIORITY_LAST &&
	       (p->action != POLICY_PROTECT ||
		(p->reqid >= REQID_FIRST && p->reqid <= REQID_LAST));
}
