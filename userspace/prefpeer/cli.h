/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line tool. A command fills in what it asks (args.c, words.c),
 * asks the module or the agent (ask.c), and hands what it got to a renderer
 * (out_text.c, out_json.c). Functions return an exit status; what went wrong
 * has been said on standard error by then.
 */
#ifndef PREFPEER_CLI_H
#define PREFPEER_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/pp_nl.h"

/* Exit statuses, documented in prefpeer(8). */
enum { CLI_OK = 0, CLI_FAIL = 1, CLI_USAGE = 2 };

/* Options that mean something to some commands only (options.c). */
enum { OPT_STATS = 1, OPT_DETAILS = 2, OPT_ONELINE = 4, OPT_TIMESTAMP = 8 };

struct cli {
	bool json, pretty, color;
	bool completion; /* --completion: the words are not meant, but what may follow them */
	unsigned opts;	     /* OPT_* */
	const char *netns;   /* name or path; NULL = this one */
	const char *control; /* -S: the agent's socket; NULL = environment, default */
};

/* ---- options.c ----------------------------------------------------------- */

#define OPTIONS_HELP (-2)
/*
 * What stands before the object; *@at is the object's place. CLI_OK, CLI_FAIL, CLI_USAGE
 * (said why), -1: all is done; OPTIONS_HELP: it is asked for.
 */
int options_take(struct cli *cli, int argc, char **argv, int *at);
void options_help(FILE *to);
/* CLI_USAGE, with a sentence, where one of cli->opts means nothing to @command (NULL: @object has
 * no commands; or has them, and they are asked). */
int options_mean(const struct cli *cli, const char *object, const char *command);
/* Each name of the @i-th option: "-j", "--json"; NULL: there is no such. For completion. */
const char *options_name(unsigned i, char *buf, size_t size);

/* ---- args.c: the words that are left ------------------------------------- */

struct args {
	int n;
	char **v;
};

/* "prefpeer: …" on standard error. Return CLI_FAIL and CLI_USAGE. */
int cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What stands in front of both: "% " in the shell. */
void cli_said_by(const char *prefix);

/* The next word, or NULL at the end. */
const char *args_next(struct args *a);
/* CLI_OK at the end, else CLI_USAGE with the word that is too many. */
int args_end(struct args *a);

/* Of one word each: 0, or -EINVAL, -ERANGE; *out is untouched then. */
int parse_u32(const char *text, uint32_t *out); /* decimal, 0x hex */
int parse_u64(const char *text, uint64_t *out);
int parse_time_ms(const char *text, uint32_t *out); /* 120, 120s, 500ms → ms */
int parse_mark(const char *text, uint32_t *v, uint32_t *mask, bool *has_mask); /* V[/M] */
int parse_proto(const char *text, uint8_t *out);			       /* esp, ah */

/* ---- words.c: keyword tables → attributes -------------------------------- */

struct word {
	const char *name;  /* '-' and '_' are the same in it */
	const char *value; /* what follows, for help; NULL: nothing follows */
	/* Returns NULL, or a sentence's end: "is not an address". */
	const char *(*take)(struct pp_attrs *a, const char *value);
};

/* Every word of @tables (NULL-terminated list of NULL-named lists) at most once. */
int words_take(struct args *args, const struct word *const *tables, struct pp_attrs *out);
/* "remote PREFIX local PREFIX …" of one list, for help. */
void words_help(const struct word *list);

extern const struct word words_rule_selector[]; /* remote local proto reqid if_id mark */
extern const struct word words_meta[];		/* map seq index default idle-time one-way … */
extern const struct word words_sa_id[];		/* dst proto spi mark id */
extern const struct word words_sa_filter[];
extern const struct word words_pair_filter[];
extern const struct word words_peer_filter[];
extern const struct word words_rule_id[]; /* id */

/* ---- ask.c --------------------------------------------------------------- */

/* A client in the namespace, or NULL and CLI_FAIL has been said. */
struct pp_nl *ask_module(void);
/* The kernel's sentence after a failed call. */
int ask_failed(struct pp_nl *nl, int rc);

struct attr_list {
	struct pp_attrs *v;
	size_t n, room;
};

/* All that pass @filter, ascending; asks again when the kernel says that it changed meanwhile. */
int ask_dump(int cmd, const struct pp_attrs *filter, struct attr_list *out);
int ask_one(int cmd, const struct pp_attrs *req, struct attr_list *out);
/* No reply is of interest. */
int ask_do(int cmd, const struct pp_attrs *req);
void attr_list_free(struct attr_list *l);

/* One request to the agent; @request is taken over. *reply has ok:true, and is the caller's. */
int ask_agent(const struct cli *cli, json_t *request, json_t **reply);
/* The same with a descriptor (lib/ctl.h; -1: none), and whether or not it says ok. */
int ask_agent_fd(const struct cli *cli, json_t *request, int fd, json_t **reply);
/* The same, and nothing is said: 0 or -errno. */
int ask_agent_quietly(const struct cli *cli, json_t *request, json_t **reply);
/* {"cmd":@cmd} and what "[remote A] [map NAME [SEQ]]" chooses. NULL: said why. */
json_t *ask_selection(struct args *args, const char *cmd);

/* ---- show.c -------------------------------------------------------------- */

/* A kind of object of the module's, as `show` treats it. */
struct object {
	int get; /* PREFPEER_CMD_*_GET, to ask and to dump */
	const struct word *filter;
	/* One is named, not some chosen: then a wrong name is an error, not an empty list. */
	bool (*names_one)(const struct pp_attrs *filter);
	void (*text)(const struct cli *cli, const struct attr_list *l);
};

int show_objects(const struct cli *cli, struct args *args, const struct object *o);
/* Of the agent's reply the list @member. @request is taken over; NULL: said why already. */
int show_answer(const struct cli *cli, json_t *request, const char *member,
		void (*text)(const struct cli *cli, const json_t *list));
/* A request of whose reply only `done` or the error is of interest; likewise. */
int show_done(const struct cli *cli, json_t *request);

/* ---- out_json.c ---------------------------------------------------------- */

/* An object with every attribute; @now_ns of CLOCK_BOOTTIME gives idle_ms. New reference. */
json_t *json_of_attrs(const struct pp_attrs *a, uint64_t now_ns);
/* One event of the module; time from the wall clock at its stamp. New reference. */
json_t *json_of_event(const struct pp_event *ev);
/* Print and release: compact or indented, one line feed. */
void json_out(const struct cli *cli, json_t *o);
/* "sa", "peer", "rule". */
const char *group_name(unsigned group);

/* ---- out_text.c ---------------------------------------------------------- */

enum tone { TONE_PLAIN, TONE_HEAD, TONE_GOOD, TONE_BAD, TONE_WARN, TONE_ADDR };

/* Columns that are empty in every row are left out. */
struct table;
struct table *table_new(const char *const *heads); /* NULL-terminated */
/* The next cell of the row; the first cell after a full row begins another. */
void table_cell(struct table *t, enum tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void table_print(const struct cli *cli, struct table *t); /* and free */

/* Escape sequences around @text, or @text alone. Into @buf. */
const char *toned(const struct cli *cli, enum tone tone, const char *text, char *buf, size_t size);

#define DUR_STRLEN 24
/* How long a state has lasted: "0.2 s", "34 s", "18 min", "3 h", "2 d". */
const char *dur_print(uint64_t ms, char *buf);
/* An exact setting: "120 s", "500 ms", "off". */
const char *setting_print(uint32_t ms, char *buf);
/* "00:17:58", "3d 02:10:00". */
const char *clock_print(uint64_t ms, char *buf);
/* "41 MB", "812 B". */
const char *bytes_print(uint64_t n, char *buf);
/* Wall clock of a boottime instant (0 = now): "14:02:39.318". */
const char *time_of_day(uint64_t boot_ns, char *buf);
/* The same as ISO 8601 with milliseconds and zone. */
const char *time_iso(uint64_t boot_ns, char *buf, size_t size);
/* Of an event: with -t as ISO 8601, else the time of day. */
const char *event_time(const struct cli *cli, uint64_t boot_ns, char *buf, size_t size);
uint64_t boot_now_ns(void);

/* Words for values; numbers of newer ones in @buf. */
const char *proto_text(uint8_t proto, char *buf);
const char *dir_text(uint8_t dir, char *buf);
const char *state_text(uint8_t state, char *buf);
const char *reason_text(uint8_t reason, char *buf);
const char *source_text(uint8_t source, char *buf);
const char *mode_text(uint8_t mode, char *buf);
/* The @bit-th flag, NULL for unknown ones. */
const char *flag_name(unsigned bit);
const char *meta_flag_name(unsigned bit);
#define WORD_STRLEN 24

/* "tohub 1 #0 default" of metadata, "" without. */
const char *meta_text(const struct pp_meta *m, char *buf, size_t size);
/* "lastused fine 0x20", "" for none. */
const char *flags_text(uint32_t flags, char *buf, size_t size);
/* Attributes newer than this program: "attr44=010203". */
const char *unknown_text(const struct pp_attrs *a, char *buf, size_t size);

/* ---- cmd_*.c ------------------------------------------------------------- */

struct command {
	const char *name;
	int (*run)(const struct cli *cli, struct args *args);
	void (*help)(void);
	const char *summary;
};

const struct command *command_find(const struct command *table, const char *name); /* or NULL */
/* Run args' next word, "show" when there is none; "help" is known everywhere. */
int command_dispatch(const struct cli *cli, struct args *args, const char *object,
		     const struct command *table);

int cmd_sa(const struct cli *cli, struct args *args);
int cmd_rule(const struct cli *cli, struct args *args);
int cmd_pair(const struct cli *cli, struct args *args);
int cmd_peer(const struct cli *cli, struct args *args);
int cmd_stats(const struct cli *cli, struct args *args);
int cmd_monitor(const struct cli *cli, struct args *args);
int cmd_map(const struct cli *cli, struct args *args);
int cmd_session(const struct cli *cli, struct args *args);
int cmd_reload(const struct cli *cli, struct args *args);
int cmd_status(const struct cli *cli, struct args *args);
int cmd_doctor(const struct cli *cli, struct args *args);
int cmd_drain(const struct cli *cli, struct args *args);
int cmd_import(const struct cli *cli, struct args *args);
int cmd_explain(const struct cli *cli, struct args *args);
int cmd_config(const struct cli *cli, struct args *args);
int cmd_shell(const struct cli *cli, struct args *args);

/* ---- show_agent.c, event_text.c: text of what the agent and the module say ---- */

void text_maps(const struct cli *cli, const json_t *maps);
void text_sessions(const struct cli *cli, const json_t *sessions);
void text_agent_event(const struct cli *cli, const json_t *event);
void text_module_event(const struct cli *cli, const struct pp_event *ev);

#endif
