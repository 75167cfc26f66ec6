/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that holds the private keys (design.md §4). It is forked before
 * anything is read, keeps root's right to read root's files and nothing else: no
 * capability, no socket of its own, no file but for reading, keys locked in
 * memory. Whoever takes over the process that reads the network can have things
 * signed for as long as he is there, and takes no key away.
 */
#ifndef PREFPEERD_SIGNER_H
#define PREFPEERD_SIGNER_H

#include <sys/types.h>

#include "prefpeerd/conf/config.h"
#include "prefpeerd/engine.h"

struct event_base;
struct signer;

/* Forks. 0 or -errno. What this process holds by then, the other one has too: nothing should be. */
int signer_open(struct signer **out);
/* It ends, too. NULL is fine. */
void signer_close(struct signer *s);
/* Signatures for @engine from now on; what is said of them comes from @base's loop. 0 or -errno. */
int signer_attach(struct signer *s, struct event_base *base, struct engine *engine);
/* Keys are loaded there, for config_credentials(); it waits for the answer. Borrows @s. */
struct conf_keys signer_keys(struct signer *s);
/* Forget all keys but those of @c. */
void signer_retain(struct signer *s, const struct config *c);
/* For tests. */
pid_t signer_pid(const struct signer *s);

#endif
