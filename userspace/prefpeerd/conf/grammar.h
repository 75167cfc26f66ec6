/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands as tables, and the matcher that walks them. A table is a list of
 * nodes, one per word that may stand at that place; each names the words that
 * may follow. The same tables, with their help texts, serve the shell's `?`
 * (language.h). Private to conf/.
 */
#ifndef CONF_GRAMMAR_H
#define CONF_GRAMMAR_H

#include <stdint.h>

#include "prefpeerd/conf/config.h"
#include "prefpeerd/conf/lex.h"

struct parser;
struct cmd;

enum conf_mode { /* 0 in a node: enters none */
	MODE_GLOBAL,
	MODE_MAP,
	MODE_MAP_MANUAL,
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
	MODE_RADIUS,
	MODE_CERT_MAP,
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
	    SLOT_DST_WILD, SLOT_TEXT, SLOT_PROTO, SLOT_SPORT, SLOT_SPORT2, SLOT_DPORT, SLOT_DPORT2,
	    SLOT_COUNT };

/* Flags of a command, set by the keywords that were given. */
#define F_DEFAULT (UINT64_C(1) << 0)
#define F_MILLIS (UINT64_C(1) << 1)
#define F_PERIODIC (UINT64_C(1) << 2)
#define F_ON_DEMAND (UINT64_C(1) << 3)
#define F_STRICT (UINT64_C(1) << 4)
#define F_FIXED (UINT64_C(1) << 5)
#define F_IPV6 (UINT64_C(1) << 6)
#define F_DENY (UINT64_C(1) << 7)
#define F_NUMBERED (UINT64_C(1) << 8)
#define F_SPORT_LT (UINT64_C(1) << 14)
#define F_SPORT_GT (UINT64_C(1) << 15)
#define F_DPORT_LT (UINT64_C(1) << 16)
#define F_DPORT_GT (UINT64_C(1) << 17)
#define F_DAYS (UINT64_C(1) << 9)
#define F_STATIC (UINT64_C(1) << 32)
#define F_GATEWAY (UINT64_C(1) << 33)
#define F_REQUIRE (UINT64_C(1) << 40)
#define F_FQDN (UINT64_C(1) << 10)
#define F_EMAIL (UINT64_C(1) << 11)
#define F_KEY_ID (UINT64_C(1) << 12)
#define F_DYNAMIC (UINT64_C(1) << 13)
#define F_SHA256 (UINT64_C(1) << 18)
#define F_SHA384 (UINT64_C(1) << 19)
#define F_SHA512 (UINT64_C(1) << 20)
#define F_DN (UINT64_C(1) << 21)
#define F_DOMAIN (UINT64_C(1) << 22)
#define F_RSA (UINT64_C(1) << 23)
#define F_ECDSA (UINT64_C(1) << 24)
#define F_EDDSA (UINT64_C(1) << 25)
#define F_PSK (UINT64_C(1) << 26)
#define F_PKCS1 (UINT64_C(1) << 27)
#define F_SIGN (UINT64_C(1) << 28)
#define F_VERIFY (UINT64_C(1) << 29)
#define F_DISABLE (UINT64_C(1) << 30)
#define F_LOCAL (UINT64_C(1) << 50)
#define F_REMOTE (UINT64_C(1) << 51)
#define F_NEXT (UINT64_C(1) << 52)
#define F_HEX (UINT64_C(1) << 53)
#define F_FILE (UINT64_C(1) << 54)
#define F_SEALED (UINT64_C(1) << 55)

typedef void (*cmd_fn)(struct parser *p, const struct cmd *cmd);

struct node {
	const char *word; /* keyword, or what an argument is called: "SECONDS"; NULL ends a table */
	const char *help;
	enum arg_kind kind;
	enum slot slot;
	uint64_t flag;
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
	bool no;        /* `no` or `default` stands in front */
	bool to_default; /* … `default`: the same but for what is on unless `no` is said */
	unsigned first; /* index of the first word, after those */
	uint64_t flags;
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
/* Which of several arguments a word is meant to be; whether it is right is not asked. */
bool grammar_shape_fits(const struct node *n, const struct word *w);
/* "any, host, A.B.C.D or end of line"; NULL without memory. */
char *grammar_next_words(const struct node *table, bool may_end);
/* Where a flag's keyword stands; the command's first word when it was not given. */
struct conf_pos cmd_flag_pos(const struct cmd *cmd, uint64_t flag);
/* What the first keyword with a value stands for; 0: there is none. */
uint32_t cmd_keyword_value(const struct cmd *cmd);
struct conf_pos cmd_arg_pos(const struct cmd *cmd, enum slot slot);
struct conf_pos cmd_pos(const struct cmd *cmd);

#endif
