/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Manual entries (semantics.md §4.1): their SAs have SPIs and keys of the
 * configuration, are there from the start, and end with the entry only. Nothing is
 * negotiated, so they are no part of the core: no walk, no peer to choose, no timer
 * but one that tries again what the kernel refused. Two states: UP, both SAs are in
 * the kernel and a local address is known; DOWN, and why.
 */
#ifndef ENTRY_MANUAL_H
#define ENTRY_MANUAL_H

#include "prefpeerd/entry/shell.h"

#define MANUAL_RETRY_MS 10000

/* The two SAs, as installed; id.spi 0: not. Wiped by manual_sas_wipe(). */
struct manual_sas {
	struct kernel_sa in, out;
};

struct manual {
	struct entries *owner;
	const struct map_entry *conf;
	char map[CONF_NAME_MAX + 1];
	uint32_t seq;
	char peer[ADDR_STRLEN];    /* as configured; outlives conf in notes */
	const struct spd_line *line; /* NULL: nothing stands for its access list */
	struct manual_sas sas;
	enum entry_state state;
	enum entry_reason reason;
	char sentence[ENTRY_TEXT_MAX];
	mono_t since;
	struct timer retry;
};

/* ---- manual_sa.c: the kernel's side ---------------------------------------- */
void manual_sas_build(const struct map_entry *m, const struct spd_line *l,
		      const struct addr *local, struct manual_sas *out);
void manual_sas_wipe(struct manual_sas *sas);
/* An SA of that place is not ours to touch. */
typedef bool (*manual_foreign_fn)(void *ctx, const struct kernel_sa_id *id, uint32_t reqid);
/*
 * Bring the kernel to have *@want: what is there already with the same keys stays as it
 * is, its counters too. 0, -EEXIST (another's SA has the place), or the kernel's -errno;
 * @bad is then the one that could not be had.
 */
int manual_sas_put(const struct kernel *k, const struct manual_sas *want,
		   manual_foreign_fn foreign, void *ctx, const struct kernel_sa **bad);
/* Those of @old whose place no SA of @keep has. @keep: NULL, none. */
void manual_sas_del(const struct kernel *k, const struct manual_sas *old,
		    const struct manual_sas *keep);
bool manual_sas_have(const struct manual_sas *sas, const struct kernel_sa_id *id);

/* ---- manual.c ------------------------------------------------------------------ */
/* Local and peer of its line; while its SAs are in use, theirs. */
void manual_prepare(struct entries *s, struct spd_line *l);
/* Those that the new configuration has no more: while the old one exists. */
void manuals_remove(struct entries *s, const struct config *c);
/* @line: where those of the entry begin if it has any (spd.h); moves behind them. */
void manual_configure(struct entries *s, const struct map_entry *m, unsigned *line);
/* Their SAs of an earlier run are no orphans. */
void manuals_claim(struct entries *s);
/* Somebody deleted an SA, a packet found none, or events were lost: is all there? */
bool manual_sa_gone(struct entries *s, const struct kernel_sa_id *id);
bool manual_acquire(struct entries *s, uint32_t reqid);
void manuals_resync(struct entries *s);
void manuals_local_changed(struct entries *s);
/* Deleted and installed again, as IOS does; how many of those chosen. @spi 0, @peer NULL: any. */
unsigned manuals_clear(struct entries *s, const char *map, unsigned seq, const struct addr *peer,
		       uint32_t spi, enum entry_reason reason, unsigned *n_chosen);
/* Below 0: it stands ahead of that place; 0: there. */
int manual_compare(const struct manual *m, const char *map, unsigned seq);
struct manual *manual_find(const struct entries *s, const char *map, unsigned seq);
void manuals_free(struct entries *s);

/* ---- manual_view.c --------------------------------------------------------------- */
/* The manual entry that is the i-th of all, or NULL and *@i is the place among the others. */
const struct manual *manual_at(const struct entries *s, unsigned *i);
int manual_view(struct entries *s, const struct manual *m, struct entry_view *v);
void manuals_each_session(const struct entries *s, entry_session_fn fn, void *ctx);

#endif
