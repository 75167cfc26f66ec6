/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is logged with IOS's mnemonics, %CRYPTO-5-… (semantics.md §7), where the fact is known;
 * with fields for the journal: CRYPTO_MNEMONIC, CRYPTO_MAP, CRYPTO_SEQ, CRYPTO_PEER,
 * CRYPTO_REASON, … What XFRM only counts is watch.h's.
 */
#ifndef PREFPEERD_MESSAGES_H
#define PREFPEERD_MESSAGES_H

#include "prefpeerd/entry/entries.h"
#include "prefpeerd/tally.h"

struct messages;

/* NULL on -ENOMEM; NULL is fine in all others. */
struct messages *messages_new(void);
void messages_free(struct messages *m);

/* After each configuration that is in force. */
void messages_configured(struct messages *m, const struct config *c);
/* Before the entries hear of it, and after the tally has. */
void messages_engine(struct messages *m, const struct config *c, const struct tally *t,
		     const struct engine_event *ev);
void messages_notify(struct messages *m, const struct config *c, const struct entry_ntf *n);

#endif
