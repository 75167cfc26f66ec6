// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * prefpeer --completion WORDS…: what may stand behind these words, one a line, for
 * completion/prefpeer. The words are those of `help`, which every command prints out of the
 * tables by which it reads, so that nothing has to be kept in step.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeer/completion.h"

#define TOKENS_MAX 64

/* What the command prints, to be freed. */
static char *help_of(const struct cli *cli, const struct command *o, struct args *typed, bool whole)
{
	char *words[TOKENS_MAX], *text = NULL;
	struct args args = { 0, words };
	FILE *was = stdout;
	size_t len;

	for (int i = 0; whole && i < typed->n && args.n < TOKENS_MAX - 1; i++)
		words[args.n++] = typed->v[i];
	words[args.n++] = "help";
	stdout = open_memstream(&text, &len);
	if (stdout) {
		o->run(cli, &args);
		fclose(stdout);
	}
	stdout = was;
	return text;
}

static bool is_keyword(const char *word)
{
	if (!islower((unsigned char)*word) && strncmp(word, "--", 2))
		return false;
	for (; *word; word++)
		if (!islower((unsigned char)*word) && !isdigit((unsigned char)*word) &&
		    !strchr("-_.", *word))
			return false;
	return true;
}

/* "[remote A]" and "{add | del}" are several; whether it stood by itself is in *plain. */
static void candidates_in(const char *token, FILE *to)
{
	char buf[128], *save = NULL;

	snprintf(buf, sizeof(buf), "%s", token);
	for (char *w = strtok_r(buf, "[]{}|", &save); w; w = strtok_r(NULL, "[]{}|", &save))
		if (is_keyword(w))
			fprintf(to, "%s\n", w);
}

/*
 * A synopsis: what was typed has to agree with it as far as it is of keywords alone; of
 * those behind the command every one may come, they are in no order.
 */
static void of_synopsis(char *line, const struct args *typed, FILE *to)
{
	char *tokens[TOKENS_MAX], *save = NULL;
	int n = 0;

	for (char *w = strtok_r(line, " \t", &save); w && n < TOKENS_MAX; w = strtok_r(NULL, " \t", &save))
		tokens[n++] = w;
	for (int i = 0; i < n; i++) {
		if (is_keyword(tokens[i])) {
			if (i < typed->n && strcmp(tokens[i], typed->v[i]))
				return;
			if (i < typed->n)
				continue;
			if (!i) {
				fprintf(to, "%s\n", tokens[i]);
				return;
			}
		}
		for (int j = i; j < n; j++)
			candidates_in(tokens[j], to);
		return;
	}
}

/* "  word   what it is", as a table of exec commands lists what comes next. */
static void of_list(const char *line, FILE *to)
{
	size_t n = strcspn(line, " ");
	char word[64];

	snprintf(word, sizeof(word), "%.*s", (int)n, line);
	if (is_keyword(word))
		fprintf(to, "%s\n", word);
}

/* A synopsis goes on in the lines below it, which are indented by more. */
static void of_help(char *text, const char *object, bool list, const struct args *typed, FILE *to)
{
	char head[64], whole[2048] = "", *save = NULL;

	snprintf(head, sizeof(head), "prefpeer %s", object);
	for (char *l = strtok_r(text, "\n", &save);; l = strtok_r(NULL, "\n", &save)) {
		bool more = l && !list && *l == ' ';

		if (more && *whole) {
			strncat(whole, l, sizeof(whole) - strlen(whole) - 1);
			continue;
		}
		if (*whole)
			of_synopsis(whole + strlen(head), typed, to);
		*whole = '\0';
		if (!l)
			return;
		if (list && !strncmp(l, "  ", 2))
			of_list(l + 2, to);
		else if (!strncmp(l, head, strlen(head)))
			snprintf(whole, sizeof(whole), "%s", l);
	}
}

/* ---- what the agent has -------------------------------------------------- */

/* NAME, SEQ and PEER of entries, where these come next. */
static void of_entries(const struct cli *cli, int at, const struct args *typed, FILE *to)
{
	json_t *reply = NULL, *m, *p;
	size_t i, j;

	if (at > 2 || ask_agent_quietly(cli, json_pack("{s:s}", "cmd", "map-show"), &reply))
		return;
	json_array_foreach(json_object_get(reply, "maps"), i, m)
	{
		const char *name = json_string_value(json_object_get(m, "map"));
		const char *typed_name = at ? typed->v[typed->n - at] : NULL;

		if (!name || (typed_name && strcmp(name, typed_name)))
			continue;
		if (!at)
			fprintf(to, "%s\n", name);
		else if (at == 1)
			fprintf(to, "%" JSON_INTEGER_FORMAT "\n",
				json_integer_value(json_object_get(m, "seq")));
		else
			json_array_foreach(json_object_get(m, "peers"), j, p)
				fprintf(to, "%s\n", json_string_value(json_object_get(p, "peer")));
	}
	json_decref(reply);
}

static void dynamic_words(const struct cli *cli, const char *object, const struct args *typed, FILE *to)
{
	if (!strcmp(object, "map") && typed->n)
		of_entries(cli, typed->n - 1, typed, to);
	else if (!strcmp(object, "status") || !strcmp(object, "explain"))
		of_entries(cli, typed->n, typed, to);
}

/* ---- all ----------------------------------------------------------------- */

static void first_words(const struct command *objects, FILE *to)
{
	char name[40];

	for (unsigned i = 0; options_name(i, name, sizeof(name)); i++)
		fprintf(to, "%s\n", name);
	for (; objects->name; objects++)
		fprintf(to, "%s\n", objects->name);
	fprintf(to, "help\n");
}

int completion(const struct cli *cli, struct args *typed, const struct command *objects, FILE *to)
{
	const char *name = args_next(typed);
	const struct command *o = objects;
	bool list;
	char *help;

	if (!name) {
		first_words(objects, to);
		return CLI_OK;
	}
	while (o->name && strcmp(o->name, name))
		o++;
	if (!o->name)
		return CLI_OK;
	list = !strcmp(name, "show") || !strcmp(name, "clear") || !strcmp(name, "debug");
	help = help_of(cli, o, typed, list);
	if (help)
		of_help(help, name, list, typed, to);
	free(help);
	if (!typed->n)
		fprintf(to, "help\n");
	dynamic_words(cli, name, typed, to);
	return CLI_OK;
}
