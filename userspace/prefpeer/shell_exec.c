// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands of the shell itself: its levels and modes, and the configuration as a whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeer/config_agent.h"
#include "prefpeer/shell.h"

#define NEXT(...) .next = (const struct exec_node[]){ __VA_ARGS__, { 0 } }
#define KW(w, h, ...) { .word = w, .help = h, __VA_ARGS__ }
#define ARG(k, w, h, ...) { .kind = k, .word = w, .help = h, __VA_ARGS__ }

/* ---- levels and modes ------------------------------------------------------------- */

static int run_enable(const struct exec_line *l)
{
	struct shell *s = shell_of(l->cli);
	int rc = s->level == LEVEL_USER ? shell_enable(s) : CLI_OK;

	if (!rc && s->level == LEVEL_USER)
		s->level = LEVEL_PRIVILEGED;
	return rc;
}

static int run_disable(const struct exec_line *l)
{
	struct shell *s = shell_of(l->cli);

	if (s->level == LEVEL_PRIVILEGED)
		s->level = LEVEL_USER;
	return CLI_OK;
}

static int run_exit(const struct exec_line *l)
{
	shell_of(l->cli)->done = true;
	return CLI_OK;
}

static int run_configure(const struct exec_line *l)
{
	struct shell *s = shell_of(l->cli);

	if (s->level == LEVEL_CONFIG)
		return shell_say("configuration mode is where we are");
	puts("Enter configuration commands, one per line.  End with CNTL/Z.");
	s->level = LEVEL_CONFIG;
	s->depth = 1;
	s->mode[0].mode = LANG_GLOBAL;
	return CLI_OK;
}

static int run_length(const struct exec_line *l)
{
	shell_of(l->cli)->length = (int)exec_number_after(l, "length");
	return CLI_OK;
}

/* ---- the configuration as a whole -------------------------------------------------- */

static int run_write(const struct exec_line *l)
{
	int rc;

	puts("Building configuration...");
	rc = config_save(l->cli, NULL);
	if (!rc)
		puts("[OK]");
	return rc;
}

static int run_copy_to_file(const struct exec_line *l)
{
	int rc = config_save(l->cli, l->word[l->n - 1]);

	if (!rc)
		puts("[OK]");
	return rc;
}

static int outcome(const struct exec_line *l, json_t *reply, const char *name, const char *text)
{
	int rc = config_outcome(l->cli, reply, name, text);

	shell_config_refresh(shell_of(l->cli));
	return rc;
}

/* As on IOS: its lines are added to what is in force. */
static int run_copy_to_running(const struct exec_line *l)
{
	json_t *reply;
	int rc = ask_agent_fd(l->cli, json_pack("{s:s, s:b}", "cmd", "config-apply", "startup", 1),
			      -1, &reply);

	return rc ? rc : outcome(l, reply, "startup-config", NULL);
}

static bool sure(struct shell *s)
{
	char answer[16] = "";

	if (!s->tty)
		return true;
	fputs("This will replace the current running configuration with the contents of\n"
	      "the specified file, which is assumed to be a complete configuration.\n"
	      "Enter Y if you are sure you want to proceed. ? [no]: ", stdout);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}

static int run_replace(const struct exec_line *l)
{
	const char *path = exec_after(l, "replace");
	char *text;
	size_t len;
	json_t *reply;
	int rc;

	if (!exec_has(l, "force") && !sure(shell_of(l->cli)))
		return CLI_OK;
	rc = config_read_file(path, &text, &len);
	if (rc)
		return rc;
	rc = config_send(l->cli, json_pack("{s:s}", "cmd", "config-replace"), text, len, &reply);
	if (!rc)
		rc = outcome(l, reply, path, text);
	secret_free(text, len);
	return rc;
}

/* ---- show --------------------------------------------------------------------------- */

static int get_text(const struct cli *cli, bool startup, json_t **reply)
{
	int rc = ask_agent_fd(cli, json_pack("{s:s, s:b}", "cmd", "config-show", "startup", startup),
			      -1, reply);

	if (rc || json_is_true(json_object_get(*reply, "ok")))
		return rc;
	return config_outcome(cli, *reply, "startup-config", NULL);
}

/* Sections whose first line has @words, NULL: all; `!` between those that have lines below. */
static void print_sections(const char *text, const char *words)
{
	bool in = !words;
	const char *next;

	for (; *text; text = next) {
		size_t len = strcspn(text, "\n");
		char head[TREE_LINE_MAX];

		next = text + len + (text[len] == '\n');
		if (words && *text != ' ') {
			snprintf(head, sizeof(head), "%.*s", (int)len, text);
			in = strstr(head, words);
		}
		if (in)
			printf("%.*s\n", (int)len, text);
		if (!words && *text == ' ' && *next != ' ')
			puts("!");
	}
}

static int show_running(const struct exec_line *l)
{
	char words[TREE_LINE_MAX] = "";
	const char *text;
	json_t *reply;
	int rc = get_text(l->cli, false, &reply);

	if (rc)
		return rc;
	text = json_string_value(json_object_get(reply, "text"));
	for (unsigned i = 3; i < l->n; i++)
		snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s",
			 i > 3 ? " " : "", l->word[i]);
	if (!*words)
		printf("Building configuration...\n\nCurrent configuration : %zu bytes\n!\n",
		       strlen(text));
	print_sections(text, *words ? words : NULL);
	if (!*words)
		puts("end");
	json_decref(reply);
	return CLI_OK;
}

static int show_startup(const struct exec_line *l)
{
	json_t *reply;
	int rc = get_text(l->cli, true, &reply);

	if (rc)
		return rc;
	print_sections(json_string_value(json_object_get(reply, "text")), NULL);
	json_decref(reply);
	return CLI_OK;
}

static int show_saved_differences(const struct cli *cli)
{
	json_t *reply;
	int rc = ask_agent_fd(cli, json_pack("{s:s}", "cmd", "config-diff"), -1, &reply);

	if (rc)
		return rc;
	if (!json_is_true(json_object_get(reply, "ok")))
		return config_outcome(cli, reply, "startup-config", NULL);
	if (json_integer_value(json_object_get(reply, "lines")))
		fputs(json_string_value(json_object_get(reply, "text")), stdout);
	else
		puts("!No changes were found");
	json_decref(reply);
	return CLI_OK;
}

static int show_differences(const struct exec_line *l)
{
	char *files[2] = { (char *)(l->n > 4 ? l->word[4] : NULL),
			   (char *)(l->n > 5 ? l->word[5] : NULL) };
	struct args args = { (int)(l->n - 4), files };

	puts("!Contextual Config Diffs:");
	if (l->n == 4)
		return show_saved_differences(l->cli);
	return config_differences(l->cli, &args);
}

/* ---- tables ---------------------------------------------------------------------------- */

const struct exec_node shell_state_commands[] = {
	KW("enable", "privileged mode", .run = run_enable),
	KW("disable", "user mode", .run = run_disable),
	KW("exit", "leave the shell", .run = run_exit),
	KW("logout", "leave the shell", .run = run_exit),
	KW("quit", "leave the shell", .run = run_exit),
	KW("configure", "change the configuration", .privileged = true,
	   NEXT(KW("terminal", "by lines, each in force at once", .run = run_configure),
		KW("replace", "by a file, in place of all that is in force",
		   NEXT(ARG(EXEC_WORD, "FILE", "a whole configuration", .run = run_replace,
			    NEXT(KW("force", "without a question", .run = run_replace))))))),
	KW("write", "save what is in force", .privileged = true, .run = run_write,
	   NEXT(KW("memory", "to the agent's file", .run = run_write))),
	KW("copy", "one configuration over another", .privileged = true,
	   NEXT(KW("running-config", "what is in force",
		   NEXT(KW("startup-config", "to the agent's file", .run = run_write),
			ARG(EXEC_WORD, "FILE", "to a file, with its keys; root only",
			    .run = run_copy_to_file))),
		KW("startup-config", "the agent's file",
		   NEXT(KW("running-config", "its lines are added to what is in force",
			   .run = run_copy_to_running))))),
	KW("terminal", "how this terminal is used",
	   NEXT(KW("length", "lines of a page",
		   NEXT(ARG(EXEC_NUMBER, "<0-512>", "0: no pages", .max = 512,
			    .run = run_length))))),
	{ 0 },
};

const struct exec_node shell_show_commands[] = {
	KW("show", "what there is, and how it does",
	   NEXT(KW("running-config", "the configuration in force", .privileged = true,
		   .run = show_running,
		   NEXT(KW("section", "only some of it",
			   NEXT(ARG(EXEC_REST, "WORDS", "in the first line of a section",
				    .run = show_running))))),
		KW("startup-config", "what the agent's file holds", .privileged = true,
		   .run = show_startup),
		KW("archive", "configurations compared", .privileged = true,
		   NEXT(KW("config", "configurations",
			   NEXT(KW("differences", "what is not saved; or of files",
				   .run = show_differences,
				   NEXT(ARG(EXEC_WORD, "FILE", "what it would change",
					    .run = show_differences,
					    NEXT(ARG(EXEC_WORD, "FILE", "compared with the first",
						     .run = show_differences))))))))))),
	{ 0 },
};

const struct exec_node shell_config_words[] = {
	KW("no", "take a line back"),
	KW("default", "what a setting is when nothing is said of it"),
	KW("do", "a command of exec mode"),
	KW("exit", "leave this mode", .run = run_exit),
	KW("end", "leave configuration", .run = run_exit),
	{ 0 },
};

#define FILTER(w, h) KW(w, h, NEXT(ARG(EXEC_REST, "LINE", "a regular expression", .run = run_exit)))

/* In the order of shell_out.c's. */
const struct exec_node shell_filter_words[] = {
	FILTER("begin", "from the first line that matches on"),
	FILTER("count", "how many lines match"),
	FILTER("exclude", "lines that do not match"),
	FILTER("include", "lines that match"),
	FILTER("section", "lines that match, with what stands below them"),
	{ 0 },
};
