// SPDX-License-Identifier: GPL-2.0-or-later
/* Which mode's tables a line is for: the mode it is typed in, then outwards, as IOS does. */
#include <string.h>

#include "prefpeer/shell.h"

static struct place exec_place(const struct shell *s)
{
	return (struct place){
		.exec = { shell_state_commands, shell_show_commands, exec_commands },
		.n_exec = 3,
		.privileged = s->level != LEVEL_USER,
	};
}

static struct place mode_place(const struct shell *s, unsigned depth)
{
	return (struct place){
		.conf = lang_commands(s->mode[depth - 1].mode),
		.exec = { shell_config_words },
		.n_exec = 1,
		.privileged = true,
	};
}

static bool first_is(const struct tree_line *l, const char *word)
{
	return l->matched && l->path[0].exec && !strcmp(l->path[0].word, word);
}

/* In the mode at @depth; true: whatever it is, no outer mode is meant. */
static bool try_mode(const struct shell *s, struct tree_line *l, unsigned depth,
		     unsigned *first, enum shell_meaning *means)
{
	struct place p = mode_place(s, depth);

	*first = 0;
	*means = MEANS_CONFIG;
	tree_walk(l, 0, &p);
	if (first_is(l, "do")) {
		*first = 1;
		*means = MEANS_EXEC;
		p = exec_place(s);
		tree_walk(l, 1, &p);
		return true;
	}
	if (first_is(l, "no") || first_is(l, "default")) {
		struct choice no = l->path[0];

		*first = 1;
		p = (struct place){ .conf = p.conf, .no = true, .privileged = true };
		tree_walk(l, 1, &p);
		l->path[0] = no;
		return false;
	}
	if (l->matched && l->path[0].exec) {
		*means = MEANS_LEAVE;
		return true;
	}
	return false;
}

static bool better(const struct tree_line *a, const struct tree_line *b)
{
	if ((a->result == TREE_OK) != (b->result == TREE_OK))
		return a->result == TREE_OK;
	return a->matched > b->matched;
}

enum shell_meaning shell_resolve(const struct shell *s, struct tree_line *line, unsigned *first,
				 unsigned *depth)
{
	struct tree_line best = *line, tried;
	enum shell_meaning means = MEANS_EXEC, m;
	struct place p = exec_place(s);
	unsigned f;

	*first = 0;
	*depth = 0;
	if (s->level != LEVEL_CONFIG) {
		tree_walk(line, 0, &p);
		return MEANS_EXEC;
	}
	for (unsigned d = s->depth; d; d--) {
		bool last;

		tried = *line; /* words stay where they are: in the caller's text */
		last = try_mode(s, &tried, d, &f, &m);
		if (d == s->depth || better(&tried, &best)) {
			best = tried;
			means = m;
			*first = f;
			*depth = d;
		}
		if (last || best.result == TREE_OK)
			break;
	}
	*line = best;
	return means;
}

char *shell_cut_filter(char *line)
{
	for (char *bar = strchr(line, '|'); bar; bar = strchr(bar + 1, '|')) {
		if (bar == line || (bar[-1] != ' ' && bar[-1] != '\t'))
			continue;
		bar[-1] = '\0';
		return bar + 1 + strspn(bar + 1, " \t");
	}
	return NULL;
}
