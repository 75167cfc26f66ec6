// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/test/conf_walk.h"

#include <stdio.h>
#include <string.h>

#define ELEMS(a) (sizeof(a) / sizeof((a)[0]))

unsigned walk_pick(uint64_t *seed, unsigned n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*seed >> 33) % n;
}

/* ---- all commands ---- */

#define TABLES_MAX 2000

struct visit {
	walk_fn fn;
	void *ctx;
	struct walk_cmd cmd;
	const struct node *seen[TABLES_MAX];
	unsigned n_seen;
};

/* Access lists alone have a hundred thousand ways through their tables. */
static bool seen(struct visit *v, const struct node *table)
{
	for (unsigned i = 0; i < v->n_seen; i++)
		if (v->seen[i] == table)
			return true;
	if (v->n_seen < TABLES_MAX)
		v->seen[v->n_seen++] = table;
	return false;
}

static unsigned table_size(const struct node *table)
{
	unsigned n = 0;

	while (table && table[n].word)
		n++;
	return n;
}

static void visit_table(struct visit *v, const struct node *table)
{
	if (!table || seen(v, table))
		return;
	/* Backwards: what names something stands behind `any`, and `deny` behind `permit`. */
	for (unsigned i = table_size(table); i-- > 0;) {
		const struct node *n = &table[i];

		if (n->refuse || v->cmd.n == WALK_DEPTH_MAX)
			continue;
		v->cmd.path[v->cmd.n++] = n;
		if (n->run)
			v->fn(v->ctx, &v->cmd);
		visit_table(v, n->next);
		v->cmd.n--;
	}
}

void walk_all(walk_fn fn, void *ctx)
{
	for (unsigned m = MODE_GLOBAL; m < MODE_COUNT; m++) {
		static struct visit v;

		v = (struct visit){ .fn = fn, .ctx = ctx, .cmd.mode = m };
		visit_table(&v, conf_modes[m].commands);
	}
}

bool walk_any(uint64_t *seed, struct walk_cmd *cmd)
{
	const struct node *table, *n;

	*cmd = (struct walk_cmd){ .mode = walk_pick(seed, MODE_COUNT) };
	for (table = conf_modes[cmd->mode].commands; table_size(table); table = n->next) {
		n = &table[walk_pick(seed, table_size(table))];
		if (n->refuse || cmd->n == WALK_DEPTH_MAX)
			return false;
		cmd->path[cmd->n++] = n;
		if (n->run && walk_pick(seed, 2))
			return true;
	}
	return cmd->n && cmd->path[cmd->n - 1]->run;
}

void walk_name(const struct walk_cmd *cmd, char *buf, size_t size)
{
	size_t at = (size_t)snprintf(buf, size, "%s:", conf_modes[cmd->mode].prompt);

	for (unsigned i = 0; i < cmd->n && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, " %s", cmd->path[i]->word);
}

/* ---- a line ---- */

/* Names are few, so that they meet; the words are what some handler may take. */
static const char *const names[] = { "A", "B", "A", "B", "101" };
static const char *const words[] = {
	"A",	   "B",		 "10.1.1.1",   "10.2.2.2",  "2001:db8::1",   "hub.example",
	"eth0",	   "wan0",	 "/etc/x.pem", "/etc/y",    "aes-cbc-256",   "aes-gcm-128",
	"sha256",  "sha512",	 "19",	       "31",	    "www",	     "echo",
	"snmp",	   "a@b.example", "/var/log/x", "nd-ns",    "0123456789abcdef0123456789abcdef",
	"0123456789abcdef0123456789abcdef01234567",
};
static const char *const rests[] = { "some text", "O=X, CN=hub", "C=US, O=X, CN=hub" };
static const char *const addrs4[] = { "10.1.1.1", "10.2.2.2", "0.0.0.255", "255.255.255.0",
				      "255.255.255.255", "0.0.0.0" };
static const char *const addrs6[] = { "2001:db8::1", "2001:db8::2" };

#define ONE_OF(list) (list)[walk_pick(seed, ELEMS(list))]

/* The ends of its range most often: what is wrong is wrong there. */
static uint32_t number(const struct node *n, uint64_t *seed)
{
	uint64_t span = (uint64_t)n->max - n->min + 1;

	switch (walk_pick(seed, 4)) {
	case 0:
		return n->min;
	case 1:
		return n->max;
	case 2:
		return n->min + (uint32_t)(walk_pick(seed, 64) % span);
	default:
		return n->min + (uint32_t)(walk_pick(seed, 0x7fffffff) % span);
	}
}

static void value(const struct node *n, uint64_t *seed, char *buf, size_t size)
{
	bool six = n->kind == ARG_IPV6 || n->kind == ARG_PREFIX6;

	switch (n->kind) {
	case ARG_KEYWORD:
		snprintf(buf, size, "%s", n->word);
		break;
	case ARG_NUMBER:
		snprintf(buf, size, "%u", number(n, seed));
		break;
	case ARG_NAME:
		snprintf(buf, size, "%s", ONE_OF(names));
		break;
	case ARG_SECRET:
		snprintf(buf, size, "<hidden>");
		break;
	case ARG_REST:
		snprintf(buf, size, "%s", ONE_OF(rests));
		break;
	case ARG_IPV4:
	case ARG_IPV6:
	case ARG_ADDR:
		six |= n->kind == ARG_ADDR && !walk_pick(seed, 3);
		snprintf(buf, size, "%s", six ? ONE_OF(addrs6) : ONE_OF(addrs4));
		break;
	case ARG_PREFIX4:
	case ARG_PREFIX6:
	case ARG_PREFIX:
		six |= n->kind == ARG_PREFIX && !walk_pick(seed, 3);
		snprintf(buf, size, six ? "2001:db8:%x::/48" : "10.%u.0.0/16", walk_pick(seed, 3));
		break;
	default:
		snprintf(buf, size, "%s", ONE_OF(words));
	}
}

void walk_line(const struct walk_cmd *cmd, uint64_t *seed, char *buf, size_t size)
{
	char word[WALK_LINE_MAX];
	size_t at = 0;

	*buf = '\0';
	for (unsigned i = 0; i < cmd->n && at < size; i++) {
		unsigned times = cmd->path[i]->repeat ? 1 + walk_pick(seed, 2) : 1;

		for (; times && at < size; times--) {
			value(cmd->path[i], seed, word, sizeof(word));
			at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? " " : "", word);
		}
	}
}

/* The last word that `no` may end with; -1: none. */
static int undo_at(const struct walk_cmd *cmd)
{
	for (unsigned i = cmd->n; i-- > 0;)
		if (cmd->path[i]->undo)
			return (int)i;
	return -1;
}

bool walk_undo(const struct walk_cmd *cmd, const char *line, char *buf, size_t size)
{
	int last = undo_at(cmd);
	const char *end = line;

	if (last < 0)
		return false;
	if ((unsigned)last + 1 == cmd->n) {
		snprintf(buf, size, "no %s", line);
		return true;
	}
	/* What is before the last word that is taken back is one word each. */
	for (int i = 0; i <= last; i++) {
		end += *end == ' ';
		end += strcspn(end, " ");
	}
	snprintf(buf, size, "no %.*s", (int)(end - line), line);
	return true;
}
