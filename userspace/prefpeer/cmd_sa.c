// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer sa: SAs as the module sees them; `clear` is the agent's. */
#include <stdio.h>
#include <string.h>

#include "lib/ctl.h"
#include "prefpeer/cli.h"
#include "prefpeer/cells.h"

/* ---- show ---------------------------------------------------------------- */

static void show_text(const struct cli *cli, const struct attr_list *l)
{
	static const char *const heads[] = { "ID",    "SRC",   "DST",	"PROTO",   "SPI",
					     "DIR",   "REQID", "MARK",	"IF_ID",   "ENCAP",
					     "STATE", "IDLE",  "TIMER", "PACKETS", "BYTES",
					     "MAP",   "FROM",  "FLAGS", "UNKNOWN", NULL };
	struct table *t = table_new(heads);
	uint64_t now = boot_now_ns();

	for (size_t i = 0; i < l->n; i++) {
		const struct pp_attrs *a = &l->v[i];

		cell_u32(t, a, PREFPEER_A_SA_ID);
		cell_addr(t, &a->src);
		cell_addr(t, &a->dst);
		cell_proto(t, a);
		cell_spi(t, a);
		cell_dir(t, a);
		cell_u32(t, a, PREFPEER_A_REQID);
		cell_mark(t, a);
		cell_nonzero(t, a, PREFPEER_A_IF_ID);
		cell_nonzero(t, a, PREFPEER_A_ENCAP_PORT);
		cell_state(t, a);
		cell_ago(t, a, PREFPEER_A_LAST_USE, now);
		cell_setting(t, a, PREFPEER_A_META_IDLE_TIME);
		cell_u32(t, a, PREFPEER_A_PACKETS);
		cell_bytes(t, a);
		cell_meta(t, a);
		cell_source(t, a);
		cell_flags(t, a);
		cell_unknown(t, a);
	}
	table_print(cli, t);
}

static bool names_one(const struct pp_attrs *a)
{
	uint64_t id = PP_BIT(PREFPEER_A_SA_ID);
	uint64_t mark = PP_BIT(PREFPEER_A_MARK) | PP_BIT(PREFPEER_A_MARK_MASK);
	uint64_t dst = PP_BIT(PREFPEER_A_DST_IPV4) | PP_BIT(PREFPEER_A_DST_IPV6);
	uint64_t key = PP_BIT(PREFPEER_A_SPI) | PP_BIT(PREFPEER_A_PROTO);

	return a->has == id ||
	       ((a->has & key) == key && a->has & dst && !(a->has & ~(key | dst | mark)));
}

static int sa_show(const struct cli *cli, struct args *args)
{
	const struct object o = { PREFPEER_CMD_SA_GET, words_sa_filter, names_one, show_text };

	return show_objects(cli, args, &o);
}

static void show_help(void)
{
	printf("prefpeer sa show");
	words_help(words_sa_filter);
	printf("\n");
}

/* ---- set ----------------------------------------------------------------- */

static int check_id(const struct pp_attrs *a)
{
	bool by_id = PP_HAS(a, PREFPEER_A_SA_ID);
	bool dst = PP_HAS(a, PREFPEER_A_DST_IPV4) || PP_HAS(a, PREFPEER_A_DST_IPV6);
	bool key = dst && PP_HAS(a, PREFPEER_A_SPI) && PP_HAS(a, PREFPEER_A_PROTO);
	bool any = dst || PP_HAS(a, PREFPEER_A_SPI) || PP_HAS(a, PREFPEER_A_PROTO);

	if (by_id && any)
		return cli_usage("an SA is named by id or by dst, proto and spi, not by both");
	if (!by_id && !key)
		return cli_usage("name the SA: dst ADDRESS proto esp|ah spi SPI, or id N");
	return CLI_OK;
}

/* `none` has to be said: words forgotten at the end must not take metadata away. */
static int sa_set(const struct cli *cli, struct args *args)
{
	const struct word *const words[] = { words_sa_id, words_meta, NULL };
	bool none = args->n && !strcmp(args->v[args->n - 1], "none");
	struct pp_attrs req = { 0 };
	int rc;

	args->n -= none;
	rc = words_take(args, words, &req);
	if (!rc)
		rc = check_id(&req);
	if (rc)
		return rc;
	if (none && PP_HAS(&req, PREFPEER_A_META))
		return cli_usage("none takes all metadata away: it goes with no other");
	if (!none && !PP_HAS(&req, PREFPEER_A_META))
		return cli_usage(
			"say what to set (map, seq, index, default, idle-time, …), or none");
	return ask_do(PREFPEER_CMD_SA_SET, &req);
}

static void set_help(void)
{
	printf("prefpeer sa set {id N | dst A proto esp|ah spi S [mark V[/M]]} {META | none}\n"
	       "  META :=");
	words_help(words_meta);
	printf("\n");
}

/* ---- clear: `clear crypto sa` of semantics.md §6.7, by the agent --------- */

static int sa_clear(const struct cli *cli, struct args *args)
{
	return show_done(cli, ask_selection(args, "sa-clear"));
}

static void clear_help(void)
{
	printf("prefpeer sa clear [remote A] [map NAME [SEQ]]\n");
}

int cmd_sa(const struct cli *cli, struct args *args)
{
	static const struct command table[] = {
		{ "show", sa_show, show_help, "SAs and their idle clocks" },
		{ "set", sa_set, set_help, "metadata of one SA, in place of any rule's" },
		{ "clear", sa_clear, clear_help, "delete child SAs (agent)" },
		{ 0 },
	};

	return command_dispatch(cli, args, "sa", table);
}
