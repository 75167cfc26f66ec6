/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to spd/. */
#ifndef SPD_IMPL_H
#define SPD_IMPL_H

#include "prefpeerd/spd/spd.h"

#define SPD_PRIORITY_STEP 256u /* room for selectors that a reload inserts */

/* Its line, which is the caller's; NULL without memory. */
struct spd_line *spd_branch_line(const struct spd_branch *b);
/* As the configuration has it. */
struct sa_kind spd_entry_kind(const struct map_entry *e);
/* The selector of `in` and `fwd`: reversed, but ICMP's type and code stay where they are. */
struct selector spd_inbound(const struct selector *out);
/* Action and template from the line as it stands now; of a policy without a line nothing changes. */
void spd_policy_fill(struct spd_policy *p);
bool spd_policy_is_ours(const struct kernel_policy *p);

#endif
