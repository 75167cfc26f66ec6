/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One table cell per attribute: empty when absent, so that its column can go. */
#ifndef PREFPEER_CELLS_H
#define PREFPEER_CELLS_H

#include "prefpeer/cli.h"

void cell_u32(struct table *t, const struct pp_attrs *a, int type); /* any number */
void cell_nonzero(struct table *t, const struct pp_attrs *a, int type);
void cell_addr(struct table *t, const struct addr *addr);
void cell_prefix(struct table *t, const struct pp_attrs *a, enum pp_addr which);
void cell_proto(struct table *t, const struct pp_attrs *a);
void cell_spi(struct table *t, const struct pp_attrs *a);
void cell_dir(struct table *t, const struct pp_attrs *a);
void cell_mark(struct table *t, const struct pp_attrs *a);
void cell_state(struct table *t, const struct pp_attrs *a);
void cell_source(struct table *t, const struct pp_attrs *a); /* "rule 3", "sa" */
void cell_ago(struct table *t, const struct pp_attrs *a, int type, uint64_t now_ns);
void cell_setting(struct table *t, const struct pp_attrs *a, int meta_type);
void cell_bytes(struct table *t, const struct pp_attrs *a);
void cell_meta(struct table *t, const struct pp_attrs *a);
void cell_flags(struct table *t, const struct pp_attrs *a);
void cell_unknown(struct table *t, const struct pp_attrs *a);

/* The list as one JSON array. */
void json_list_out(const struct cli *cli, const struct attr_list *l);
/* A reply that only says ok: all of it with -j, else its note, if any. Takes over @reply. */
int done_out(const struct cli *cli, json_t *reply);

#endif
