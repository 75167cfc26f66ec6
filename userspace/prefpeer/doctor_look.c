// SPDX-License-Identifier: GPL-2.0-or-later
/* The facts that the judges judge, of this machine and this network namespace. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/pp_nl.h"
#include "lib/xfrm.h"
#include "prefpeer/doctor.h"
#include "prefpeerd/spd/reqid.h"
#include "prefpeerd/spd/spd.h"

extern char **environ;

/* ---- small files and programs -------------------------------------------- */

static int read_int(const char *path)
{
	FILE *f = fopen(path, "re");
	int v = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%d", &v) != 1)
		v = -1;
	fclose(f);
	return v;
}

static int sysctl_of(const char *ifname, const char *key)
{
	char path[160];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/%s", ifname, key);
	return read_int(path);
}

static void read_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");

	*buf = '\0';
	if (!f)
		return;
	if (!fgets(buf, (int)size, f))
		*buf = '\0';
	fclose(f);
	buf[strcspn(buf, "\n")] = '\0';
}

static char *read_all(int fd)
{
	size_t n = 0, room = 65536;
	char *buf = malloc(room);
	ssize_t got;

	while (buf && (got = read(fd, buf + n, room - n - 1)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		n += (size_t)got;
		if (room - n < 2)
			buf = realloc(buf, room *= 2);
	}
	if (buf)
		buf[n] = '\0';
	return buf;
}

/* What it wrote, both streams, to be freed; *status its exit status, -1: it did not run. */
static char *run(char *const argv[], int *status)
{
	posix_spawn_file_actions_t to;
	int fds[2], rc, wait_status = 0;
	char *said;
	pid_t pid;

	*status = -1;
	if (pipe2(fds, O_CLOEXEC))
		return NULL;
	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_adddup2(&to, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&to, fds[1], STDERR_FILENO);
	rc = posix_spawnp(&pid, argv[0], &to, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&to);
	close(fds[1]);
	said = rc ? NULL : read_all(fds[0]);
	close(fds[0]);
	if (!rc && waitpid(pid, &wait_status, 0) == pid && WIFEXITED(wait_status))
		*status = WEXITSTATUS(wait_status);
	return said;
}

/* One line of it: people read a sentence, not a page. */
static void first_line(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%.*s", text ? (int)strcspn(text, "\n") : 0, text ? text : "");
}

/* ---- what the agent says ------------------------------------------------- */

static void add_iface(struct doctor_facts *f, const char *name, bool carries)
{
	struct doctor_iface *d = NULL;

	for (unsigned i = 0; i < f->n_ifaces; i++)
		if (!strcmp(f->ifaces[i].name, name))
			d = &f->ifaces[i];
	if (!d && f->n_ifaces < DOCTOR_IFACES && strlen(name) < sizeof(d->name)) {
		d = &f->ifaces[f->n_ifaces++];
		strcpy(d->name, name);
		d->rp_filter = sysctl_of(name, "rp_filter");
		d->disable_policy = sysctl_of(name, "disable_policy");
		d->disable_xfrm = sysctl_of(name, "disable_xfrm");
	}
	if (d)
		d->carries |= carries;
}

static void add_line(struct doctor_facts *f, const json_t *m, const json_t *l)
{
	const char *src = json_string_value(json_object_get(l, "source"));
	const char *dst = json_string_value(json_object_get(l, "destination"));
	struct doctor_line *d = &f->lines[f->n_lines];

	if (f->n_lines == DOCTOR_LINES || !src || !dst || prefix_parse(src, &d->src) ||
	    prefix_parse(dst, &d->dst))
		return;
	snprintf(d->name, sizeof(d->name), "%.24s %lld line %lld",
		 json_string_value(json_object_get(m, "map")),
		 (long long)json_integer_value(json_object_get(m, "seq")),
		 (long long)json_integer_value(json_object_get(l, "no")));
	f->n_lines++;
}

static void look_at_maps(struct doctor_facts *f, const json_t *answer)
{
	json_t *m, *l, *name;
	size_t i, j;

	f->agent = answer != NULL;
	f->told = json_is_true(json_object_get(answer, "module"));
	json_array_foreach(json_object_get(answer, "maps"), i, m)
	{
		json_array_foreach(json_object_get(m, "interfaces"), j, name)
			add_iface(f, json_string_value(name), true);
		json_array_foreach(json_object_get(m, "lines"), j, l) add_line(f, m, l);
	}
}

/* ---- the kernel ---------------------------------------------------------- */

static void look_at_interfaces(struct doctor_facts *f)
{
	struct if_nameindex *all = if_nameindex();

	for (struct if_nameindex *i = all; i && i->if_index; i++)
		if (strcmp(i->if_name, "lo")) /* the kernel exempts it itself */
			add_iface(f, i->if_name, false);
	if (all)
		if_freenameindex(all);
	f->forward4 = read_int("/proc/sys/net/ipv4/ip_forward");
	f->forward6 = read_int("/proc/sys/net/ipv6/conf/all/forwarding");
	f->rp_all = sysctl_of("all", "rp_filter");
	f->policy_all = sysctl_of("all", "disable_policy");
	f->xfrm_all = sysctl_of("all", "disable_xfrm");
}

static void look_at_module(struct doctor_facts *f)
{
	struct pp_nl *nl;

	f->module = !pp_nl_open(&nl);
	if (f->module)
		pp_nl_close(nl);
	read_line("/sys/module/prefpeer/version", f->module_version, sizeof(f->module_version));
}

/* As spd_policy_is_ours(), which is linked into the agent only. */
static bool is_agents(const struct kernel_policy *p)
{
	return p->priority >= SPD_PRIORITY_FIRST && p->priority <= SPD_PRIORITY_LAST &&
	       (p->action != POLICY_PROTECT || (p->reqid >= REQID_FIRST && p->reqid <= REQID_LAST));
}

static int keep_policy(void *ctx, const struct kernel_policy *p)
{
	struct doctor_facts *f = ctx;

	if (is_agents(p)) {
		if (!f->lowest_priority || p->priority < f->lowest_priority)
			f->lowest_priority = p->priority;
		return 0;
	}
	if (f->n_policies == sizeof(f->policies) / sizeof(f->policies[0])) {
		f->policies_left_out++;
		return 0;
	}
	f->policies[f->n_policies++] = (struct doctor_policy){ .sel = p->sel,
							       .out = p->dir == POLICY_OUT,
							       .priority = p->priority,
							       .reqid = p->reqid };
	return 0;
}

static void look_at_policies(struct doctor_facts *f)
{
	struct xfrm *x;

	if (xfrm_open(&x))
		return;
	f->policies_read = !xfrm_policy_dump(x, keep_policy, f);
	xfrm_close(x);
}

/* ---- nftables ------------------------------------------------------------ */

static void look_at_ruleset(struct doctor_facts *f)
{
	char *const argv[] = { "nft", "-j", "list", "ruleset", NULL };
	int status;
	char *said = run(argv, &status);

	if (status == 0)
		f->ruleset = json_loads(said ? said : "", 0, NULL);
	if (status < 0 || status == 127)
		snprintf(f->nft_error, sizeof(f->nft_error), "nft cannot be run");
	else if (!f->ruleset)
		first_line(f->nft_error, sizeof(f->nft_error), said);
	free(said);
}

/* ---- who holds the ports ------------------------------------------------- */

static bool holds(const char *pid, unsigned long inode)
{
	char path[64], want[40], to[40];
	struct dirent *e;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.12s/fd", pid);
	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	dir = opendir(path);
	while (dir && !found && (e = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, to, sizeof(to) - 1);

		to[n > 0 ? n : 0] = '\0';
		found = !strcmp(to, want);
	}
	if (dir)
		closedir(dir);
	return found;
}

static void who_holds(unsigned long inode, char *program, size_t size)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	char path[64];

	*program = '\0';
	while (dir && !*program && (e = readdir(dir))) {
		if (!isdigit((unsigned char)*e->d_name) || !holds(e->d_name, inode))
			continue;
		snprintf(path, sizeof(path), "/proc/%.12s/comm", e->d_name);
		read_line(path, program, size);
	}
	if (dir)
		closedir(dir);
}

static void look_at_sockets(struct doctor_facts *f, const char *path)
{
	FILE *list = fopen(path, "re");
	unsigned long inode;
	char line[512];
	unsigned port;

	while (list && fgets(line, sizeof(line), list)) {
		struct doctor_socket *s = &f->sockets[f->n_sockets];

		if (sscanf(line, " %*d: %*[0-9A-F]:%x %*s %*s %*s %*s %*s %*s %*s %lu", &port,
			   &inode) != 2 ||
		    (port != 500 && port != 4500) ||
		    f->n_sockets == sizeof(f->sockets) / sizeof(f->sockets[0]))
			continue;
		s->port = port;
		who_holds(inode, s->program, sizeof(s->program));
		f->n_sockets++;
	}
	if (list)
		fclose(list);
}

/* ---- clock, configuration ------------------------------------------------ */

static void look_at_clock(struct doctor_facts *f)
{
	struct timex t = { 0 };
	time_t now = time(NULL);
	struct tm tm;
	int state = adjtimex(&t);

	f->clock_read = state >= 0;
	f->clock_synced = state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
	f->year = gmtime_r(&now, &tm) ? tm.tm_year + 1900 : 0;
}

static void look_at_config(struct doctor_facts *f, const char *path)
{
	char *const argv[] = { "prefpeerd", "-t", "-f", (char *)path, NULL };
	struct stat st;
	char *said;
	int fd;

	snprintf(f->conf_path, sizeof(f->conf_path), "%s", path);
	f->conf_status = -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		f->conf_errno = errno;
		if (fd >= 0)
			close(fd);
		return;
	}
	close(fd);
	f->conf_mode = st.st_mode & 07777;
	said = run(argv, &f->conf_status);
	if (f->conf_status == 127)
		f->conf_status = -1;
	first_line(f->conf_said, sizeof(f->conf_said), said);
	free(said);
}

void doctor_look(struct doctor_facts *f, const json_t *answer, const char *conf_path)
{
	*f = (struct doctor_facts){ 0 };
	look_at_maps(f, answer);
	look_at_interfaces(f);
	look_at_module(f);
	look_at_policies(f);
	look_at_ruleset(f);
	look_at_sockets(f, "/proc/net/udp");
	look_at_sockets(f, "/proc/net/udp6");
	look_at_clock(f);
	look_at_config(f, conf_path);
}

void doctor_forget(struct doctor_facts *f)
{
	json_decref(f->ruleset);
	f->ruleset = NULL;
}
