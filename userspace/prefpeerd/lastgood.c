// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prefpeerd/lastgood.h"

struct lastgood {
	int dir;
	char name[NAME_MAX + 1];
};

/*
 * The whole path, since two files of one name in two places are two configurations;
 * but the file's own name as it was given: a link to another version is the same one.
 */
static int name_for(const char *conf_path, char *name, size_t size)
{
	const char *slash = strrchr(conf_path, '/');
	char *dir = slash == conf_path ? strdup("/") :
		    slash ? strndup(conf_path, (size_t)(slash - conf_path)) : strdup(".");
	char *whole = dir ? realpath(dir, NULL) : NULL;
	int n;

	free(dir);
	if (!whole)
		return -errno;
	n = snprintf(name, size, "%s/%s", whole, slash ? slash + 1 : conf_path);
	free(whole);
	if (n < 0 || (size_t)n >= size)
		return -ENAMETOOLONG;
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '%';
	return 0;
}

/* Nothing but copies is in it: every name of ours begins so. */
static int only_copies(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && e->d_name[0] != '%')
			err = -ENOTEMPTY;
	closedir(d);
	return err;
}

/*
 * Nobody but the agent may put a file, or a link, there. A directory that is already
 * used for something else is not taken away from that. The mode goes first: of what is
 * another's only CAP_FOWNER may change it.
 */
static int own(int dir, const struct sandbox_user *user)
{
	struct stat st;
	int err;

	if (fstat(dir, &st))
		return -errno;
	if (st.st_uid != user->uid && st.st_uid != geteuid())
		return -EPERM;
	if (st.st_uid == user->uid && (st.st_mode & 07777) == 0700)
		return 0;
	err = only_copies(dir);
	if (err)
		return err;
	if (fchmod(dir, 0700) || fchown(dir, user->uid, user->gid))
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

int lastgood_dir(const struct lastgood *l)
{
	return l->dir;
}

const char *lastgood_name(const struct lastgood *l)
{
	return l->name;
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

static int replace(struct lastgood *l, const struct config *conf)
{
	static const char next[] = "%next";
	int err, fd;

	if (unlinkat(l->dir, next, 0) && errno != ENOENT)
		return -errno;
	fd = openat(l->dir, next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, conf->text, conf->text_len);
	if (close(fd) && !err)
		err = -errno;
	if (!err && (renameat(l->dir, next, l->dir, l->name) || fsync(l->dir)))
		err = -errno;
	if (err)
		unlinkat(l->dir, next, 0);
	return err;
}

int lastgood_keep(struct lastgood *l, const struct config *conf)
{
	int err;

	if (!conf->text)
		return 0;
	/* Agents of several namespaces may share the directory. */
	while (flock(l->dir, LOCK_EX))
		if (errno != EINTR)
			return -errno;
	err = replace(l, conf);
	flock(l->dir, LOCK_UN);
	return err;
}

/* No copy's name: those are whole paths, which have no two slashes in a row. */
static const char secret_name[] = "%%secret";

static int secret_read(struct lastgood *l, uint8_t *out)
{
	int fd = openat(l->dir, secret_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = fstat(fd, &st) || !S_ISREG(st.st_mode) ? -1 : read(fd, out, LASTGOOD_SECRET_LEN);
	close(fd);
	return n == LASTGOOD_SECRET_LEN ? 0 : -EINVAL;
}

static int secret_make(struct lastgood *l, uint8_t *out)
{
	static const char next[] = "%%secret-next";
	int fd, err;

	if (getrandom(out, LASTGOOD_SECRET_LEN, 0) != LASTGOOD_SECRET_LEN)
		return -EIO;
	if (unlinkat(l->dir, next, 0) && errno != ENOENT)
		return -errno;
	fd = openat(l->dir, next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, (const char *)out, LASTGOOD_SECRET_LEN);
	if (close(fd) && !err)
		err = -errno;
	if (!err && (renameat(l->dir, next, l->dir, secret_name) || fsync(l->dir)))
		err = -errno;
	return err;
}

int lastgood_secret(struct lastgood *l, uint8_t out[LASTGOOD_SECRET_LEN])
{
	int err;

	/* Agents of several namespaces may share the directory, and the secret. */
	while (flock(l->dir, LOCK_EX))
		if (errno != EINTR)
			return -errno;
	err = secret_read(l, out);
	if (err == -ENOENT || err == -EINVAL)
		err = secret_make(l, out);
	flock(l->dir, LOCK_UN);
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
