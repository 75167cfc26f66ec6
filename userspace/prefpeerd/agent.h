/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The assembled agent: who holds what, and the verbs that main, control and signals share. */
#ifndef PREFPEERD_AGENT_H
#define PREFPEERD_AGENT_H

#include <jansson.h>

#include "prefpeerd/conf/config.h"
#include "prefpeerd/engine.h"
#include "prefpeerd/kernel.h"
#include "prefpeerd/loop.h"
#include "prefpeerd/route.h"
#include "prefpeerd/rri.h"
#include "prefpeerd/spd/spd.h"

struct acct;
struct control;
struct resolve;
struct watch;
struct writer;
struct entries;
struct history;
struct keyexport;
struct lastgood;
struct messages;
struct reqid_table;
struct signer;
struct tally;

struct agent_options {
	const char *conf_path;
	const char *state_dir; /* of lastgood.h */
	const char *control_path;
	const char *user;
	const struct conf_keys *keys; /* where private keys are; NULL: certificates are not looked at */
	const char *keys_path; /* NULL, but for debugging: keyexport.h */
};

struct drain;

struct agent {
	struct agent_options opt;
	struct loop *loop;
	struct kernel kernel;
	struct engine engine;
	struct route *route;
	struct rri *rri;
	struct reqid_table *reqids;
	struct config *conf;     /* the one in force */
	struct spd *spd;         /* compiled from conf */
	struct spd_iface *ifaces; /* … against these addresses */
	unsigned n_ifaces;
	struct entries *entries;
	struct control *control;
	struct resolve *resolve;
	struct watch *watch;
	struct history *history;
	struct tally *tally;
	struct messages *messages;
	uint64_t debug_events; /* made since the start: none without anybody who listens */
	struct lastgood *lastgood; /* NULL: nothing is kept */
	struct signer *signer;	   /* NULL: there are no private keys */
	struct conf_keys keys;	   /* its */
	struct keyexport *keyexport; /* NULL, but for debugging */
	struct drain *drain;
	struct writer *writer;	   /* of accounting records; NULL: there are none */
	struct acct *acct;	   /* likewise */
	bool stopping;
	bool unsaved; /* conf was changed by lines since it was read from the file, or saved */
	/* Policies that the kernel did not take are tried again until it does. */
	struct timer policy_retry;
};

/*
 * The configuration at start; what is wrong with it goes to standard error. In the place of
 * one that is not usable, the one that was last in force. NULL: there is none, or no file at all.
 */
struct config *agent_load(const struct agent_options *opt);
/* What is in force is used again when the file is not usable at the next start. */
void agent_keep(struct agent *a);
/*
 * Read the file again and bring the difference into force (semantics.md §4.8).
 * On any error the old configuration stays and @report (owned by the caller,
 * may be NULL) lists the diagnostics. 0 or -errno.
 */
int agent_reload(struct agent *a, mono_t now, char **report);
/*
 * Read the files that @conf names, and take it into force. On any error it is freed,
 * what was in force stays, and @diags says more, if there is more to be said. 0 or -errno.
 */
int agent_take(struct agent *a, struct config *conf, mono_t now, struct conf_diags *diags);
/* Compile the configuration in force against the addresses as they are, and apply. */
int agent_recompile(struct agent *a, mono_t now);
/* An address came or went: the same, if the maps' interfaces have others now; on failure again. */
void agent_readdress(struct agent *a, mono_t now);
/*
 * Take @conf into force; ownership passes with 0. The first time every policy
 * must be in place (fail closed: -errno otherwise); later, those that the
 * kernel refused are tried again every second, said in the log.
 */
int agent_configure(struct agent *a, struct config *conf, mono_t now);
/* Compile and apply again in a second, and on until it succeeds. */
void agent_retry(struct agent *a, mono_t now);
/* For struct spd_env: @ctx is the table of reqids. */
uint32_t agent_line_reqid(void *ctx, const char *map, unsigned seq, const struct selector *sel);
/* SIGTERM: DELETE at the peers, then the loop ends. Policies stay (A19). */
void agent_stop(struct agent *a, mono_t now);

#endif
