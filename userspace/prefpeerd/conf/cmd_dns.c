// SPDX-License-Identifier: GPL-2.0-or-later
/* Who is asked for the addresses of names, and who is not; semantics.md §1.2. */
#include "prefpeerd/conf/parser.h"

#include <stdlib.h>
#include <string.h>

/* The words of a repeated address were read already, one by one. */
static struct addr listed_addr(const struct cmd *cmd, unsigned i)
{
	struct addr a = {0};
	char buf[ADDR_STRLEN];

	if (word_copy(cmd->list[i], buf, sizeof(buf)))
		addr_parse(buf, &a);
	return a;
}

static unsigned find_addr(const struct addr *list, unsigned n, const struct addr *a)
{
	unsigned i = 0;

	while (i < n && !addr_equal(&list[i], a))
		i++;
	return i;
}

/* True when it stood there. */
static bool drop_addr(struct addr *list, unsigned *n, const struct addr *a)
{
	unsigned i = find_addr(list, *n, a);

	if (i == *n)
		return false;
	memmove(&list[i], &list[i + 1], (--*n - i) * sizeof(*list));
	return true;
}

/* Puts the addresses of a command behind those that are there; False: too many of @what. */
static bool add_addrs(struct parser *p, const struct cmd *cmd, struct addr *list, unsigned *n,
		      unsigned max, const char *what)
{
	for (unsigned i = 0; i < cmd->n_list; i++) {
		struct addr a = listed_addr(cmd, i);

		if (find_addr(list, *n, &a) < *n)
			continue;
		if (*n == max) {
			parser_error(p, conf_pos_word(cmd->line, cmd->list[i]),
				     conf_text("at most %u %s are possible", max, what), NULL);
			return false;
		}
		list[(*n)++] = a;
	}
	return true;
}

void cmd_name_server(struct parser *p, const struct cmd *cmd)
{
	struct config *c = p->c;
	bool any = !cmd->n_list && c->n_name_servers;

	if (!cmd->no) {
		add_addrs(p, cmd, c->name_servers, &c->n_name_servers, NAME_SERVERS_MAX,
			  "name servers");
		return;
	}
	if (any)
		c->n_name_servers = 0;
	for (unsigned i = 0; i < cmd->n_list; i++) {
		struct addr a = listed_addr(cmd, i);

		any |= drop_addr(c->name_servers, &c->n_name_servers, &a);
	}
	if (!any)
		parser_nothing_to_remove(p, cmd);
}

void conf_host_free(struct conf_host *h)
{
	free(h->name);
}

static struct conf_host *host_find(const struct config *c, const struct word *w)
{
	for (unsigned i = 0; i < c->n_hosts; i++)
		if (word_is(w, c->hosts[i].name))
			return &c->hosts[i];
	return NULL;
}

static struct conf_host *host_new(struct parser *p, const struct word *w)
{
	struct conf_host *h = PARSER_GROW(p, p->c->hosts, p->c->n_hosts);

	if (!h)
		return NULL;
	h->name = parser_strdup(p, w->s, w->len);
	p->c->n_hosts += h->name != NULL;
	return h->name ? h : NULL;
}

static void host_remove(struct config *c, struct conf_host *h)
{
	conf_host_free(h);
	memmove(h, h + 1, (size_t)(&c->hosts[--c->n_hosts] - h) * sizeof(*h));
}

static void no_host(struct parser *p, const struct cmd *cmd)
{
	struct conf_host *h = host_find(p->c, cmd->arg[SLOT_TEXT].w);
	bool any = h && !cmd->n_list;

	if (any)
		h->n_addrs = 0;
	for (unsigned i = 0; h && i < cmd->n_list; i++) {
		struct addr a = listed_addr(cmd, i);

		any |= drop_addr(h->addrs, &h->n_addrs, &a);
	}
	if (h && !h->n_addrs)
		host_remove(p->c, h);
	if (!any)
		parser_nothing_to_remove(p, cmd);
}

void cmd_host(struct parser *p, const struct cmd *cmd)
{
	const struct word *w = cmd->arg[SLOT_TEXT].w;
	char buf[HOST_NAME_MAX_LEN + 1];
	struct conf_host *h;

	if (cmd->no) {
		no_host(p, cmd);
		return;
	}
	if (!word_copy(w, buf, sizeof(buf)) || !conf_is_host_name(buf)) {
		parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT),
			     conf_text("%.*s is not a host name", (int)w->len, w->s), NULL);
		return;
	}
	h = host_find(p->c, w);
	if (!h)
		h = host_new(p, w);
	if (h)
		add_addrs(p, cmd, h->addrs, &h->n_addrs, HOST_ADDRS_MAX, "addresses of one host");
}

void cmd_trust_anchor(struct parser *p, const struct cmd *cmd)
{
	const struct word *w = cmd->arg[SLOT_TEXT].w;

	if (cmd->no && !p->c->trust_anchor) {
		parser_nothing_to_remove(p, cmd);
		return;
	}
	if (!cmd->no && *w->s != '/') {
		parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT),
			     conf_text("%.*s is not an absolute path", (int)w->len, w->s),
			     conf_text("/usr/share/dns/root.key is what Debian's dns-root-data brings"));
		return;
	}
	free(p->c->trust_anchor);
	p->c->trust_anchor = cmd->no ? NULL : parser_strdup(p, w->s, w->len);
}
