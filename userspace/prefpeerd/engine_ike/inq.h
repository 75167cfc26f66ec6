/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Received messages on their way to the engine (design.md §4, back-pressure):
 * three queues served in order, established IKE SAs, IKE_AUTH, IKE_SA_INIT, and
 * of the last one message, so one Diffie-Hellman, a turn. Pure: the owner says
 * when a turn is.
 */
#ifndef ENGINE_IKE_INQ_H
#define ENGINE_IKE_INQ_H

#include "lib/addr.h"
#include "lib/mono.h"

#define INQ_INIT_WAIT_MS \
	200	     /* an IKE_SA_INIT that waited longer is dropped: its sender asks again */
/* Of a queue: messages, and bytes with what each takes beside its own. Beyond, the newest drops. */
#define INQ_MAX 4096
#define INQ_BYTES_MAX (1024 * 1024)

struct inq_message {
	struct endpoint local, peer;
	mono_t when;
	struct inq_message *prev, *next;
	size_t len;
	uint8_t bytes[];
};

enum inq_class { INQ_ESTABLISHED, INQ_AUTH, INQ_INIT, INQ_CLASSES };

struct inq {
	struct inq_message *queues[INQ_CLASSES];
	unsigned n[INQ_CLASSES];
	size_t bytes[INQ_CLASSES];
	uint64_t dropped;
};

typedef void (*inq_fn)(void *ctx, const struct inq_message *m);

/* From the header alone; nothing is verified yet. INQ_CLASSES: it has none that is one. */
enum inq_class inq_classify(const uint8_t *bytes, size_t len);
/* Takes a copy, or counts it as dropped: no IKE header, no room, no memory. */
void inq_push(struct inq *q, const struct endpoint *local, const struct endpoint *peer,
	      const uint8_t *bytes, size_t len, mono_t when);
/* One turn. True: something is left for the next. */
bool inq_serve(struct inq *q, mono_t now, inq_fn fn, void *ctx);
void inq_free(struct inq *q);

#endif
