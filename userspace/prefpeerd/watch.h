/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What XFRM only counts (semantics.md §4.1, §7, §12), said at most once a
 * minute: packets caught by a `block`, clear packets that should have been
 * protected, ESP for an SPI that nobody has.
 */
#ifndef PREFPEERD_WATCH_H
#define PREFPEERD_WATCH_H

#include "lib/timer.h"
#include "prefpeerd/kernel.h"
#include "prefpeerd/spd/spd.h"

struct watch;

/* What one look found, as a sentence. Words may change, reasons may not. */
struct watch_note {
	const char *reason;                 /* "nat", "blocked", "foreign-block", "not-ipsec", "no-policy", "invalid-spi", "replay" */
	const char *mnemonic;               /* IOS's: "CRYPTO-4-RECVD_PKT_INV_SPI"; NULL: it has none */
	char map[CONF_NAME_MAX + 1];        /* the entry whose packets they are; "" if nobody knows */
	uint32_t seq;
	char text[256];
};

struct watch_ports {
	/* The policies in force, to say which of them caught a packet; NULL: none yet. */
	const struct spd *(*spd)(void *ctx);
	/* The log has it already. */
	void (*tell)(void *ctx, const struct watch_note *n);
	/* The wall clock, by which XFRM notes when a policy was used, in ms. */
	int64_t (*wall_ms)(void *ctx);
	void *ctx;
};

/* 0 or -ENOMEM. Copies *k and *ports. The first look is a period after @now. */
int watch_open(const struct timers *timers, const struct kernel *k,
	       const struct watch_ports *ports, mono_t now, struct watch **out);
void watch_close(struct watch *w); /* NULL is fine */
/*
 * Something changed that may send packets another way: look in a second, then after two, four
 * and so on, until something is said. Never twice within the minute. NULL is fine.
 */
void watch_soon(struct watch *w, mono_t now);

/*
 * What the last look found wrong with the way of this entry's packets, and nothing
 * that the entry says itself: @fn for each, with the instant of the look. NULL is fine.
 */
typedef void (*watch_note_fn)(void *ctx, const struct watch_note *n, mono_t at);
void watch_each(const struct watch *w, const char *map, unsigned seq, watch_note_fn fn, void *ctx);

#endif
