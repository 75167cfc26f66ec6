/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration that was last in force, kept beside the file it came from:
 * after a restart a file with errors must not leave a site without tunnels, nor
 * its packets in clear. The copy holds the file's keys: mode 0600, in a
 * directory that is the agent's alone.
 */
#ifndef PREFPEERD_LASTGOOD_H
#define PREFPEERD_LASTGOOD_H

#include <time.h>

#include "prefpeerd/conf/config.h"
#include "prefpeerd/sandbox.h"

#define STATE_DIR_DEFAULT "/var/lib/prefpeer"

struct lastgood;

/*
 * As root: makes @dir if it is not there, and gives it to @user. There is one copy for
 * each @conf_path. 0, -ENOTEMPTY: something else is in @dir, -EPERM: it is somebody
 * else's, or -errno; free with lastgood_close().
 */
int lastgood_open(const char *dir, const char *conf_path, const struct sandbox_user *user,
		  struct lastgood **out);
void lastgood_close(struct lastgood *l); /* NULL is fine */
/* The directory, and what stands for the configuration in the names of its files. */
int lastgood_dir(const struct lastgood *l);
const char *lastgood_name(const struct lastgood *l);
/*
 * Keep the text that @conf was read from, unless that is the copy itself; the old copy
 * stays whole until then. 0 or -errno.
 */
int lastgood_keep(struct lastgood *l, const struct config *conf);
#define LASTGOOD_SECRET_LEN 32
/* A secret that is the same at every start, drawn at the first one. 0 or -errno. */
int lastgood_secret(struct lastgood *l, uint8_t out[LASTGOOD_SECRET_LEN]);
/* The copy for @conf_path, and when it was kept (wall clock). 0, -ENOENT: there is none, or -errno. */
int lastgood_load(const char *dir, const char *conf_path, struct config **out, time_t *when);

#endif
