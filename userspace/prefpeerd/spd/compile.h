/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to the compiler: compile.c, uses.c and nat_hole.c. */
#ifndef SPD_COMPILE_H
#define SPD_COMPILE_H

#include "prefpeerd/spd/spd_impl.h"
#include "prefpeerd/spd/taken.h"

/* A line of an access list as used by one entry. */
struct use {
	const struct acl_line *acl;
	const struct map_entry *entry;
	unsigned entry_no;     /* index over all active entries */
	const struct spd_branch *branch; /* whose line it is; NULL: an access list's */
	struct use *branch_here; /* of a branch: the template that has its very selector */
	bool has_branches;       /* of a template: some say so of it */
	bool slot; /* no line, but the place of the branches of its entry */
	struct spd_line *line; /* permits; owned by the spd in the end */
	unsigned n_policies;   /* selectors that stand for the line */
};

struct builder {
	const struct spd_env *env;
	struct spd *s;
	struct use *uses;
	unsigned n_uses;
	struct spd_taken taken; /* selectors already in the list, and the struct use */
	struct addr *peers; /* of all entries, ascending */
	unsigned n_peers;
	unsigned room_policies, room_notes;
	uint32_t rank; /* the next priority, as long as those count selectors */
	bool in_slot;  /* what is put has slot_rank, not one of its own */
	uint32_t slot_rank;
	bool failed; /* out of memory; everything after is skipped */
};

/* ---- uses.c: the lines of the access lists, in the order in which packets meet them ---- */

/* Room for one more; the array may move. NULL, and failed, without memory. */
void *spd_grow(struct builder *b, void **array, unsigned n, unsigned *room, size_t size);
void spd_collect_uses(struct builder *b, const struct config *c);
/* The branch whose selector is that block of the template @u; NULL. */
struct use *spd_branch_with(const struct builder *b, const struct use *u,
			    const struct selector *block);
/* What is said of a line that does nothing, because @by (perhaps itself) was there. */
void spd_note_taken(struct builder *b, const struct use *u, const struct use *by);

/* ---- compile.c: selectors into the list ---- */

/* Nothing would ever reach it. */
bool spd_is_covered(const struct builder *b, const struct selector *sel);
/*
 * A policy for each block of ports that XFRM can say; how many. Less than all where a
 * selector was there already: XFRM has one policy per direction and selector.
 */
unsigned spd_emit(struct builder *b, unsigned dirs, enum policy_action action,
		  const struct selector *sel, const struct use *by);

/* ---- nat_hole.c ---- */

/* All that may not be caught, before the first hole. */
void spd_collect_peers(struct builder *b);
/* Against source NAT of what the line protects; after all lines. */
void spd_nat_hole(struct builder *b, const struct use *u);

#endif
