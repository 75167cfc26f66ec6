// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests about the configuration as text: shown without keys, changed by lines,
 * replaced, compared, and written to a file that the asker opened, since this process
 * may write none. Unsaved changes live as long as the process; what is kept for a
 * file with errors (lastgood.h) are saved ones only, so that a restart undoes a line
 * that cut somebody off.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "prefpeerd/control.h"

#define AREA "config"
#define TEXT_MAX (1u << 20) /* as of the file: conf/config.c */
#define HEADER "! saved by prefpeer: what differs from the defaults; comments are not kept\n"

struct question {
	struct agent *a;
	struct ctl_server *server;
	const json_t *req;
};

/* ---- diagnostics as JSON -------------------------------------------------- */

static json_t *diag_json(const struct conf_diag *g)
{
	static const char *const names[] = { "error", "warning", "note" };
	json_t *o = json_pack("{s:s, s:s, s:s*}", "severity", names[g->severity], "text", g->text,
			      "hint", g->hint);

	if (g->pos.line) {
		json_object_set_new(o, "line", json_integer(g->pos.line));
		json_object_set_new(o, "col", json_integer(g->pos.col));
		json_object_set_new(o, "len", json_integer(g->pos.len));
	}
	if (g->incomplete)
		json_object_set_new(o, "incomplete", json_true());
	return o;
}

static json_t *diags_json(const struct conf_diags *d)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < d->n; i++)
		json_array_append_new(list, diag_json(&d->list[i]));
	return list;
}

/* Nothing is wrong but that something is not whole yet. */
static bool only_incomplete(const struct conf_diags *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->n; i++)
		n += d->list[i].severity == CONF_ERROR && d->list[i].incomplete;
	return n && n == d->n_errors;
}

static const char *first_error(const struct conf_diags *d)
{
	for (unsigned i = 0; i < d->n; i++)
		if (d->list[i].severity == CONF_ERROR)
			return d->list[i].text;
	return NULL;
}

/* Takes over @diags. */
static json_t *with_diags(json_t *reply, struct conf_diags *diags)
{
	if (diags->n)
		json_object_set_new(reply, "diags", diags_json(diags));
	if (only_incomplete(diags))
		json_object_set_new(reply, "incomplete", json_true());
	conf_diags_free(diags);
	return reply;
}

static json_t *refused(int err, struct conf_diags *diags)
{
	const char *why = first_error(diags);

	return with_diags(ctl_error("%s", why ? why : strerror(-err)), diags);
}

/* ---- texts by descriptor --------------------------------------------------- */

/* A regular file, a memfd for example: nothing that could keep us waiting. */
static int read_whole(int fd, struct conf_text *out)
{
	struct stat st;
	size_t n = 0;
	ssize_t got = 1;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > TEXT_MAX)
		return -EFBIG;
	*out = (struct conf_text){ .s = calloc(1, (size_t)st.st_size + 1) };
	while (out->s && n < (size_t)st.st_size && got > 0) {
		got = pread(fd, out->s + n, (size_t)st.st_size - n, (off_t)n);
		n += got > 0 ? (size_t)got : 0;
	}
	out->len = n;
	if (!out->s)
		return -ENOMEM;
	return got < 0 ? -errno : 0;
}

static void text_wipe(struct conf_text *t)
{
	if (t->s)
		explicit_bzero(t->s, t->len);
	free(t->s);
}

/* What came with the request; NULL, or the refusal. */
static json_t *take_text(struct question *q, struct conf_text *out)
{
	int fd = ctl_server_take_fd(q->server), err;

	*out = (struct conf_text){ 0 };
	if (fd < 0)
		return ctl_error("no text came with the request: a descriptor of a file is needed");
	err = read_whole(fd, out);
	close(fd);
	if (!err)
		return NULL;
	text_wipe(out);
	*out = (struct conf_text){ 0 };
	if (err == -EFBIG)
		return ctl_error("the text is longer than %u bytes", TEXT_MAX);
	return ctl_error("the text cannot be read: %s",
			 err == -EINVAL ? "not a regular file" : strerror(-err));
}

/* ---- the file ---------------------------------------------------------------- */

static json_t *load_startup(struct agent *a, struct config **out)
{
	struct conf_diags diags;
	json_t *refusal = NULL;
	int err = config_load(a->opt.conf_path, out, &diags);

	if (err) {
		refusal = refused(err, &diags);
	} else {
		conf_diags_free(&diags);
		config_keep_idle(*out, a->conf);
	}
	return refusal;
}

/* As the command line finds it, whatever directory we were started in. */
static const char *absolute(const char *path, char *buf, size_t size)
{
	char dir[2048];

	if (*path == '/' || !getcwd(dir, sizeof(dir)))
		return path;
	return snprintf(buf, size, "%s/%s", dir, path) < (int)size ? buf : path;
}

/* ---- show ---------------------------------------------------------------------- */

static json_t *text_reply(const struct config *c)
{
	struct conf_text t;
	json_t *ok;

	if (config_text(c, false, &t))
		return NULL;
	ok = ctl_ok();
	json_object_set_new(ok, "text", json_stringn(t.s, t.len));
	conf_text_free(t.s);
	return ok;
}

static json_t *show_startup(struct agent *a)
{
	struct config *c;
	json_t *reply = load_startup(a, &c);

	if (reply)
		return reply;
	reply = text_reply(c);
	config_free(c);
	return reply;
}

/* With `brief` all but the text. */
static json_t *config_show(struct question *q)
{
	char buf[4096];
	json_t *ok;

	if (json_is_true(json_object_get(q->req, "startup")))
		return show_startup(q->a);
	ok = json_is_true(json_object_get(q->req, "brief")) ? ctl_ok() : text_reply(q->a->conf);
	json_object_set_new(ok, "unsaved", json_boolean(q->a->unsaved));
	json_object_set_new(ok, "hostname", json_string(q->a->conf->hostname));
	json_object_set_new(ok, "path",
			    json_string(absolute(q->a->opt.conf_path, buf, sizeof(buf))));
	return ok;
}

/* Whoever may ask this may also do all that the shell asks a password for. */
static json_t *config_enable(struct question *q)
{
	json_t *ok = ctl_ok();

	if (*q->a->conf->enable_secret)
		json_object_set_new(ok, "hash", json_string(q->a->conf->enable_secret));
	return ok;
}

/* ---- change -------------------------------------------------------------------- */

/* Takes over @next (NULL: @diags says why) and @diags. */
static json_t *bring_in(struct agent *a, struct config *next, struct conf_diags *diags,
			const char *how)
{
	int err = next ? agent_take(a, next, mono_now(), diags) : -EINVAL;

	if (err)
		return refused(err, diags);
	a->unsaved = true;
	log_info(AREA, "the configuration was %s", how);
	return with_diags(ctl_ok(), diags);
}

/* Would it be taken? Takes over as above. */
static json_t *only_look(struct config *next, struct conf_diags *diags)
{
	if (!next)
		return refused(-EINVAL, diags);
	config_free(next);
	return with_diags(ctl_ok(), diags);
}

static json_t *take_startup_text(struct agent *a, struct conf_text *out)
{
	struct config *c;
	json_t *refusal = load_startup(a, &c);

	if (refusal)
		return refusal;
	if (config_text(c, true, out))
		refusal = ctl_error("out of memory");
	config_free(c);
	return refusal;
}

static json_t *config_apply(struct question *q)
{
	bool startup = json_is_true(json_object_get(q->req, "startup"));
	struct conf_diags diags;
	struct config *next;
	struct conf_text t;
	json_t *refusal = startup ? take_startup_text(q->a, &t) : take_text(q, &t);

	if (refusal)
		return refusal;
	next = config_edit(q->a->conf, t.s, t.len, &diags);
	text_wipe(&t);
	return bring_in(q->a, next, &diags, "changed by lines");
}

static json_t *config_replace(struct question *q)
{
	struct conf_diags diags;
	struct config *next;
	struct conf_text t;
	json_t *refusal = take_text(q, &t);

	if (refusal)
		return refusal;
	next = config_replacement(q->a->conf, t.s, t.len, &diags);
	text_wipe(&t);
	if (json_is_true(json_object_get(q->req, "check")))
		return only_look(next, &diags);
	return bring_in(q->a, next, &diags, "replaced");
}

/* ---- compare --------------------------------------------------------------------- */

static json_t *diff_reply(const struct config *from, const struct config *to)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	json_t *ok = NULL;
	int n;

	if (!f)
		return NULL;
	n = config_diff(from, to, f);
	fclose(f);
	if (n >= 0) {
		ok = ctl_ok();
		json_object_set_new(ok, "lines", json_integer(n));
		json_object_set_new(ok, "text", json_string(text));
	}
	free(text);
	return ok;
}

/* From what is in force to a text that came. */
static json_t *diff_text(struct question *q)
{
	struct conf_diags diags;
	struct config *to;
	struct conf_text t;
	json_t *reply = take_text(q, &t);

	if (reply)
		return reply;
	to = config_replacement(q->a->conf, t.s, t.len, &diags);
	text_wipe(&t);
	if (!to)
		return refused(-EINVAL, &diags);
	conf_diags_free(&diags);
	reply = diff_reply(q->a->conf, to);
	config_free(to);
	return reply;
}

/* From the file to what is in force: what is not saved. */
static json_t *config_differs(struct question *q)
{
	struct config *startup;
	json_t *reply;

	if (json_is_true(json_object_get(q->req, "given")))
		return diff_text(q);
	reply = load_startup(q->a, &startup);
	if (reply)
		return reply;
	reply = diff_reply(startup, q->a->conf);
	config_free(startup);
	return reply;
}

/* ---- save ------------------------------------------------------------------------ */

static int write_whole(int fd, const char *s, size_t len)
{
	while (len) {
		ssize_t n = write(fd, s, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		s += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* Keys go into it: a file, and none that the world may read. */
static int fit_for_keys(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	return S_ISREG(st.st_mode) && !(st.st_mode & 0007) ? 0 : -EPERM;
}

static int write_running(const struct agent *a, int fd)
{
	struct conf_text t;
	int err = fit_for_keys(fd);

	if (err)
		return err;
	err = config_text(a->conf, true, &t);
	if (err)
		return err;
	err = write_whole(fd, HEADER, strlen(HEADER));
	if (!err)
		err = write_whole(fd, t.s, t.len);
	conf_text_free(t.s);
	return err;
}

/* Root, who may read the file anyway, and who is as we are. */
static json_t *may_have_keys(struct question *q)
{
	uid_t uid;
	int err = ctl_server_peer(q->server, &uid);

	if (err)
		return ctl_error("who asks is not known: %s", strerror(-err));
	if (uid && uid != geteuid())
		return ctl_error("only root is given the configuration with its keys");
	return NULL;
}

static json_t *config_to_file(struct question *q)
{
	int fd = ctl_server_take_fd(q->server), err;
	json_t *refusal = may_have_keys(q);

	if (!refusal && fd < 0)
		refusal = ctl_error("no file came with the request to write to");
	err = refusal ? 0 : write_running(q->a, fd);
	if (fd >= 0)
		close(fd);
	if (refusal)
		return refusal;
	return err ? ctl_error("cannot be written: %s", err == -EPERM ?
			       "the file must be a regular one that the world may not read" :
			       strerror(-err)) : ctl_ok();
}

/* Whoever has renamed it into its place says so; that it is the same is seen here. */
static json_t *config_saved(struct question *q)
{
	struct agent *a = q->a;
	struct config *startup;
	struct conf_text now, then;
	json_t *reply = load_startup(a, &startup);
	bool same = false;

	if (reply)
		return reply;
	if (!config_text(a->conf, true, &now)) {
		if (!config_text(startup, true, &then)) {
			same = now.len == then.len && !memcmp(now.s, then.s, now.len);
			conf_text_free(then.s);
		}
		conf_text_free(now.s);
	}
	if (same) {
		conf_text_free(a->conf->text);
		a->conf->text = startup->text;
		a->conf->text_len = startup->text_len;
		startup->text = NULL;
		a->unsaved = false;
		agent_keep(a);
		log_notice(AREA, "%s holds the configuration that is in force", a->opt.conf_path);
	}
	config_free(startup);
	return same ? ctl_ok() : ctl_error("%s is not what is in force", a->opt.conf_path);
}

/* ---- dispatch ---------------------------------------------------------------------- */

static const struct {
	const char *cmd;
	json_t *(*fn)(struct question *q);
} verbs[] = {
	{ "config-show", config_show },	      { "config-apply", config_apply },
	{ "config-replace", config_replace }, { "config-diff", config_differs },
	{ "config-write", config_to_file },   { "config-saved", config_saved },
	{ "config-enable", config_enable },
};

json_t *control_config(struct agent *a, struct ctl_server *server, const char *cmd,
		       const json_t *req)
{
	struct question q = { a, server, req };
	json_t *reply;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(verbs[i].cmd, cmd))
			continue;
		reply = verbs[i].fn(&q);
		return reply ? reply : ctl_error("out of memory");
	}
	return NULL;
}
