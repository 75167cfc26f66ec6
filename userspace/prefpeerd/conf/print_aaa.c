// SPDX-License-Identifier: GPL-2.0-or-later
/* Accounting as one would type it. */
#include "prefpeerd/conf/print.h"

static void print_radius(const struct radius_server *r, bool secrets, FILE *out)
{
	char a[ADDR_STRLEN];

	fprintf(out, "radius server %s\n", r->name);
	if (addr_is_set(&r->addr))
		fprintf(out, " address %s %s acct-port %u\n",
			r->addr.family == AF_INET6 ? "ipv6" : "ipv4",
			addr_print(&r->addr, a, sizeof(a)), r->port);
	/* With `0`, since a key may look like a type. */
	if (r->secret)
		fprintf(out, " key %s%s\n", secrets ? "0 " : "", secrets ? r->secret : CONF_HIDDEN);
	if (r->timeout_s != RADIUS_TIMEOUT_S)
		fprintf(out, " timeout %u\n", r->timeout_s);
	if (r->retransmit != RADIUS_RETRANSMIT)
		fprintf(out, " retransmit %u\n", r->retransmit);
}

static void print_list(const struct acct_list *l, FILE *out)
{
	if (l->radius)
		fprintf(out, "aaa accounting network %s start-stop group radius\n", l->name);
	if (l->file)
		fprintf(out, "aaa accounting network %s start-stop file %s\n", l->name, l->file);
	if (l->syslog)
		fprintf(out, "aaa accounting network %s start-stop syslog\n", l->name);
}

void print_accounting(const struct config *c, bool secrets, FILE *out)
{
	for (unsigned i = 0; i < c->n_acct_lists; i++)
		print_list(c->acct_lists[i], out);
	if (c->acct_update_min)
		fprintf(out, "aaa accounting update periodic %u\n", c->acct_update_min);
	for (unsigned i = 0; i < c->n_radius; i++)
		print_radius(c->radius[i], secrets, out);
}
