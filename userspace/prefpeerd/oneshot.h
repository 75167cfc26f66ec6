/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What prefpeerd does without becoming the agent. Each returns an exit status. */
#ifndef PREFPEERD_ONESHOT_H
#define PREFPEERD_ONESHOT_H

struct agent_options;

/* --seal-key: the first line of stdin, as `6` takes it, to stdout. */
int oneshot_seal(const char *master);
/* --flush: removes every policy of ours; says how many. */
int oneshot_flush(void);
/*
 * --lock: fail closed in the boot window (semantics.md A19). Every line of the
 * configuration (agent_load()) becomes `block`, unless it is protected already. Needs
 * neither network nor names nor the module.
 */
int oneshot_lock(const struct agent_options *opt);

#endif
