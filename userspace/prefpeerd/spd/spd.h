/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Crypto maps compiled into one ordered list of XFRM policies (semantics.md
 * §4.1, §12), and that list brought into the kernel. compile is pure.
 */
#ifndef SPD_SPD_H
#define SPD_SPD_H

#include "prefpeerd/conf/config.h"
#include "prefpeerd/kernel.h"

#define REQID_FIRST 0x50500000u
#define REQID_LAST 0x5050ffffu

/*
 * All our policies have a priority of this range, so that an agent knows its own at
 * start, those without a template too. It lies behind what other daemons and `ip xfrm`
 * use by default: an exception that an operator installs goes ahead of ours.
 */
#define SPD_PRIORITY_FIRST 0x50500000u
#define SPD_PRIORITY_LAST 0x505fffffu

/* One permit of one entry's access list: the unit that has a reqid and a child SA. */
struct spd_line {
	uint32_t reqid;
	char map[CONF_NAME_MAX + 1];
	uint32_t seq;
	unsigned no; /* 1.. within its entry, permits only */
	struct selector sel;
	const struct map_entry *entry;
	bool blocked;              /* incomplete entry, or a template: lines are `block` (§1.1, §4.2) */
	bool of_branch;            /* of no access list: a branch that called has it (§4.2) */
	struct addr local, peer;   /* what the `out` template names now; may be unset (then `block`) */
	/* What the templates ask for: of the pair that the line has, else of its entry. */
	struct sa_kind kind;
};

/* A policy of the compiled list and the line it stands for (NULL: allow or block of its own). */
struct spd_policy {
	struct kernel_policy p;
	struct spd_line *line;
	const struct spd_line *behind; /* of a block against source NAT: whose packets it catches */
	struct spd_line *under; /* of a branch: the template's line, which is there again after it */
};

/*
 * Where the lines of the branches of a dynamic entry stand: ahead of its templates', all
 * with one priority, for no two of them overlap.
 */
struct spd_slot {
	const struct map_entry *entry;
	unsigned at, n; /* policies[at..at+n) are its */
};

/* What a branch has, for the next list. */
struct spd_branch {
	const struct map_entry *of;    /* the dynamic entry by which it called */
	const struct map_entry *entry; /* its own */
	uint32_t reqid;
	unsigned no;
	struct acl_line acl; /* its selector; src = our side */
	struct addr local, peer;
};

struct spd_note {
	struct conf_pos pos, other;
	char text[480];
};

struct spd {
	struct spd_line **lines; /* by entry as the configuration has them, then as its access list */
	unsigned n_lines;
	struct spd_policy *policies; /* ascending priority; in, out and fwd of each selector together */
	unsigned n_policies;
	struct spd_note *notes; /* e.g. a selector already taken by an earlier line */
	unsigned n_notes;
	struct spd_slot *slots; /* one for each dynamic entry, in the order of the list */
	unsigned n_slots;
};

/* What compile must know of the machine: addresses and networks of the interfaces that carry maps. */
struct spd_iface {
	char name[16];
	struct prefix *nets; /* address with its network's length, host bits kept in addr */
	unsigned n_nets;
};

struct spd_env {
	const struct spd_iface *ifaces;
	unsigned n_ifaces;
	const struct spd_branch *branches;
	unsigned n_branches;
	/* reqid for a line: the one it had before, or a new one. */
	uint32_t (*reqid_for)(void *ctx, const char *map, unsigned seq, const struct selector *sel);
	void *ctx;
};

/*
 * Pure. Lines carry no local/peer yet (out policies of such lines are `block`
 * until spd_point() names a peer). NULL on -ENOMEM only; errors of meaning
 * (`permit ip any any`) were refused by conf/check already.
 */
struct spd *spd_compile(const struct config *c, const struct spd_env *env);
void spd_free(struct spd *s);
struct spd_line *spd_line_by_reqid(const struct spd *s, uint32_t reqid);

/*
 * Bring the kernel from what it has (dump: policies with a priority and, if any, a
 * template reqid of our ranges, and those in prev) to *s: first put in place what is
 * new or different, in order, then delete the surplus, last first, so that each packet
 * meets either its old policy or its new one at any moment. Never a flush. Priorities
 * already in the kernel are kept where the order allows, and written into s.
 * 0 or the first -errno, having put all that could be; then nothing was deleted.
 */
int spd_apply(struct spd *s, const struct spd *prev, const struct kernel *k);
/*
 * Replace the `out` template of a line in place (UPDPOLICY); remembers it in the line.
 * Unset addresses: the line blocks. -EPERM on a line whose entry is incomplete.
 */
int spd_point(struct spd *s, struct spd_line *line, const struct addr *local,
	      const struct addr *peer, const struct kernel *k);
/* Replace the templates of a line, of all directions, in place: its pair is of another kind. */
int spd_line_kind(struct spd *s, struct spd_line *line, struct sa_kind kind,
		  const struct kernel *k);
/*
 * A branch has called: its line into the list and the kernel, without compiling again. It
 * protects from the first moment on. NULL and *err: -EEXIST (another policy has that very
 * selector), -ENOENT (no such dynamic entry), -ENOSPC, -ENOMEM, or the kernel's; then
 * nothing has changed.
 */
struct spd_line *spd_branch_add(struct spd *s, const struct spd_branch *b, const struct kernel *k,
				int *err);
/* It is gone: the template's block, where there is one, is what is left. */
void spd_branch_del(struct spd *s, uint32_t reqid, const struct kernel *k);
/*
 * prefpeerd --lock (A19): every line of @s as `block` in all directions, what it lets
 * through as it is. Nothing is removed; what is protected already, because an agent runs
 * or ran, stays so. Consumes the meaning of @s: not for spd_apply() afterwards.
 * 0 or the first -errno, having put all that could be.
 */
int spd_lock(struct spd *s, const struct kernel *k);
/* prefpeerd --flush: remove every policy of ours. Returns how many, or -errno. */
int spd_flush(const struct kernel *k);

#endif
