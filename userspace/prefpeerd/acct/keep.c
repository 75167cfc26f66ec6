// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prefpeerd/acct/keep.h"
#include "prefpeerd/lastgood.h"

/* Beside the copy of that configuration: agents of several namespaces may share the directory. */
static int name_of(const struct lastgood *l, const char *what, char *out, size_t size)
{
	int n = snprintf(out, size, "%%%%%s%s", what, lastgood_name(l));

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int keep_sessions(struct lastgood *l, const json_t *sessions)
{
	char name[NAME_MAX + 1], next[NAME_MAX + 1];
	int dir = lastgood_dir(l), err, fd;

	err = name_of(l, "sessions", name, sizeof(name));
	if (!err)
		err = name_of(l, "sessions-next", next, sizeof(next));
	if (err)
		return err;
	if (unlinkat(dir, next, 0) && errno != ENOENT)
		return -errno;
	fd = openat(dir, next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = json_dumpfd(sessions, fd, JSON_COMPACT) ? -EIO : 0;
	if (close(fd) && !err)
		err = -errno;
	if (!err && renameat(dir, next, dir, name))
		err = -errno;
	return err;
}

json_t *kept_sessions(struct lastgood *l)
{
	char name[NAME_MAX + 1];
	json_t *all;
	int fd;

	if (name_of(l, "sessions", name, sizeof(name)))
		return NULL;
	fd = openat(lastgood_dir(l), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return NULL;
	all = json_loadfd(fd, 0, NULL);
	close(fd);
	return all;
}
