// SPDX-License-Identifier: GPL-2.0-or-later
/* Connections → proposals, transform sets, access lists and entries, in this order. */
#include <string.h>

#include "prefpeer/import_conn.h"

#define SEQ_STEP 10

static bool is_address(const char *text, struct addr *out)
{
	return !addr_parse(text, out);
}

/* ---- what is protected --------------------------------------------------- */

struct side {
	struct prefix net;
	bool any;
	char text[PREFIX_STRLEN + 16];
};

/* @self: what `dynamic`, or nothing, stands for. */
static bool read_side(struct conn *c, const struct child *ch, const char *word, const char *self,
		      bool quiet, struct side *s)
{
	char text[PREFIX_STRLEN];

	*s = (struct side){ 0 };
	if (strchr(word, '[') || strchr(word, '%')) {
		if (!quiet)
			import_remark(
				c->im, ch->line,
				"%s: %s: protocol and port of a traffic selector are not imported",
				ch->name, word);
		return false;
	}
	if (!strcmp(word, "dynamic"))
		word = self ? self : "";
	if (prefix_parse(word, &s->net)) {
		if (!quiet)
			import_remark(
				c->im, ch->line,
				"%s: traffic selector \"%s\" needs an address: name it in an access "
				"list",
				ch->name, *word ? word : "dynamic");
		return false;
	}
	s->any = !s->net.len;
	if (s->any)
		snprintf(s->text, sizeof(s->text), "any");
	else
		snprintf(s->text, sizeof(s->text), "%s%s",
			 strchr(prefix_print(&s->net, text, sizeof(text)), '/') ? "" : "host ",
			 text);
	return true;
}

static void print_line(struct conn *c, struct child *ch, const struct side *l, const struct side *r,
		       const char *acl, sa_family_t family, bool *begun)
{
	const char *kind = family == AF_INET6 ? "ipv6" : "ip";

	if (l->net.addr.family != r->net.addr.family || l->net.addr.family != family)
		return;
	if (l->any && r->any) {
		import_remark(
			c->im, ch->line,
			"%s: everything to everywhere, steered by routes, has no equivalent: name the "
			"networks",
			ch->name);
		return;
	}
	if (!*begun)
		fprintf(c->im->out,
			family == AF_INET6 ? "ipv6 access-list %s\n"
					   : "ip access-list extended %s\n",
			acl);
	*begun = true;
	fprintf(c->im->out, " permit %s %s %s\n", kind, l->text, r->text);
}

/* Every local network to every remote one, of one family; false: there is none. */
static bool print_lines(struct conn *c, struct child *ch, const char *acl, sa_family_t family,
			bool *begun)
{
	const char *locals = ch->local_ts ? ch->local_ts : "dynamic";
	const char *self = c->n_peers == 1 ? c->peers[0] : NULL;
	char l_word[IMPORT_KEY_MAX], r_word[IMPORT_KEY_MAX];
	bool again = family != AF_INET; /* what is wrong was said the first time */
	struct side l, r;

	while (import_word(&locals, l_word, sizeof(l_word))) {
		const char *remotes = ch->remote_ts ? ch->remote_ts : "dynamic";
		bool met = false;

		if (!read_side(c, ch, l_word, c->local, again, &l))
			continue;
		while (import_word(&remotes, r_word, sizeof(r_word))) {
			if (!read_side(c, ch, r_word, self, again, &r))
				continue;
			met |= l.net.addr.family == r.net.addr.family;
			print_line(c, ch, &l, &r, acl, family, begun);
		}
		if (!met && family == AF_INET)
			import_remark(c->im, ch->line,
				      "%s: %s: no network of its family is at the other end",
				      ch->name, l_word);
		again = true;
	}
	return *begun;
}

/* ---- entries ------------------------------------------------------------- */

static void print_sets(struct conn *c, struct child *ch, const char *name, struct import_esp *esp)
{
	import_esp(c->im, ch->esp_line, ch->esp ? ch->esp : "default", esp);
	for (unsigned i = 0; i < esp->n; i++) {
		fprintf(c->im->out, "crypto ipsec transform-set %s-%u %s\n", name, i + 1,
			esp->set[i]);
		if (esp->esn)
			fprintf(c->im->out, " esn\n");
	}
}

static void print_peers(struct conn *c)
{
	struct addr a;

	for (unsigned i = 0; i < c->n_peers; i++)
		fprintf(c->im->out, " set peer %s%s%s\n", c->peers[i],
			is_address(c->peers[i], &a) ? "" : " dynamic",
			!i && c->n_peers > 1 ? " default" : "");
}

static void print_values(struct conn *c, struct child *ch, const char *name,
			 const struct import_esp *esp)
{
	char profile[64];

	if (esp->n) {
		fprintf(c->im->out, " set transform-set");
		for (unsigned i = 0; i < esp->n; i++)
			fprintf(c->im->out, " %s-%u", name, i + 1);
		fputc('\n', c->im->out);
	}
	if (esp->pfs)
		fprintf(c->im->out, " set pfs %s\n", esp->pfs);
	if (c->profile)
		fprintf(c->im->out, " set ikev2-profile %s\n",
			import_name(c->name, profile, sizeof(profile)));
	if (ch->life && ch->life != 3600)
		fprintf(c->im->out, " set security-association lifetime seconds %ld\n", ch->life);
	if (ch->kilobytes)
		fprintf(c->im->out, " set security-association lifetime kilobytes %ld\n",
			ch->kilobytes);
	if (ch->idle)
		fprintf(c->im->out, " set security-association idle-time %ld\n", ch->idle);
}

struct seqs {
	unsigned v4, v6, hub;
};

static void print_branch(struct conn *c, struct child *ch, const char *name, const char *acl,
			 const struct import_esp *esp, struct seqs *q)
{
	unsigned *seq = c->v6 ? &q->v6 : &q->v4;

	*seq += SEQ_STEP;
	fprintf(c->im->out, "crypto map %s %u ipsec-isakmp\n",
		c->v6 ? "ipv6 imported6" : "imported", *seq);
	print_peers(c);
	print_values(c, ch, name, esp);
	fprintf(c->im->out, " match address %s\n", acl);
}

static void print_hub(struct conn *c, struct child *ch, const char *name, const char *acl,
		      const struct import_esp *esp, struct seqs *q)
{
	q->hub += SEQ_STEP;
	fprintf(c->im->out, "crypto dynamic-map imported-hub %u\n", q->hub);
	print_values(c, ch, name, esp);
	fprintf(c->im->out, " match address %s\n", acl);
}

static void print_child(struct conn *c, struct child *ch, struct seqs *q)
{
	static const sa_family_t families[] = { AF_INET, AF_INET6 };
	char name[64], whole[2 * IMPORT_KEY_MAX + 2], acl[80];
	struct import_esp esp;
	bool any = false, sets = false;

	if (strcmp(c->name, ch->name))
		snprintf(whole, sizeof(whole), "%s-%s", c->name, ch->name);
	else
		snprintf(whole, sizeof(whole), "%s", c->name);
	import_name(whole, name, sizeof(name));
	for (unsigned i = 0; i < 2; i++) {
		bool begun = false;

		snprintf(acl, sizeof(acl), "%s%s", name, families[i] == AF_INET6 ? "-v6" : "");
		if (!print_lines(c, ch, acl, families[i], &begun))
			continue;
		any = true;
		if (!sets)
			print_sets(c, ch, name, &esp);
		sets = true;
		if (c->hub)
			print_hub(c, ch, name, acl, &esp, q);
		else
			print_branch(c, ch, name, acl, &esp, q);
	}
	if (!any)
		import_remark(c->im, ch->line,
			      "%s: no traffic selector is left: this child is left out", ch->name);
}

/* ---- what holds for all -------------------------------------------------- */

static void print_dpd(struct import *im)
{
	char name[IMPORT_KEY_MAX], path[IMPORT_KEY_MAX + 16];
	long least = 0;
	bool differ = false, many = false;

	for (unsigned i = 0; import_child(im, "connections", i, name); i++) {
		const char *text, *peers;
		struct setting *s;
		char key[IMPORT_KEY_MAX + 40];
		long v;

		snprintf(path, sizeof(path), "connections.%s", name);
		snprintf(key, sizeof(key), "%s.remote_addrs", path);
		s = import_find(im, key);
		peers = s ? s->value : "";
		many |= strpbrk(peers, ", ") != NULL;
		text = import_take(im, path, "dpd_delay");
		v = text ? import_seconds(text) : 0;
		if (v <= 0)
			continue;
		differ |= least && v != least;
		least = !least || v < least ? v : least;
	}
	if (!least && many) {
		import_remark(
			im, 0,
			"no connection had dpd_delay: a dead peer would be noticed only when an exchange fails. "
			"This is ours:");
		least = 10;
	}
	if (!least)
		return;
	if (differ)
		import_remark(
			im, 0,
			"dpd_delay differed between connections; it is one value here, the smallest");
	if (least < 10)
		fprintf(im->out, "crypto ikev2 dpd milliseconds %ld 2000 periodic\n", least * 1000);
	else
		fprintf(im->out, "crypto ikev2 dpd %ld 2 periodic\n", least > 3600 ? 3600 : least);
}

static void print_ike(struct import *im)
{
	char name[IMPORT_KEY_MAX], path[IMPORT_KEY_MAX + 16], word[64], all[2000] = "";
	unsigned from = 0;

	for (unsigned i = 0; import_child(im, "connections", i, name); i++) {
		const char *proposals;
		unsigned n;

		snprintf(path, sizeof(path), "connections.%s", name);
		proposals = import_take(im, path, "proposals");
		if (!proposals)
			continue;
		n = import_ike(im, import_line(im, path, "proposals"), proposals,
			       import_name(name, word, sizeof(word)));
		from += n > 0;
		for (unsigned k = 1; k <= n && strlen(all) + 80 < sizeof(all); k++)
			snprintf(all + strlen(all), sizeof(all) - strlen(all), " proposal %s-%u\n",
				 word, k);
	}
	if (*all)
		fprintf(im->out, "crypto ikev2 policy imported\n%s", all);
	if (from > 1)
		import_remark(
			im, 0,
			"IKE proposals are offered to every peer alike: these are those of all connections");
}

static void print_interface(struct import *im, const struct seqs *q)
{
	bool v4 = q->v4 || q->hub;

	if (q->hub)
		fprintf(im->out, "crypto map imported 65000 ipsec-isakmp dynamic imported-hub\n");
	if (!v4 && !q->v6) {
		import_remark(im, 0, "nothing was imported");
		return;
	}
	if (!im->interface)
		import_remark(
			im, 0,
			"until an interface carries it, nothing is protected: name the one that leads to the peers");
	fprintf(im->out, "%sinterface %s\n", im->interface ? "" : "! ",
		im->interface ? im->interface : "NAME");
	if (v4)
		fprintf(im->out, "%s crypto map imported\n", im->interface ? "" : "!");
	if (q->v6)
		fprintf(im->out, "%s crypto map imported6\n", im->interface ? "" : "!");
}

void import_print(struct import *im)
{
	static struct conn c;
	struct seqs q = { 0 };
	char name[IMPORT_KEY_MAX];

	fprintf(im->out, "! imported from %s; lines with ! are remarks: read each\n", im->path);
	print_dpd(im);
	print_ike(im);
	for (unsigned i = 0; import_child(im, "connections", i, name); i++) {
		fprintf(im->out, "!\n! connection %s\n", name);
		import_conn(&c, im, name);
		if (c.skip)
			continue;
		import_auth(&c);
		for (unsigned j = 0; j < c.n_children; j++)
			print_child(&c, &c.children[j], &q);
	}
	fprintf(im->out, "!\n");
	print_interface(im, &q);
	import_rest(im);
}
