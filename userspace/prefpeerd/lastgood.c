// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prefpeerd/lastgood.h"

struct lastgood {
	int dir;
	char name[NAME_MAX + 1];
};

/* The whole path: two files of one name in two places are two configurations. */
static int name_for(const char *conf_path, char *name, size_t size)
{
	char *whole = realpath(conf_path, NULL);
	int n;

	if (!whole)
		return -errno;
	n = snprintf(name, size, "%s", whole);
	free(whole);
	if (n < 0 || (size_t)n >= size)
		return -ENAMETOOLONG;
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '%';
	return 0;
}

/* Nobody but the agent may put a file, or a link, there. */
static int own(int dir, const struct sandbox_user *user)
{
	if (fchown(dir, user->uid, user->gid) || fchmod(dir, 0700))
		return -errno;
	return 0;
}

int lastgood_open(const char *dir, const char *conf_path, const struct sandbox_user *user,
		  struct lastgood **out)
{
	struct lastgood *l = calloc(1, sizeof(*l));
	int err;

	*out = NULL;
	if (!l)
		return -ENOMEM;
	l->dir = -1;
	err = name_for(conf_path, l->name, sizeof(l->name));
	if (!err && mkdir(dir, 0700) && errno != EEXIST)
		err = -errno;
	if (!err) {
		l->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		err = l->dir < 0 ? -errno : own(l->dir, user);
	}
	if (err)
		lastgood_close(l);
	else
		*out = l;
	return err;
}

void lastgood_close(struct lastgood *l)
{
	if (!l)
		return;
	if (l->dir >= 0)
		close(l->dir);
	free(l);
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) ? -errno : 0;
}

int lastgood_keep(struct lastgood *l, const struct config *conf)
{
	static const char next[] = "%next";
	int err, fd;

	if (!conf->text)
		return 0;
	if (unlinkat(l->dir, next, 0) && errno != ENOENT)
		return -errno;
	fd = openat(l->dir, next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, conf->text, conf->text_len);
	if (close(fd) && !err)
		err = -errno;
	if (!err && renameat(l->dir, next, l->dir, l->name))
		err = -errno;
	if (err)
		unlinkat(l->dir, next, 0);
	return err;
}

int lastgood_load(const char *dir, const char *conf_path, struct config **out, time_t *when)
{
	char name[NAME_MAX + 1], path[PATH_MAX];
	struct conf_diags diags = { 0 };
	struct stat st;
	int err = name_for(conf_path, name, sizeof(name));

	*out = NULL;
	if (err)
		return err;
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (lstat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*when = st.st_mtime;
	err = config_load(path, out, &diags);
	conf_diags_free(&diags);
	if (err)
		return err;
	/* It need not be kept again, which would make it look newer than it is. */
	conf_text_free((*out)->text);
	(*out)->text = NULL;
	return 0;
}
