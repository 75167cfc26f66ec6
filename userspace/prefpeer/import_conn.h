/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection as it is read, between the parts of import_*.c. */
#ifndef PREFPEER_IMPORT_CONN_H
#define PREFPEER_IMPORT_CONN_H

#include "lib/addr.h"
#include "prefpeer/import.h"

#define PEERS_MAX 16
#define CHILDREN_MAX 32

struct child {
	char name[IMPORT_KEY_MAX], path[2 * IMPORT_KEY_MAX];
	const char *local_ts, *remote_ts, *esp;
	unsigned esp_line, line;
	long life, idle, kilobytes;
	sa_family_t family; /* of its traffic */
};

struct conn {
	struct import *im;
	char name[IMPORT_KEY_MAX], path[IMPORT_KEY_MAX + 16];
	char peers[PEERS_MAX][IMPORT_KEY_MAX];
	unsigned n_peers, remote_line;
	bool hub; /* whoever calls */
	bool v6;
	bool skip; /* nothing of it can be had */
	const char *local, *local_id, *remote_id, *local_auth, *remote_auth;
	bool profile;
	struct child children[CHILDREN_MAX];
	unsigned n_children;
};

/* import_conn.c: the whole of it; skip, said why, where it has no equivalent. */
void import_conn(struct conn *c, struct import *im, const char *name);
/* The line of PREFIX.NAME; 0: none. */
unsigned import_line(struct import *im, const char *prefix, const char *name);
/* Names of ours are one word of letters, digits and a few signs. */
const char *import_name(const char *name, char *buf, size_t size);
bool import_by_key(const char *auth);
/* Of the first authentication round of a side, "local" or "remote". */
const char *import_round(struct conn *c, const char *side, const char *name);

/* import_keys.c: keys, keyring, profile. */
void import_auth(struct conn *c);

#endif
