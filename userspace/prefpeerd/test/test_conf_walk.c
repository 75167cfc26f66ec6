// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables of commands against themselves, over random lines of them: whatever is
 * accepted is in the running configuration, which parses back to itself; `no` takes it
 * back; and no command is without a `no` unless it is listed here, with the reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/test/conf_help.h"
#include "prefpeerd/test/conf_walk.h"

#define ELEMS(a) (sizeof(a) / sizeof((a)[0]))
#define CMDS_MAX 4000
#define ROUNDS 250	/* configurations, each of them looked at while it grows */
#define STEPS 60	/* lines that are tried for each */
#define OPEN_TRIES 30	/* lines that open a mode */
#define DEFAULT_TRIES 3
#define TRIES 300	/* lines of one command, to find one that is taken */
#define TEXT_MAX 16384

struct all {
	struct walk_cmd list[CMDS_MAX];
	unsigned n;
};

static struct all all;

static void keep(void *ctx, const struct walk_cmd *cmd)
{
	assert_true(all.n < CMDS_MAX);
	all.list[all.n++] = *cmd;
}

static int collect(void **state)
{
	walk_all(keep, NULL);
	return all.n ? 0 : -1;
}

/* What the names of random lines may name. Nothing in it is other than by default. */
static const char prologue[] = "ip access-list extended A\n deny ip any any\n"
			       "ipv6 access-list B\n deny ipv6 any any\n"
			       "crypto ipsec transform-set A esp-gcm 256\n"
			       "crypto ipsec transform-set B esp-gcm 128\n"
			       "crypto pki trustpoint A\n ca file /etc/ca\n certificate file /etc/c\n"
			       " key file /etc/k\n"
			       "crypto pki trustpoint B\n ca file /etc/ca\n"
			       "crypto ikev2 keyring A\n peer A\n  address 10.1.1.1\n"
			       "  pre-shared-key <hidden>\n"
			       "crypto ikev2 proposal A\n encryption aes-gcm-256\n group 19\n"
			       " prf sha256\n"
			       "crypto ikev2 profile A\n authentication local pre-share\n"
			       " authentication remote pre-share\n pki trustpoint A\n"
			       "crypto ikev2 profile B\n authentication local rsa-sig\n"
			       " authentication remote rsa-sig\n pki trustpoint A\n"
			       "crypto ikev2 policy A\n proposal A\n"
			       "crypto dynamic-map A 7\n set transform-set A\n"
			       "crypto map A 5 ipsec-isakmp\n"
			       "crypto map ipv6 B 5 ipsec-isakmp\n";

/* ---- texts ---- */

static char *print_of(const char *text)
{
	struct parsed x = conf_help_parse(text);
	char *out = x.d.n_errors || !x.c ? NULL : conf_help_print(x.c);

	conf_help_free(&x);
	return out;
}

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static enum conf_mode entered(const struct walk_cmd *cmd)
{
	enum conf_mode mode = MODE_GLOBAL;

	for (unsigned i = 0; i < cmd->n; i++)
		if (cmd->path[i]->enters)
			mode = cmd->path[i]->enters;
	return mode;
}

static void add(char *text, const char *line)
{
	size_t at = strlen(text);

	assert_true(at + strlen(line) + 2 < TEXT_MAX);
	sprintf(text + at, "%s\n", line);
}

/* Any of those that open @mode. */
static const struct walk_cmd *opener(enum conf_mode mode, uint64_t *seed)
{
	const struct walk_cmd *list[64];
	unsigned n = 0;

	for (unsigned i = 0; i < all.n && n < ELEMS(list); i++)
		if (entered(&all.list[i]) == mode)
			list[n++] = &all.list[i];
	if (!n)
		fail_msg("no command opens mode %s", conf_modes[mode].prompt);
	return list[walk_pick(seed, n)];
}

/* Lines that open @mode, from the tables too: such that the whole is still without error. */
static void add_opener(char *text, enum conf_mode mode, uint64_t *seed)
{
	char line[WALK_LINE_MAX], *printed = NULL;
	size_t before;

	if (mode == MODE_GLOBAL)
		return;
	add_opener(text, opener(mode, seed)->mode, seed);
	before = strlen(text);
	for (unsigned i = 0; i < OPEN_TRIES && !printed; i++) {
		text[before] = '\0';
		walk_line(opener(mode, seed), seed, line, sizeof(line));
		add(text, line);
		printed = print_of(text);
	}
	free(printed);
}

/* ---- what is printed parses back to itself ---- */

static void round_trip(const char *text, const char *first)
{
	char *second = print_of(first);

	if (!second)
		fail_msg("its running configuration does not parse:\n%s-- of\n%s", first, text);
	assert_string_equal(first, second);
	free(second);
}

/* A line that the configuration as a whole takes, or nothing. */
static void grow(char *text, uint64_t *seed)
{
	char line[WALK_LINE_MAX], undo[WALK_LINE_MAX], *printed;
	size_t before = strlen(text);
	struct walk_cmd cmd;

	if (!walk_any(seed, &cmd))
		return;
	add_opener(text, cmd.mode, seed);
	walk_line(&cmd, seed, line, sizeof(line));
	if (!walk_pick(seed, 8) && walk_undo(&cmd, line, undo, sizeof(undo)))
		add(text, undo);
	else
		add(text, line);
	add(text, "end");
	printed = print_of(text);
	if (printed)
		round_trip(text, printed);
	else
		text[before] = '\0';
	free(printed);
}

static void random_configurations(void **state)
{
	static char text[TEXT_MAX];

	for (uint64_t round = 1; round <= ROUNDS; round++) {
		uint64_t seed = round;

		strcpy(text, prologue);
		for (unsigned i = 0; i < STEPS; i++)
			grow(text, &seed);
	}
}

/* ---- `no` ---- */

struct exception {
	const char *command; /* as walk_name(), or how that begins */
	const char *why;
};

static bool is_excepted(const struct exception *list, const char *name)
{
	for (; list->command; list++)
		if (!strncmp(name, list->command, strlen(list->command)))
			return true;
	return false;
}

static const struct exception no_undo[] = {
	{ NULL, NULL },
};

static void every_command_has_a_no(void **state)
{
	char name[WALK_LINE_MAX], undo[WALK_LINE_MAX];
	unsigned missing = 0;

	for (unsigned i = 0; i < all.n; i++) {
		walk_name(&all.list[i], name, sizeof(name));
		if (walk_undo(&all.list[i], "", undo, sizeof(undo)) || is_excepted(no_undo, name))
			continue;
		print_error("# cannot be taken back: %s\n", name);
		missing++;
	}
	assert_int_equal(missing, 0);
}

/* ---- effect, and its end ---- */

enum found {
	REFUSED,  /* no line of it was taken */
	NO_EFFECT, /* … or none changed what is printed */
	TAKEN_BACK,
	LEFT, /* `no` does not bring back what was before */
};

static const struct exception no_effect[] = {
	{ "config-ext-nacl: remark", "a comment" },
	{ "config-ipv6-acl: remark", "a comment" },
	{ "config: access-list NUMBER remark", "a comment" },
	{ "config: interface NAME", "printed with the map that stands on it" },
	{ "config: crypto ikev2 keyring NAME", "printed with its first peer" },
	{ "config-ikev2-keyring-peer: pre-shared-key", "what a key is, is never printed" },
	{ "config: crypto pki trustpoint NAME", "without files it is refused" },
	{ "config: crypto ikev2 proposal NAME", "without algorithms it is refused" },
	{ "config-ikev2-keyring: peer NAME", "incomplete without an address" },
	{ "cfg-crypto-trans: mode tunnel", "what a set is unless something is said" },
	{ NULL, NULL },
};
static const struct exception not_taken_back[] = {
	{ NULL, NULL },
};

/* Whether @line changes what is printed of @text; without it @text may be incomplete. */
static enum found effect(const char *text, const char *line)
{
	static char with[TEXT_MAX];
	char *before = print_of(text), *after;
	enum found found = REFUSED;

	strcpy(with, text);
	add(with, line);
	after = print_of(with);
	if (before && after)
		found = same(before, after) ? NO_EFFECT : TAKEN_BACK;
	free(before);
	free(after);
	return found;
}

/*
 * What the line sets is taken back first: then `no` behind the line gives the same text
 * again. Where it must be set, that it has an effect is all that can be seen.
 */
static enum found try_once(const struct walk_cmd *cmd, uint64_t *seed, char *text)
{
	char line[WALK_LINE_MAX], undo[WALK_LINE_MAX] = "!";
	char *before, *after;
	enum found found;
	size_t opened;

	strcpy(text, prologue);
	add_opener(text, cmd->mode, seed);
	opened = strlen(text);
	walk_line(cmd, seed, line, sizeof(line));
	walk_undo(cmd, line, undo, sizeof(undo));
	add(text, undo);
	before = print_of(text);
	if (!before)
		text[opened] = '\0';
	found = effect(text, line);
	add(text, line);
	add(text, undo);
	after = print_of(text);
	if (found == TAKEN_BACK && before && after && !same(before, after))
		found = LEFT;
	free(before);
	free(after);
	return found;
}

static bool is_sibling(const struct walk_cmd *a, const struct walk_cmd *b)
{
	unsigned same = 0;

	while (same < a->n && same < b->n && a->path[same] == b->path[same])
		same++;
	return a != b && a->mode == b->mode && same + 1 >= a->n;
}

/* What is so by default changes something where another value was before. */
static bool has_effect_after_another(const struct walk_cmd *cmd, uint64_t *seed)
{
	static char text[TEXT_MAX];
	char line[WALK_LINE_MAX];

	for (unsigned i = 0; i < all.n; i++) {
		if (!is_sibling(cmd, &all.list[i]))
			continue;
		strcpy(text, prologue);
		add_opener(text, cmd->mode, seed);
		walk_line(&all.list[i], seed, line, sizeof(line));
		add(text, line);
		walk_line(cmd, seed, line, sizeof(line));
		if (effect(text, line) == TAKEN_BACK)
			return true;
	}
	return false;
}

/* A command's draws are its own: those that come beside it change nothing in them. */
static uint64_t seed_of(const char *name)
{
	uint64_t seed = 77;

	while (*name)
		seed = seed * 31 + (unsigned char)*name++;
	return seed;
}

static void no_takes_back_what_has_an_effect(void **state)
{
	static char text[TEXT_MAX], kept[TEXT_MAX];
	char name[WALK_LINE_MAX];
	unsigned bad = 0, refused = 0;

	for (unsigned i = 0; i < all.n; i++) {
		enum found best = REFUSED;
		uint64_t seed;

		walk_name(&all.list[i], name, sizeof(name));
		seed = seed_of(name);
		for (unsigned t = 0; t < TRIES && best < TAKEN_BACK; t++) {
			enum found f = try_once(&all.list[i], &seed, text);

			if (f == LEFT)
				strcpy(kept, text);
			if (f > best)
				best = f;
		}
		if (best == REFUSED) {
			print_message("# no line was taken: %s\n", name);
			refused++;
		} else if (best == NO_EFFECT && !is_excepted(no_effect, name) &&
			   !has_effect_after_another(&all.list[i], &seed)) {
			print_error("# is taken, and changes nothing: %s\n", name);
			bad++;
		} else if (best == LEFT && !is_excepted(not_taken_back, name)) {
			print_error("# `no` leaves something: %s\n# %s\n", name,
				    kept + strlen(prologue));
			bad++;
		}
	}
	print_message("# %u commands, of %u no line was taken\n", all.n, refused);
	assert_int_equal(bad, 0);
	assert_true(refused < all.n / 10);
}

/* ---- default ---- */

/* On unless `no` stands in front. */
static bool is_on_by_default(const char *name)
{
	return !strcmp(name, "config: crypto ikev2 fragmentation");
}

/* What is printed when @line and then @undo were typed where @cmd belongs; NULL: refused. */
static char *print_undone(const struct walk_cmd *cmd, const char *line, const char *undo)
{
	static char text[TEXT_MAX];
	uint64_t seed = 1;

	strcpy(text, prologue);
	add_opener(text, cmd->mode, &seed);
	add(text, line);
	add(text, undo);
	return print_of(text);
}

static void check_default(const struct walk_cmd *cmd, const char *name, const char *line,
			  const char *undo)
{
	char to_default[WALK_LINE_MAX + 8], *by_no = print_undone(cmd, line, undo), *by_default;

	if (!by_no)
		return;
	snprintf(to_default, sizeof(to_default), "default%s", undo + strlen("no"));
	by_default = print_undone(cmd, line, to_default);
	if (entered(cmd) != MODE_GLOBAL && by_default)
		fail_msg("`default` takes away what is no setting: %s", name);
	if (entered(cmd) == MODE_GLOBAL && !by_default)
		fail_msg("refused: %s", to_default);
	if (by_default && same(by_no, by_default) == is_on_by_default(name))
		fail_msg("`no` and `default` of %s:\n%s--\n%s", name, by_no, by_default);
	free(by_default);
	free(by_no);
}

static void default_is_no_but_of_what_is_on(void **state)
{
	char name[WALK_LINE_MAX], line[WALK_LINE_MAX], undo[WALK_LINE_MAX];

	for (unsigned i = 0; i < all.n; i++) {
		uint64_t seed;

		walk_name(&all.list[i], name, sizeof(name));
		seed = seed_of(name);
		for (unsigned t = 0; t < DEFAULT_TRIES; t++) {
			walk_line(&all.list[i], &seed, line, sizeof(line));
			if (walk_undo(&all.list[i], line, undo, sizeof(undo)))
				check_default(&all.list[i], name, line, undo);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_has_a_no),
		cmocka_unit_test(no_takes_back_what_has_an_effect),
		cmocka_unit_test(default_is_no_but_of_what_is_on),
		cmocka_unit_test(random_configurations),
	};

	return cmocka_run_group_tests(tests, collect, NULL);
}
