/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's configuration as `prefpeer config` and the shell work on it. */
#ifndef PREFPEER_CONFIG_AGENT_H
#define PREFPEER_CONFIG_AGENT_H

#include "prefpeer/cli.h"

/* A whole file into *text, the caller's to wipe and free (secret_free()); said why not. */
int config_read_file(const char *path, char **text, size_t *len);
void secret_free(char *text, size_t len);

/*
 * {"cmd":@request…} with a text, which goes by descriptor: it may hold keys. @request is
 * taken over; *reply may say no, with "error" and "diags".
 */
int config_send(const struct cli *cli, json_t *request, const char *text, size_t len,
		json_t **reply);
/* What is in force, to its file (@path NULL) or another, as a whole or not at all. Root only. */
int config_save(const struct cli *cli, const char *path);
/* "diags" of a reply, with the lines of @text (NULL: without), as prefpeerd -t prints them. */
void config_print_diags(const json_t *reply, const char *name, const char *text, FILE *out);
/* CLI_OK, or CLI_FAIL with everything said that the reply says; takes over @reply. */
int config_outcome(const struct cli *cli, json_t *reply, const char *name, const char *text);

/* config_diff.c: `prefpeer config diff [FILE [FILE]]` */
int config_differences(const struct cli *cli, struct args *args);

#endif
