// SPDX-License-Identifier: GPL-2.0-or-later
/* `crypto pki certificate map NAME SEQ`, and which of them a profile asks for. */
#include "prefpeerd/conf/parser.h"

#include <stdlib.h>
#include <string.h>

static struct pki_map *find_map(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_cert_maps; i++)
		if (!strcmp(c->cert_maps[i]->name, name))
			return c->cert_maps[i];
	return NULL;
}

static struct pki_map *map_get(struct parser *p, const struct word *w)
{
	char name[CONF_NAME_MAX + 1];
	struct pki_map *m, **slot;

	word_copy(w, name, sizeof(name));
	m = find_map(p->c, name);
	if (m)
		return m;
	slot = PARSER_GROW(p, p->c->cert_maps, p->c->n_cert_maps);
	m = slot ? pki_map_new(name) : NULL;
	if (!m) {
		p->oom = true;
		return NULL;
	}
	*slot = m;
	p->c->n_cert_maps++;
	return m;
}

/* By number, ascending. */
static struct pki_map_seq *seq_get(struct parser *p, struct pki_map *m, unsigned seq)
{
	unsigned at = 0;

	while (at < m->n && m->seqs[at].seq < seq)
		at++;
	if (at < m->n && m->seqs[at].seq == seq)
		return &m->seqs[at];
	if (!PARSER_GROW(p, m->seqs, m->n))
		return NULL;
	memmove(&m->seqs[at + 1], &m->seqs[at], (m->n - at) * sizeof(*m->seqs));
	m->n++;
	m->seqs[at] = (struct pki_map_seq){ .seq = seq };
	return &m->seqs[at];
}

void cmd_cert_map(struct parser *p, const struct cmd *cmd)
{
	struct pki_map *m = map_get(p, cmd->arg[SLOT_NAME].w);
	struct pki_map_seq *s = m ? seq_get(p, m, (unsigned)cmd->arg[SLOT_NUM].num) : NULL;
	struct frame *f = parser_enter(p, MODE_CERT_MAP);

	f->cert_map = s ? m : NULL;
	f->psk = (unsigned)cmd->arg[SLOT_NUM].num;
}

static void map_drop(struct config *c, struct pki_map *m)
{
	unsigned at = 0;

	while (c->cert_maps[at] != m)
		at++;
	c->n_cert_maps--;
	memmove(&c->cert_maps[at], &c->cert_maps[at + 1],
		(c->n_cert_maps - at) * sizeof(*c->cert_maps));
	pki_map_put(m);
}

void cmd_no_cert_map(struct parser *p, const struct cmd *cmd)
{
	char name[CONF_NAME_MAX + 1];
	struct pki_map *m;
	unsigned at = 0;

	word_copy(cmd->arg[SLOT_NAME].w, name, sizeof(name));
	m = find_map(p->c, name);
	while (m && at < m->n && m->seqs[at].seq != cmd->arg[SLOT_NUM].num)
		at++;
	if (!m || at == m->n) {
		parser_nothing_to_remove(p, cmd);
		return;
	}
	pki_map_seq_free(&m->seqs[at]);
	m->n--;
	memmove(&m->seqs[at], &m->seqs[at + 1], (m->n - at) * sizeof(*m->seqs));
	if (!m->n)
		map_drop(p->c, m);
}

/* A field is named once in a number, as in IOS: the later line counts. */
void cmd_cert_rule(struct parser *p, const struct cmd *cmd)
{
	struct frame *f = parser_frame(p);
	struct pki_map_seq *s = f->cert_map ? seq_get(p, f->cert_map, f->psk) : NULL;
	uint32_t what = cmd_keyword_value(cmd);
	struct pki_rule *r;
	unsigned at = 0;
	char *text;

	if (!s)
		return;
	while (at < s->n && (s->rules[at].field != what / 8 || s->rules[at].op != what % 8))
		at++;
	text = cmd->no ? NULL : parser_strdup(p, cmd->arg[SLOT_TEXT].w->s, conf_rest_len(cmd));
	if (cmd->no && at < s->n) {
		free(s->rules[at].text);
		s->n--;
		memmove(&s->rules[at], &s->rules[at + 1], (s->n - at) * sizeof(*s->rules));
	} else if (cmd->no) {
		parser_nothing_to_remove(p, cmd);
	} else if (text) {
		r = at < s->n ? &s->rules[at] : PARSER_GROW(p, s->rules, s->n);
		if (!r) {
			free(text);
			return;
		}
		s->n += at == s->n;
		free(r->text);
		*r = (struct pki_rule){ (enum pki_field)(what / 8), (enum pki_op)(what % 8), text };
	}
}

void cmd_match_certificate(struct parser *p, const struct cmd *cmd)
{
	struct ikev2_profile *f = parser_frame(p)->profile;

	*f->cert_map_name = '\0';
	if (cmd->no)
		return;
	word_copy(cmd->arg[SLOT_NAME].w, f->cert_map_name, sizeof(f->cert_map_name));
	f->cert_map_pos = cmd_arg_pos(cmd, SLOT_NAME);
}

/* ---- when the whole file is read ---- */

void conf_check_cert_map(struct parser *p, struct ikev2_profile *f)
{
	if (!*f->cert_map_name)
		return;
	f->cert_map = find_map(p->c, f->cert_map_name);
	if (!f->cert_map && !p->failed[MODE_CERT_MAP])
		parser_incomplete(p, f->cert_map_pos,
				  conf_text("certificate map %s does not exist", f->cert_map_name),
				  conf_text("`crypto pki certificate map %s 10` makes one",
					    f->cert_map_name));
	for (unsigned i = 0; f->cert_map && i < f->cert_map->n; i++)
		if (!f->cert_map->seqs[i].n)
			parser_warn(p, f->cert_map_pos,
				    conf_text("certificate map %s %u has no rule: no certificate passes by it",
					      f->cert_map_name, f->cert_map->seqs[i].seq), NULL);
	if (f->auth_remote & AUTH_BY_PSK)
		parser_incomplete(p, f->cert_map_pos,
				  conf_text("`match certificate` is about certificates, and IKEv2 profile %s lets peers prove themselves by a pre-shared key",
					    f->name),
				  conf_text("no `authentication remote pre-share`"));
}

/* ---- printed ---- */

void print_cert_map(const struct pki_map *m, FILE *out)
{
	static const char *const fields[] = { "subject-name", "issuer-name", "alt-subject-name", "name",
					      "serial-number" };
	static const char *const ops[] = { "eq", "ne", "co", "nc" };

	for (unsigned i = 0; i < m->n; i++) {
		fprintf(out, "crypto pki certificate map %s %u\n", m->name, m->seqs[i].seq);
		for (unsigned k = 0; k < m->seqs[i].n; k++) {
			const struct pki_rule *r = &m->seqs[i].rules[k];

			fprintf(out, " %s %s %s\n", fields[r->field - 1], ops[r->op - 1], r->text);
		}
	}
}
