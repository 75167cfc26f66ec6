// SPDX-License-Identifier: GPL-2.0-or-later
/* From lines to commands: modes, `exit`, `end`, and which mode a line belongs to. */
#include "prefpeerd/conf/parser.h"

#include <stdlib.h>
#include <string.h>

/* ---- help for handlers ---- */

struct frame *parser_enter(struct parser *p, enum conf_mode mode)
{
	struct frame *f;

	/* A mode is entered from the one that its command belongs to: the stack cannot overflow. */
	if (p->depth == MODE_DEPTH_MAX)
		p->depth--;
	f = &p->stack[p->depth++];
	*f = (struct frame){.mode = mode};
	return f;
}

void *parser_alloc(struct parser *p, size_t size)
{
	void *x = calloc(1, size);

	p->oom |= !x;
	return x;
}

char *parser_strdup(struct parser *p, const char *s, size_t len)
{
	char *x = strndup(s, len);

	p->oom |= !x;
	return x;
}

void *parser_grow(struct parser *p, void *array, unsigned n, size_t size)
{
	void **slot = array, *grown = *slot;

	if (!(n & (n - 1))) /* 0, 1, 2, 4, …: full */
		grown = reallocarray(*slot, n ? 2 * (size_t)n : 1, size);
	if (!grown) {
		p->oom = true;
		return NULL;
	}
	*slot = grown;
	return memset((char *)grown + n * size, 0, size);
}

void parser_error(struct parser *p, struct conf_pos pos, char *text, char *hint)
{
	conf_diag(p->d, CONF_ERROR, pos, text, hint);
}

void parser_incomplete(struct parser *p, struct conf_pos pos, char *text, char *hint)
{
	unsigned n = p->d->n;

	parser_error(p, pos, text, hint);
	if (p->d->n > n)
		p->d->list[n].incomplete = true;
}

void parser_warn(struct parser *p, struct conf_pos pos, char *text, char *hint)
{
	conf_diag(p->d, CONF_WARNING, pos, text, hint);
}

void parser_nothing_to_remove(struct parser *p, const struct cmd *cmd)
{
	parser_warn(p, cmd_pos(cmd), conf_text("there is nothing that this line could remove"),
		    NULL);
}

/* ---- lines ---- */

static void mismatch_free(struct mismatch *m)
{
	free(m->text);
	free(m->hint);
	*m = (struct mismatch){0};
}

/*
 * Tried in the mode in force, then outwards, as IOS does. On failure *why is of
 * the mode that understood most of the line (the inner one, if several did).
 */
static bool match_modes(struct parser *p, const struct line *ln, struct cmd *cmd,
			struct mismatch *why, unsigned *depth)
{
	struct mismatch m;
	struct cmd tried;
	bool first = true;

	for (unsigned d = p->depth; d; d--) {
		if (grammar_match(conf_modes[p->stack[d - 1].mode].commands, ln, &tried, &m)) {
			if (!first)
				mismatch_free(why);
			*cmd = tried;
			*depth = d;
			return true;
		}
		if (!first && (why->refused || m.depth <= why->depth)) {
			mismatch_free(&m);
			continue;
		}
		if (!first)
			mismatch_free(why);
		first = false;
		*why = m;
		*cmd = tried;
		*depth = d;
	}
	return false;
}

static void pop_to(struct parser *p, unsigned depth)
{
	p->depth = depth;
}

/*
 * What a refused line would have given is not missed a second time, and one that would have
 * opened a mode opens it dead, so that the lines below it are not blamed for its error.
 */
static void line_refused(struct parser *p, const struct cmd *cmd, unsigned depth)
{
	if (word_is(&cmd->line->w[cmd->first], "access-list"))
		p->failed[MODE_ACL4] = true;
	if (p->stack[depth - 1].mode == MODE_KEYRING_PEER)
		p->failed[MODE_KEYRING_PEER] = true;
	if (p->stack[depth - 1].mode == MODE_RADIUS)
		p->failed[MODE_RADIUS] = true;
	if (!cmd->enters || cmd->no)
		return;
	p->failed[cmd->enters] = true;
	pop_to(p, depth);
	parser_enter(p, cmd->enters)->dead = true;
}

/* A line of a dead mode is only read; one that opens a mode below it opens that dead too. */
static void obey(struct parser *p, const struct cmd *cmd, unsigned depth)
{
	unsigned errors = p->d->n_errors;

	pop_to(p, depth);
	if (parser_frame(p)->dead) {
		if (cmd->enters && !cmd->no)
			parser_enter(p, cmd->enters)->dead = true;
		return;
	}
	cmd->fn(p, cmd);
	if (p->d->n_errors != errors)
		line_refused(p, cmd, depth);
}

/* `exit` leaves a mode, `end` all of them. */
static bool obey_mode_word(struct parser *p, const struct line *ln)
{
	if (ln->n != 1)
		return false;
	if (word_is(&ln->w[0], "end"))
		pop_to(p, 1);
	else if (word_is(&ln->w[0], "exit"))
		pop_to(p, p->depth > 1 ? p->depth - 1 : 1);
	else
		return false;
	return true;
}

static void read_line(struct parser *p, const struct line *ln)
{
	struct mismatch why = {0};
	struct cmd cmd;
	unsigned depth = 1;

	if (ln->bad_col) {
		parser_error(p, (struct conf_pos){ln->number, ln->bad_col, 1},
			     conf_text("a byte 0x%02x, which no line can hold",
				       (unsigned char)ln->s[ln->bad_col - 1]),
			     ln->s[ln->bad_col - 1] & 0x80 ? conf_text("the file in UTF-8") : NULL);
		return;
	}
	if (!ln->n || obey_mode_word(p, ln))
		return;
	if (match_modes(p, ln, &cmd, &why, &depth)) {
		obey(p, &cmd, depth);
		return;
	}
	parser_error(p, why.pos, why.text, why.hint);
	line_refused(p, &cmd, depth);
}

/* ---- the whole ---- */

struct config *config_parse(const char *path, const char *text, size_t len,
			    struct conf_diags *diags)
{
	struct parser p = {.d = diags, .depth = 1};
	struct lexer l;
	struct line ln;

	*diags = (struct conf_diags){0};
	p.c = parser_alloc(&p, sizeof(*p.c));
	if (p.c) {
		p.c->path = parser_strdup(&p, path, strlen(path));
		p.c->ike_lifetime_s = IKE_LIFETIME_S;
		p.c->child_lifetime_s = CHILD_LIFETIME_S;
		p.c->child_lifetime_kb = CHILD_LIFETIME_KB;
	}
	lex_init(&l, text, len);
	while (!p.oom && lex_line(&l, &ln))
		read_line(&p, &ln);
	if (!p.oom)
		conf_check(&p);
	if (p.oom)
		parser_error(&p, (struct conf_pos){0}, conf_text("out of memory"), NULL);
	free(p.uses);
	conf_diags_sort(diags);
	if (!diags->n_errors)
		return p.c;
	config_free(p.c);
	return NULL;
}
