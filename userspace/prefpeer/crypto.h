/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `show crypto …`, `clear crypto …`, `debug crypto …`: what IOS shows, line by line, of the
 * agent's facts (semantics.md §6), so that parsers of IOS accept it. Lines that are ours
 * stand where no parser reads. One file per command; each is told its line as matched.
 */
#ifndef PREFPEER_CRYPTO_H
#define PREFPEER_CRYPTO_H

#include "prefpeer/exec.h"

/* ---- crypto_map.c -------------------------------------------------------- */

int show_crypto_map(const struct exec_line *line);
/* @maps as the agent lists them; @interface, @tag: only those, or NULL. */
void text_crypto_map(const json_t *maps, const char *interface, const char *tag);

/* ---- crypto_ask.c -------------------------------------------------------- */

/* The member of the agent's reply to @cmd, a new reference; NULL: said why. */
json_t *crypto_ask(const struct exec_line *line, const char *cmd, const char *member);
/* Those of @maps, as a new list. */
json_t *crypto_chosen(const json_t *maps, const char *interface, const char *tag);
/* Whether the entry's map stands on @interface and is called @tag; NULL: any. */
bool crypto_map_chosen(const json_t *entry, const char *interface, const char *tag);

#endif
