// SPDX-License-Identifier: GPL-2.0-or-later
/* Texts to the agent and back, and the file that holds the configuration. */
#include "prefpeer/config_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prefpeerd/conf/config.h"

#define TEXT_MAX (1u << 20) /* the agent's own bound */

void secret_free(char *text, size_t len)
{
	if (text)
		explicit_bzero(text, len);
	free(text);
}

static int read_all(int fd, char *buf, size_t room, size_t *len)
{
	ssize_t n = 1;

	for (*len = 0; n && *len < room; *len += n > 0 ? (size_t)n : 0) {
		n = read(fd, buf + *len, room - *len);
		if (n < 0 && errno != EINTR)
			return -errno;
	}
	return *len == room ? -EFBIG : 0;
}

int config_read_file(const char *path, char **text, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), err = fd < 0 ? -errno : 0;

	*text = NULL;
	*len = 0;
	if (!err)
		*text = calloc(1, TEXT_MAX + 2);
	if (!err)
		err = *text ? read_all(fd, *text, TEXT_MAX + 1, len) : -ENOMEM;
	if (fd >= 0)
		close(fd);
	if (!err)
		return CLI_OK;
	secret_free(*text, *len);
	*text = NULL;
	return cli_fail("%s: %s", path, strerror(-err));
}

/* Nothing on a disk, no name: gone with the last descriptor. */
static int memory_file(const char *text, size_t len)
{
	int fd = memfd_create("prefpeer-config", MFD_CLOEXEC);

	while (fd >= 0 && len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR) {
			close(fd);
			return -errno;
		}
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return fd < 0 ? -errno : fd;
}

int config_send(const struct cli *cli, json_t *request, const char *text, size_t len,
		json_t **reply)
{
	int fd = memory_file(text, len), rc;

	if (fd < 0) {
		json_decref(request);
		return cli_fail("no memory for a text: %s", strerror(-fd));
	}
	rc = ask_agent_fd(cli, request, fd, reply);
	close(fd);
	return rc;
}

/* ---- what the agent says of a text ------------------------------------------- */

static struct conf_diag diag_of(const json_t *o)
{
	const char *severity = json_string_value(json_object_get(o, "severity"));
	struct conf_diag g = { .severity = CONF_ERROR };

	if (severity && !strcmp(severity, "warning"))
		g.severity = CONF_WARNING;
	else if (severity && !strcmp(severity, "note"))
		g.severity = CONF_NOTE;
	g.pos.line = (unsigned)json_integer_value(json_object_get(o, "line"));
	g.pos.col = (unsigned)json_integer_value(json_object_get(o, "col"));
	g.pos.len = (unsigned)json_integer_value(json_object_get(o, "len"));
	g.text = (char *)json_string_value(json_object_get(o, "text"));
	g.hint = (char *)json_string_value(json_object_get(o, "hint"));
	if (!g.text)
		g.text = (char *)"";
	return g;
}

/* The agent keeps them in the order of lines, but for those that have none. */
void config_print_diags(const json_t *reply, const char *name, const char *text, FILE *out)
{
	const json_t *list = json_object_get(reply, "diags");
	size_t n = json_array_size(list);
	struct conf_diags d = { .list = calloc(n + 1, sizeof(*d.list)), .n = (unsigned)n };

	for (size_t i = 0; d.list && i < n; i++) {
		d.list[i] = diag_of(json_array_get(list, i));
		d.n_errors += d.list[i].severity == CONF_ERROR;
		d.n_warnings += d.list[i].severity == CONF_WARNING;
	}
	if (d.list)
		conf_diags_print(&d, name, text, out);
	free(d.list); /* the texts are the reply's */
}

int config_outcome(const struct cli *cli, json_t *reply, const char *name, const char *text)
{
	bool ok = json_is_true(json_object_get(reply, "ok"));
	const char *error = json_string_value(json_object_get(reply, "error"));

	if (cli->json) {
		json_out(cli, reply);
		return ok ? CLI_OK : CLI_FAIL;
	}
	if (json_object_get(reply, "diags"))
		config_print_diags(reply, name, text, ok ? stdout : stderr);
	else if (!ok)
		cli_fail("%s", error ? error : "the agent refused and gave no reason");
	json_decref(reply);
	return ok ? CLI_OK : CLI_FAIL;
}

/* ---- saving -------------------------------------------------------------------- */

struct target {
	char path[PATH_MAX]; /* where a link to it leads */
	const char *name;    /* within dir */
	char next[NAME_MAX + 8];
	int dir;
};

/* A link stays one: what it names is replaced. */
static int target_open(struct target *t, const char *path)
{
	char dir[PATH_MAX];

	if (!realpath(path, t->path)) {
		if (errno != ENOENT || strlen(path) >= sizeof(t->path))
			return cli_fail("%s: %s", path, strerror(errno));
		strcpy(t->path, path);
	}
	strcpy(dir, t->path);
	t->name = strrchr(t->path, '/') ? strrchr(t->path, '/') + 1 : t->path;
	if (snprintf(t->next, sizeof(t->next), ".%s.new", t->name) >= (int)sizeof(t->next))
		return cli_fail("%s: %s", path, strerror(ENAMETOOLONG));
	t->dir = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Two who save at a time: one after the other. */
	if (t->dir < 0 || flock(t->dir, LOCK_EX))
		return cli_fail("%s: %s", dir, strerror(errno));
	return CLI_OK;
}

/* As the old one was; a new one may be read by the agent, and by nobody else. */
static int give_owner(const struct target *t, int fd)
{
	const struct group *g = getgrnam("prefpeer");
	struct stat st;

	if (fstatat(t->dir, t->name, &st, 0)) {
		if (g && (fchown(fd, (uid_t)-1, g->gr_gid) || fchmod(fd, 0640)))
			return -errno;
		return 0;
	}
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (fchown(fd, st.st_uid, st.st_gid) || fchmod(fd, st.st_mode & 0770))
		return -errno;
	return 0;
}

static int fill(const struct cli *cli, int fd)
{
	json_t *reply;
	int rc = ask_agent_fd(cli, json_pack("{s:s}", "cmd", "config-write"), fd, &reply);
	struct cli plain = *cli;

	plain.json = false;
	return rc ? rc : config_outcome(&plain, reply, "", NULL);
}

static int write_new(const struct cli *cli, const struct target *t)
{
	int fd, rc, err;

	/* One that a run which was killed has left. */
	unlinkat(t->dir, t->next, 0);
	fd = openat(t->dir, t->next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return cli_fail("%s: %s", t->path, strerror(errno));
	err = give_owner(t, fd);
	rc = err ? cli_fail("%s: %s", t->path, strerror(-err)) : fill(cli, fd);
	if (!rc && fsync(fd))
		rc = cli_fail("%s: %s", t->path, strerror(errno));
	close(fd);
	return rc;
}

static int put_in_place(const struct target *t)
{
	if (renameat(t->dir, t->next, t->dir, t->name) || fsync(t->dir))
		return cli_fail("%s: %s", t->path, strerror(errno));
	return CLI_OK;
}

/* The agent's own file, as it names it. */
static int own_path(const struct cli *cli, char *buf, size_t size)
{
	const char *path;
	json_t *reply;
	int rc = ask_agent(cli, json_pack("{s:s, s:b}", "cmd", "config-show", "brief", 1), &reply);

	if (rc)
		return rc;
	path = json_string_value(json_object_get(reply, "path"));
	if (!path || snprintf(buf, size, "%s", path) >= (int)size)
		rc = cli_fail("the agent does not say where its configuration is");
	json_decref(reply);
	return rc;
}

static int tell_saved(const struct cli *cli)
{
	json_t *reply;
	int rc = ask_agent(cli, json_pack("{s:s}", "cmd", "config-saved"), &reply);

	if (!rc)
		json_decref(reply);
	return rc;
}

int config_save(const struct cli *cli, const char *path)
{
	struct target t = { .dir = -1 };
	char own[PATH_MAX];
	int rc = path ? CLI_OK : own_path(cli, own, sizeof(own));

	if (!rc)
		rc = target_open(&t, path ? path : own);
	if (!rc)
		rc = write_new(cli, &t);
	if (!rc)
		rc = put_in_place(&t);
	if (rc && t.dir >= 0)
		unlinkat(t.dir, t.next, 0);
	if (t.dir >= 0)
		close(t.dir);
	return rc || path ? rc : tell_saved(cli);
}
