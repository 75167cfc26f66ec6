/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PREFPEER_COMPLETION_H
#define PREFPEER_COMPLETION_H

#include "prefpeer/cli.h"

/* What may stand behind the words of @typed, one a line. CLI_OK. */
int completion(const struct cli *cli, struct args *typed, const struct command *objects, FILE *to);

#endif
