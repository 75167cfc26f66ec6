// SPDX-License-Identifier: GPL-2.0-or-later
/* Access lists of the running configuration. */
#include "prefpeerd/conf/print.h"
#include "prefpeerd/conf/services.h"

#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

#define SEQ_STEP 10

static void print_side(const struct prefix *p, FILE *out)
{
	char buf[ADDR_STRLEN];
	struct addr wild = {.family = AF_INET};

	addr_print(&p->addr, buf, sizeof(buf));
	if (!p->len) {
		fputs(" any", out);
	} else if (p->len == 8 * addr_len(&p->addr)) {
		fprintf(out, " host %s", buf);
	} else if (p->addr.family == AF_INET6) {
		fprintf(out, " %s/%u", buf, p->len);
	} else {
		fprintf(out, " %s", buf);
		wild.v4.s_addr = htonl(0xffffffffu >> p->len);
		fprintf(out, " %s", addr_print(&wild, buf, sizeof(buf)));
	}
}

static void print_port(uint8_t proto, uint16_t port, FILE *out)
{
	const char *name = port_name(proto, port);

	if (name)
		fprintf(out, " %s", name);
	else
		fprintf(out, " %u", port);
}

static void print_ports(uint8_t proto, const struct port_range *r, FILE *out)
{
	if (!r->lo && r->hi == UINT16_MAX)
		return;
	if (r->lo == r->hi) {
		fputs(" eq", out);
	} else if (!r->lo || r->hi == UINT16_MAX) {
		fputs(r->lo ? " gt" : " lt", out);
		print_port(proto, r->lo ? r->lo - 1 : r->hi + 1, out);
		return;
	} else {
		fputs(" range", out);
		print_port(proto, r->lo, out);
	}
	print_port(proto, r->hi, out);
}

static void print_icmp(const struct selector *s, FILE *out)
{
	const char *name = icmp_name(s->proto, &s->sport, &s->dport);

	if (s->sport.hi == UINT16_MAX)
		return;
	if (name)
		fprintf(out, " %s", name);
	else
		fprintf(out, " %u", s->sport.lo);
	if (!name && s->dport.hi != UINT16_MAX)
		fprintf(out, " %u", s->dport.lo);
}

static void print_line(const struct acl_line *l, sa_family_t family, FILE *out)
{
	const struct selector *s = &l->sel;
	const char *name = protocol_name(family, s->proto);
	bool icmp = s->proto == IPPROTO_ICMP || s->proto == IPPROTO_ICMPV6;

	fputs(l->permit ? "permit" : "deny", out);
	if (name)
		fprintf(out, " %s", name);
	else
		fprintf(out, " %u", s->proto);
	print_side(&s->src, out);
	if (!icmp)
		print_ports(s->proto, &s->sport, out);
	print_side(&s->dst, out);
	if (icmp)
		print_icmp(s, out);
	else
		print_ports(s->proto, &s->dport, out);
	fputc('\n', out);
}

void conf_acl_line_print(const struct acl_line *l, sa_family_t family, FILE *out)
{
	print_line(l, family, out);
}

static bool numbering_regular(const struct acl *a)
{
	for (unsigned i = 0; i < a->n_lines; i++)
		if (a->lines[i].seq != (i + 1) * SEQ_STEP)
			return false;
	return true;
}

void print_acl(const struct acl *a, FILE *out)
{
	bool regular = numbering_regular(a), ipv6 = a->family == AF_INET6;
	bool numbered = isdigit((unsigned char)a->name[0]) && a->n_lines &&
			!a->name[strspn(a->name, "0123456789")];

	if (numbered && regular) {
		for (unsigned i = 0; i < a->n_lines; i++) {
			fprintf(out, "access-list %s ", a->name);
			print_line(&a->lines[i], a->family, out);
		}
		return;
	}
	fprintf(out, "%s %s\n", ipv6 ? "ipv6 access-list" : "ip access-list extended", a->name);
	for (unsigned i = 0; i < a->n_lines; i++) {
		fputc(' ', out);
		if (!regular)
			fprintf(out, "%s%u ", ipv6 ? "sequence " : "", a->lines[i].seq);
		print_line(&a->lines[i], a->family, out);
	}
}
