// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "prefpeerd/acct/acct.h"
#include "prefpeerd/acct/keep.h"
#include "prefpeerd/acct/writer.h"
#include "prefpeerd/agent.h"
#include "prefpeerd/control.h"
#include "prefpeerd/debug.h"
#include "prefpeerd/engine_ike/engine_ike.h"
#include "prefpeerd/entry/entries.h"
#include "prefpeerd/drain.h"
#include "prefpeerd/history.h"
#include "prefpeerd/kernel_linux.h"
#include "prefpeerd/keyexport.h"
#include "prefpeerd/lastgood.h"
#include "prefpeerd/messages.h"
#include "prefpeerd/oneshot.h"
#include "prefpeerd/report.h"
#include "prefpeerd/resolve.h"
#include "prefpeerd/sandbox.h"
#include "prefpeerd/signer.h"
#include "prefpeerd/spd/reqid.h"
#include "prefpeerd/tally.h"
#include "prefpeerd/watch.h"

#define AREA "main"
#define DEFAULT_USER "prefpeer"

enum mode { MODE_RUN, MODE_CHECK, MODE_FLUSH, MODE_LOCK, MODE_SEAL };

static const char usage_text[] =
	"usage: prefpeerd [-f FILE] [--user NAME] [--control PATH] [--state DIR] [-v]\n"
	"       prefpeerd -t [-f FILE]       check a configuration: no root, kernel or network needed\n"
	"       prefpeerd --lock [-f FILE]   install every line as `block` and exit (before networking)\n"
	"       prefpeerd --flush            remove every policy of prefpeerd and exit\n"
	"       prefpeerd --seal-key MASTER  a key from stdin, for `pre-shared-key 6`, under the master\n"
	"                                    key in that file\n"
	"\n"
	"  -f, --file FILE      configuration (default " CONF_PATH_DEFAULT ")\n"
	"  -t, --test           report every error with its place; exit status 0 or 1\n"
	"      --user NAME      who to be once everything is open (default " DEFAULT_USER ")\n"
	"      --control PATH   control socket (default " CONTROL_PATH_DEFAULT ")\n"
	"      --state DIR      keeps what was last in force, for when the file has errors at the\n"
	"                       next start (default " STATE_DIR_DEFAULT ")\n"
	"      --debug-export-ike-keys FILE\n"
	"                       write the keys of every IKE SA to FILE, for Wireshark; never on a\n"
	"                       gateway in use: who has them reads all that IKE says\n"
	"  -v, --verbose        debug messages\n"
	"  -V, --version        print the version\n"
	"  -h, --help           this text\n";

struct args {
	enum mode mode;
	const char *master;
	bool verbose;
	struct agent_options opt;
};

/* -1: go on; otherwise the exit status. */
static int parse_args(int argc, char **argv, struct args *a)
{
	static const struct option longs[] = {
		{ "file", required_argument, NULL, 'f' }, { "test", no_argument, NULL, 't' },
		{ "user", required_argument, NULL, 'u' }, { "control", required_argument, NULL, 'c' },
		{ "seal-key", required_argument, NULL, 'S' },
		{ "flush", no_argument, NULL, 'F' },	  { "lock", no_argument, NULL, 'L' },
		{ "verbose", no_argument, NULL, 'v' },	  { "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },	  { "state", required_argument, NULL, 's' },
		{ "debug-export-ike-keys", required_argument, NULL, 'K' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "f:tvVh", longs, NULL)) != -1) {
		switch (c) {
		case 'f': a->opt.conf_path = optarg; break;
		case 't': a->mode = MODE_CHECK; break;
		case 'u': a->opt.user = optarg; break;
		case 's': a->opt.state_dir = optarg; break;
		case 'c': a->opt.control_path = optarg; break;
		case 'K': a->opt.keys_path = optarg; break;
		case 'F': a->mode = MODE_FLUSH; break;
		case 'S': a->mode = MODE_SEAL; a->master = optarg; break;
		case 'L': a->mode = MODE_LOCK; break;
		case 'v': a->verbose = true; break;
		case 'V': puts("prefpeerd " PREFPEER_VERSION); return 0;
		case 'h': fputs(usage_text, stdout); return 0;
		default: fputs(usage_text, stderr); return 2;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "prefpeerd: unexpected word `%s`\n%s", argv[optind], usage_text);
	return 2;
}

/* ---- events between the rooms ------------------------------------------------ */

static enum log_level ntf_level(const struct entry_ntf *n)
{
	return n->type == NTF_STATE || n->type == NTF_PEER ? LOG_LVL_NOTICE : LOG_LVL_INFO;
}

/* "UP 10.1.1.1 -> DOWN", "WALK 10.1.1.1 -> 10.2.2.2" */
static const char *state_change(const struct entry_ntf *n, char *buf, size_t size)
{
	const char *was = n->from == ENTRY_UP || n->from == n->to ? n->from_peer : NULL;
	const char *now = n->to == ENTRY_UP || n->to == ENTRY_WALK ? n->peer : NULL;

	snprintf(buf, size, "%s%s%s -> %s%s%s", entry_state_name(n->from), was ? " " : "",
		 was ? was : "", n->from != n->to ? entry_state_name(n->to) : "",
		 n->from != n->to && now ? " " : "", now ? now : "");
	return buf;
}

static void log_ntf(const struct entry_ntf *n)
{
	const char *why = n->sentence ? n->sentence : "";
	char text[700];

	if (n->type == NTF_PEER)
		return; /* messages.h has said it */
	if (n->type == NTF_STATE)
		state_change(n, text, sizeof(text));
	else if (n->line)
		snprintf(text, sizeof(text), "line %u", n->line);
	else
		snprintf(text, sizeof(text), "%s", entry_state_name(n->to));
	log_line(ntf_level(n), "map", "%s %u: %s: %s (%s)", n->map, n->seq, text, why,
		 entry_reason_name(n->reason));
}

/* Takes over @ev; NULL is fine. */
static void publish(struct agent *a, json_t *ev)
{
	if (!ev)
		return;
	history_add(a->history, ev);
	if (a->control)
		control_event(a->control, ev);
	json_decref(ev);
}

static void on_notify(void *ctx, const struct entry_ntf *n)
{
	struct agent *a = ctx;

	json_t *event = report_event(n);

	debug_entry(a, n);
	messages_notify(a->messages, a->conf, n);
	log_ntf(n);
	tally_notify(a->tally, n, event);
	publish(a, event);
	/* From now on its packets have a way to take, or to miss. */
	if (a->acct && !a->stopping)
		acct_notify(a->acct, n);
	if (n->type == NTF_STATE && n->to == ENTRY_UP)
		watch_soon(a->watch, n->when);
}

static void on_watch_note(void *ctx, const struct watch_note *n)
{
	publish(ctx, report_note(n));
}

static int on_local_addr(void *ctx, const struct map_entry *e, const struct addr *peer,
			 struct addr *out, char *why, size_t size)
{
	struct agent *a = ctx;
	int err = route_local_addr(a->route, e->map, peer, out, why, size);

	return err == -ENODEV ? -ENONET : err;
}

static void on_local_failed(void *ctx, const struct map_entry *e, const char *why)
{
	struct agent *a = ctx;

	if (route_is_news(a->route, why))
		log_info("route", "map %s %u: %s", e->map->name, e->seq, why);
}

static void on_routes(void *ctx, const struct reverse_route *list, unsigned n)
{
	struct agent *a = ctx;

	rri_set(a->rri, list, n);
}

static uint32_t on_random(void *ctx)
{
	uint32_t v;

	if (getrandom(&v, sizeof(v), 0) != sizeof(v))
		abort();
	return v;
}

static void on_resume(void *ctx, int64_t ms, mono_t now)
{
	struct agent *a = ctx;

	log_notice(AREA, "the machine slept for %lld s: every IKE SA is probed",
		   (long long)(ms / 1000));
	if (a->entries)
		entries_resumed(a->entries, now);
}

static void on_engine_event(void *ctx, const struct engine_event *ev, mono_t now)
{
	struct agent *a = ctx;

	debug_engine(a, ev);
	tally_engine(a->tally, ev);
	messages_engine(a->messages, a->conf, a->tally, ev);
	entries_engine_event(a->entries, ev, now);
	if (ev->type == ENG_LOST && a->stopping)
		loop_stop(a->loop);
}

static void on_kernel_event(void *ctx, const struct kernel_event *ev, mono_t now)
{
	struct agent *a = ctx;

	/* The module's may come before any timer: probes first (§14.6). */
	loop_check_resume(a->loop);
	debug_kernel(a, ev);
	/* ESP-in-UDP from elsewhere is the engine's: it owns SAs (design.md §4). */
	if (ev->type == KEV_MAPPING)
		engine_ike_mapping(a->engine.impl, &ev->sa, &ev->mapping, now);
	else if (a->entries)
		entries_kernel_event(a->entries, ev, now);
	/* After the entries: a pair that they end is not looked at any more. */
	if (ev->type == KEV_EXPIRE && a->engine.impl)
		engine_ike_expire(a->engine.impl, &ev->sa, ev->hard);
}

static void on_addresses(void *ctx, mono_t now)
{
	agent_readdress(ctx, now);
}

static void on_settled(void *ctx, mono_t now)
{
	struct agent *a = ctx;

	entries_local_changed(a->entries, now);
	rri_refresh(a->rri);
}

static const struct spd *on_watch_spd(void *ctx)
{
	const struct agent *a = ctx;

	return a->spd;
}

static int64_t on_wall_clock(void *ctx)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

static uint32_t on_reqid_draw(void *ctx)
{
	struct agent *a = ctx;

	return reqid_draw(a->reqids);
}

static void on_reqid_release(void *ctx, uint32_t reqid)
{
	struct agent *a = ctx;

	reqid_release(a->reqids, reqid);
}

static void on_resolve(void *ctx, const char *name, sa_family_t family, uint32_t query)
{
	struct agent *a = ctx;

	resolve_ask(a->resolve, name, family, query);
}

static void on_answer(void *ctx, uint32_t query, const struct name_answer *answer, mono_t now)
{
	struct agent *a = ctx;

	entries_answered(a->entries, query, answer, now);
}

static void on_signal(void *ctx, int signo)
{
	struct agent *a = ctx;

	if (signo != SIGHUP) {
		sd_notify(0, "STOPPING=1");
		agent_stop(a, mono_now());
		return;
	}
	sd_notify(0, "RELOADING=1");
	agent_reload(a, mono_now(), NULL);
	sd_notify(0, "READY=1");
}

/* ---- start ---------------------------------------------------------------------- */

static int refuse(const char *what, int err)
{
	log_err(AREA, "%s: %s", what, strerror(-err));
	return 1;
}

/* As root: everything that needs more than CAP_NET_ADMIN later. */
static int open_edges(struct agent *a)
{
	int err;

	a->loop = loop_new();
	a->history = history_new();
	a->reqids = reqid_table_new();
	if (!a->loop || !a->history || !a->reqids)
		return refuse("no memory", -ENOMEM);
	err = kernel_linux_open(loop_base(a->loop), loop_timers(a->loop), on_kernel_event, a,
				&a->kernel);
	if (err)
		return refuse("XFRM cannot be reached (root, or CAP_NET_ADMIN in this namespace, is needed)",
			      err);
	a->tally = tally_new(&a->kernel);
	a->messages = messages_new();
	if (!a->tally || !a->messages)
		return refuse("no memory", -ENOMEM);
	err = engine_ike_open(loop_base(a->loop), loop_timers(a->loop), &a->kernel, &a->engine);
	if (err)
		return refuse("the IKE sockets (UDP 500 and 4500) cannot be opened; does another IKE daemon run here?",
			      err);
	debug_attach(a);
	err = signer_attach(a->signer, loop_base(a->loop), &a->engine);
	if (err)
		return refuse("no memory", err);
	err = resolve_open(loop_base(a->loop), loop_timers(a->loop), NULL, on_answer, a, &a->resolve);
	if (err)
		return refuse("the resolver cannot be opened", err);
	err = watch_open(loop_timers(a->loop), &a->kernel,
			 &(struct watch_ports){ on_watch_spd, on_watch_note, on_wall_clock, a },
			 mono_now(), &a->watch);
	if (err)
		return refuse("no memory", err);
	err = route_open(loop_base(a->loop), loop_timers(a->loop),
			 &(struct route_events){ on_addresses, on_settled, a }, &a->route);
	if (err)
		return refuse("rtnetlink cannot be reached", err);
	a->rri = rri_new(route_nl(a->route));
	if (!a->rri)
		return refuse("no memory", -ENOMEM);
	err = reqid_table_seed(a->reqids, &a->kernel);
	return err ? refuse("policies of an earlier run cannot be read", err) : 0;
}

static int make_entries(struct agent *a)
{
	const struct entry_ports ports = {
		.timers = loop_timers(a->loop),
		.engine = &a->engine,
		.kernel = &a->kernel,
		.point = spd_point,
		.branch_add = spd_branch_add,
		.branch_del = spd_branch_del,
		.reqid_draw = on_reqid_draw,
		.reqid_release = on_reqid_release,
		.local_addr = on_local_addr,
		.local_failed = on_local_failed,
		.resolve = on_resolve,
		.routes = on_routes,
		.random = on_random,
		.notify = on_notify,
		.ctx = a,
	};

	loop_on_resume(a->loop, on_resume, a);
	a->entries = entries_new(&ports);
	a->drain = a->entries ? drain_new(a->entries, loop_timers(a->loop)) : NULL;
	return a->drain ? 0 : refuse("no memory", -ENOMEM);
}

static const struct spd *on_acct_spd(void *ctx)
{
	const struct agent *a = ctx;

	return a->spd;
}

static void on_acct_record(void *ctx, const char *list, const json_t *record)
{
	struct agent *a = ctx;

	writer_record(a->writer, list, record);
}

static void on_acct_keep(void *ctx, const json_t *sessions)
{
	struct agent *a = ctx;

	if (a->lastgood)
		keep_sessions(a->lastgood, sessions);
}

static void on_sa_end(void *ctx, const struct kernel_sa_entry *sa)
{
	struct agent *a = ctx;

	if (a->acct)
		acct_sa_ended(a->acct, sa);
}

static int make_accounting(struct agent *a)
{
	const struct acct_ports ports = {
		.timers = loop_timers(a->loop),
		.kernel = &a->kernel,
		.entries = a->entries,
		.spd = on_acct_spd,
		.wall_ms = on_wall_clock,
		.record = on_acct_record,
		.keep = on_acct_keep,
		.ctx = a,
	};
	int err = writer_attach(a->writer, loop_base(a->loop));

	if (!err)
		a->acct = acct_new(&ports);
	if (!a->acct)
		return refuse("no memory", -ENOMEM);
	kernel_linux_on_sa_end(&a->kernel, on_sa_end, a);
	return 0;
}

/* Those of an agent that was killed ended with it. */
static void account_for_orphans(struct agent *a)
{
	json_t *kept = a->lastgood ? kept_sessions(a->lastgood) : NULL;

	if (kept)
		acct_orphans(a->acct, kept);
	json_decref(kept);
}

static int watch_signals(struct agent *a)
{
	static const int which[] = { SIGTERM, SIGINT, SIGHUP };
	int err = 0;

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; !err && i < sizeof(which) / sizeof(*which); i++)
		err = loop_on_signal(a->loop, which[i], on_signal, a);
	return err ? refuse("signals cannot be watched", err) : 0;
}

/* While still root, whose the file is. */
static int export_keys(struct agent *a)
{
	int err;

	if (!a->opt.keys_path)
		return 0;
	err = keyexport_open(a->opt.keys_path, &a->keyexport);
	if (err == -EPERM || err == -ELOOP) {
		log_err(AREA, "%s: keys are written only to a file of one name that its owner alone may read",
			a->opt.keys_path);
		return 1;
	}
	if (err)
		return refuse(a->opt.keys_path, err);
	keyexport_attach(a->keyexport, &a->engine);
	return 0;
}

/* While still root: the secret is root's, and nobody else reads it. */
static void make_recoverable(struct agent *a)
{
	uint8_t secret[QCD_SECRET_LEN];
	int err = a->lastgood ? lastgood_secret(a->lastgood, secret) : -ENOENT;

	if (!err)
		engine_ike_recoverable(&a->engine, secret);
	else if (a->lastgood)
		log_warn(AREA, "%s: no secret: %s; after a restart peers notice only by their liveness checks",
			 a->opt.state_dir, strerror(-err));
	explicit_bzero(secret, sizeof(secret));
}

/* As the user that the files are to be of. */
static void keep_history(struct agent *a)
{
	unsigned unreadable;
	int err = a->lastgood ? history_keep(a->history, lastgood_dir(a->lastgood),
					     lastgood_name(a->lastgood), &unreadable) :
				0;

	if (err)
		log_warn(AREA, "%s: the history is not kept there: %s", a->opt.state_dir,
			 strerror(-err));
	else if (a->lastgood && unreadable)
		log_notice(AREA, "%s: %u lines of the history cannot be read, and are passed over",
			   a->opt.state_dir, unreadable);
}

static int drop_root(struct agent *a)
{
	struct sandbox_user user;
	int err = sandbox_find_user(a->opt.user, &user);

	if (err) {
		log_err(AREA, "there is no user `%s` to run as: make it (useradd --system --no-create-home %s) or name another with --user",
			a->opt.user, a->opt.user);
		return 1;
	}
	err = control_open(a, a->opt.control_path, &user, &a->control);
	if (err)
		return refuse(a->opt.control_path, err);
	err = lastgood_open(a->opt.state_dir, a->opt.conf_path, &user, &a->lastgood);
	if (err)
		log_warn(AREA, "%s cannot be used: %s; should the file have errors at the next start, nothing takes its place",
			 a->opt.state_dir, strerror(-err));
	make_recoverable(a);
	err = sandbox_drop(&user);
	if (err)
		return refuse("root cannot be given up", err);
	/* Not one packet was read before. */
	err = sandbox_shut();
	if (!err)
		keep_history(a);
	return err ? refuse("system calls cannot be limited (seccomp)", err) : 0;
}

static int run(struct agent *a)
{
	struct config *conf;
	int err;

	err = sandbox_early();
	if (err)
		return refuse("core dumps cannot be switched off", err);
	/* Before anything is read, or opened: it has nothing of ours. */
	err = signer_open(&a->signer);
	if (err)
		return refuse("the process for private keys cannot be started", err);
	err = writer_open(a->opt.user, &a->writer);
	if (err)
		return refuse("the process for accounting records cannot be started", err);
	sandbox_lock();
	a->keys = signer_keys(a->signer);
	a->opt.keys = &a->keys;
	conf = agent_load(&a->opt);
	if (!conf)
		return 1;
	if (open_edges(a) || make_entries(a) || make_accounting(a) || watch_signals(a) || export_keys(a) || drop_root(a)) {
		config_free(conf);
		return 1;
	}
	err = agent_configure(a, conf, mono_now());
	if (err) {
		config_free(conf);
		return refuse("the configuration cannot be brought into force", err);
	}
	account_for_orphans(a);
	err = a->engine.ops->start(a->engine.impl, on_engine_event, a);
	if (err)
		return refuse("the IKE engine cannot start", err);
	agent_keep(a);
	sd_notify(0, "READY=1");
	log_notice(AREA, "prefpeerd " PREFPEER_VERSION " runs, %u entries, policies are in place",
		   entries_count(a->entries));
	err = loop_run(a->loop);
	return err ? refuse("event loop", err) : 0;
}

static void close_all(struct agent *a)
{
	control_close(a->control);
	lastgood_close(a->lastgood);
	watch_close(a->watch);
	resolve_close(a->resolve);
	drain_free(a->drain);
	acct_free(a->acct);
	writer_close(a->writer);
	entries_free(a->entries);
	engine_ike_close(&a->engine);
	keyexport_close(a->keyexport);
	signer_close(a->signer);
	rri_free(a->rri);
	route_close(a->route);
	kernel_linux_close(&a->kernel);
	reqid_table_free(a->reqids);
	spd_free(a->spd);
	route_env_free(a->ifaces, a->n_ifaces);
	config_free(a->conf);
	history_free(a->history);
	tally_free(a->tally);
	messages_free(a->messages);
	loop_free(a->loop);
}

int main(int argc, char **argv)
{
	struct args args = {
		.opt = { CONF_PATH_DEFAULT, STATE_DIR_DEFAULT, CONTROL_PATH_DEFAULT, DEFAULT_USER,
			 NULL, NULL },
	};
	struct agent a = { 0 };
	int rc = parse_args(argc, argv, &args);

	if (rc >= 0)
		return rc;
	log_init(args.verbose ? LOG_LVL_DEBUG : LOG_LVL_INFO);
	a.opt = args.opt;
	switch (args.mode) {
	case MODE_CHECK:
		sandbox_early(); /* it has a look at private keys */
		return conf_main_check(a.opt.conf_path, stdout);
	case MODE_FLUSH:
		return oneshot_flush();
	case MODE_SEAL:
		return oneshot_seal(args.master);
	case MODE_LOCK:
		return oneshot_lock(&a.opt);
	default:
		rc = run(&a);
		close_all(&a);
		return rc;
	}
}
