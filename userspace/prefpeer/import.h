/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prefpeer import: what another IKE daemon is told, as a crypto map. A reader
 * (import_swanctl.c, import_ipsec.c) makes settings of a file; import_*.c turn them into
 * our language. Whatever nobody took is named at the end: nothing is dropped silently.
 */
#ifndef PREFPEER_IMPORT_H
#define PREFPEER_IMPORT_H

#include <stdbool.h>
#include <stdio.h>

#define IMPORT_KEY_MAX 128

/* One "key = value" of the file, by its whole path: "connections.hub.children.net.remote_ts". */
struct setting {
	char *key, *value;
	unsigned line;
	bool taken;
};

/* The names are those of swanctl.conf; ipsec.conf's are translated where they mean the same. */
struct import {
	const char *path;
	struct setting *list;
	unsigned n, room;
	FILE *out, *err;
	bool secrets;		/* print them */
	const char *interface;	/* that carries the map; NULL: not known */
	unsigned remarks;
};

/* ---- import.c ------------------------------------------------------------ */

/* Of one @key the later value stands. 0, or -ENOMEM. */
int import_put(struct import *im, const char *key, const char *value, unsigned line);
struct setting *import_find(const struct import *im, const char *key);
/* The value of PREFIX.NAME, which is taken thereby; NULL: it is not there. */
const char *import_take(struct import *im, const char *prefix, const char *name);
/* The i-th different word behind PREFIX. in the order of the file, in @name; false: no more. */
bool import_child(const struct import *im, const char *prefix, unsigned i,
		  char name[IMPORT_KEY_MAX]);
/* A remark: "! …" in the output, and on the other stream with the file's name. */
void import_remark(struct import *im, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* All that nobody took, each with its reason. */
void import_rest(struct import *im);
void import_free(struct import *im);
/* 10m, 4h, 30, 2d → seconds; -1: none of these. */
long import_seconds(const char *text);
/* The next of a list with commas or blanks, into @word; false at the end. */
bool import_word(const char **list, char *word, size_t size);

/* ---- readers: 0, -errno; -EINVAL: said where ------------------------------ */

int import_swanctl(struct import *im);
int import_ipsec(struct import *im);

/* ---- import_print.c: everything, in our language -------------------------- */

void import_print(struct import *im);

/* ---- import_suite.c ------------------------------------------------------ */

#define IMPORT_SETS 6

struct import_esp {
	char set[IMPORT_SETS][64]; /* "esp-gcm 256", ready for `crypto ipsec transform-set` */
	unsigned n;
	const char *pfs; /* "group14", NULL */
	bool esn;
};

/* @where: for remarks. What has no equivalent is remarked. */
void import_esp(struct import *im, unsigned line, const char *proposals, struct import_esp *out);
/* `crypto ikev2 proposal` NAME-1 … of each; how many. */
unsigned import_ike(struct import *im, unsigned line, const char *proposals, const char *name);

#endif
