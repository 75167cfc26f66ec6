/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands as tables, and the matcher that walks them. A table is a list of
 * nodes, one per word that may stand at that place; each names the words that
 * may follow. The same tables, with their help texts, serve a shell's `?`.
 * Private to conf/.
 */
#ifndef CONF_GRAMMAR_H
#define CONF_GRAMMAR_H

#include "prefpeerd/conf/config.h"
#include "prefpeerd/conf/lex.h"

struct parser;
struct cmd;

enum conf_mode { /* 0 in a node: enters none */
	MODE_GLOBAL,
	MODE_MAP,
	MODE_ACL4,
	MODE_ACL6,
	MODE_SET,
	MODE_KEYRING,
	MODE_KEYRING_PEER,
	MODE_INTERFACE,
	MODE_PROPOSAL,
	MODE_POLICY,
	MODE_TRUSTPOINT,
	MODE_PROFILE,
	MODE_COUNT,
};

enum arg_kind {
	ARG_KEYWORD,
	ARG_NUMBER,
	ARG_NAME,    /* up to CONF_NAME_MAX bytes */
	ARG_WORD,    /* judged by the handler */
	ARG_SECRET,  /* likewise; never quoted in a message */
	ARG_REST,    /* the rest of the line */
	ARG_IPV4,
	ARG_IPV6,
	ARG_ADDR,    /* either family */
	ARG_PREFIX4, /* A/len */
	ARG_PREFIX6,
	ARG_PREFIX,
};

enum slot { SLOT_NONE, SLOT_NAME, SLOT_NUM, SLOT_NUM2, SLOT_SRC, SLOT_SRC_WILD, SLOT_DST,
	    SLOT_DST_WILD, SLOT_TEXT, SLOT_COUNT };

enum { /* flags of a command, set by the keywords that were given */
	F_DEFAULT = 1 << 0,
	F_MILLIS = 1 << 1,
	F_PERIODIC = 1 << 2,
	F_ON_DEMAND = 1 << 3,
	F_STRICT = 1 << 4,
	F_FIXED = 1 << 5,
	F_IPV6 = 1 << 6,
	F_DENY = 1 << 7,
	F_NUMBERED = 1 << 8,
	F_FQDN = 1 << 10,
	F_EMAIL = 1 << 11,
	F_KEY_ID = 1 << 12,
	F_DYNAMIC = 1 << 13,
	F_SHA256 = 1 << 18,
	F_SHA384 = 1 << 19,
	F_SHA512 = 1 << 20,
	F_DN = 1 << 21,
	F_DOMAIN = 1 << 22,
	F_RSA = 1 << 23,
	F_ECDSA = 1 << 24,
	F_EDDSA = 1 << 25,
	F_PSK = 1 << 26,
	F_PKCS1 = 1 << 27,
	F_SIGN = 1 << 28,
	F_VERIFY = 1 << 29,
	F_DISABLE = 1 << 30,
};

typedef void (*cmd_fn)(struct parser *p, const struct cmd *cmd);

struct node {
	const char *word; /* keyword, or what an argument is called: "SECONDS"; NULL ends a table */
	const char *help;
	enum arg_kind kind;
	enum slot slot;
	unsigned flag;
	uint32_t min, max;      /* ARG_NUMBER; of a keyword: what it stands for */
	const char *what;       /* ARG_NUMBER: "idle time", for messages */
	const char *unit;       /* ARG_NUMBER: "s", "ms", "" */
	const char *refuse;     /* understood, and refused with this sentence */
	const char *hint;       /* … and what to write instead, or NULL */
	unsigned repeat;        /* may stand so many times in a row (SLOT_NAME: cmd.list) */
	enum conf_mode enters;  /* the command opens this mode */
	cmd_fn run;             /* the line may end here */
	cmd_fn undo;            /* … with `no` in front */
	const struct node *next;
};

struct arg {
	const struct word *w; /* NULL: not given */
	uint64_t num;
	struct addr addr;
	struct prefix prefix; /* a host for the address kinds */
	bool is_prefix;       /* typed with a length */
};

struct cmd {
	const struct line *line;
	bool no;
	unsigned first; /* index of the first word, after `no` */
	unsigned flags;
	struct arg arg[SLOT_COUNT];
	const struct word *list[LEX_WORDS_MAX]; /* words of a repeated node */
	unsigned n_list;
	const struct node *path[LEX_WORDS_MAX]; /* path[i] matched word i */
	cmd_fn fn;
	enum conf_mode enters; /* of the last node that says so */
};

/* Why a line does not match a mode's table, and how far it went. */
struct mismatch {
	unsigned depth; /* words that did match */
	bool refused;   /* understood: no other mode is asked */
	struct conf_pos pos;
	char *text, *hint;
};

struct mode_desc {
	const char *prompt; /* "config-crypto-map" */
	const struct node *commands;
};

extern const struct mode_desc conf_modes[MODE_COUNT];

/* True: *cmd is filled. False: *why is, its strings are the caller's. */
bool grammar_match(const struct node *table, const struct line *ln, struct cmd *cmd,
		   struct mismatch *why);
/* "any, host, A.B.C.D or end of line"; NULL without memory. */
char *grammar_next_words(const struct node *table, bool may_end);
/* Where a flag's keyword stands; the command's first word when it was not given. */
struct conf_pos cmd_flag_pos(const struct cmd *cmd, unsigned flag);
/* What the first keyword with a value stands for; 0: there is none. */
uint32_t cmd_keyword_value(const struct cmd *cmd);
struct conf_pos cmd_arg_pos(const struct cmd *cmd, enum slot slot);
struct conf_pos cmd_pos(const struct cmd *cmd);

#endif
