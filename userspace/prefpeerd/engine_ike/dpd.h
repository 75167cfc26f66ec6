/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy of dead peer detection (semantics.md §3): when to probe, how long
 * a request may go unanswered, whether silence is death. Pure: readings in,
 * decisions out; exchange.c and session.c carry them out.
 */
#ifndef ENGINE_IKE_DPD_H
#define ENGINE_IKE_DPD_H

#include "lib/mono.h"
#include "prefpeerd/conf/config.h"
#include "prefpeerd/engine_ike/curve.h"

#define DPD_RESTARTS_MAX 3	   /* curves begun again because something came in */
#define DPD_REQUEST_MIN_MS 2000	   /* requests other than the empty INFORMATIONAL */
#define DPD_CLOSE_DEFAULT_MS 12000 /* without DPD: how long a DELETE waits */

/* Dead peer detection is in force. */
bool dpd_on(const struct dpd *d);

/*
 * Periodic mode: when the next probe is due; NEVER otherwise. @heard: last
 * authenticated IKE message; @last_in: last inbound ESP packet (UNSET: none).
 */
mono_t dpd_due(const struct dpd *d, mono_t heard, mono_t last_in);

/*
 * When to read the peer's counters: at @due (from dpd_due), but every INTERVAL/8
 * where only counters are there (@counted), and for an INTERVAL below one second,
 * which is finer than the kernel's time of last use.
 */
mono_t dpd_look(const struct dpd *d, mono_t due, bool counted, mono_t now);

/* The curve of a request on an established IKE SA. @probe: the empty INFORMATIONAL. */
struct curve dpd_curve(const struct dpd *d, uint32_t srtt_us, bool probe);

/* How long a request may take at most, in ms: also what a DELETE waits, and an old inbound SA. */
uint32_t dpd_budget_ms(const struct dpd *d, uint32_t srtt_us, bool probe);

/* At the end of a curve: true = dead; false = begin the same request's curve again. */
bool dpd_is_dead(const struct dpd *d, mono_t first_sent, mono_t last_in, unsigned restarts);

#endif
