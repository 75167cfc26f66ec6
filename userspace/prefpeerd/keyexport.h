/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For looking into what went over the wire, and for nothing else: keys of every IKE
 * SA to a file (`--debug-export-ike-keys FILE`). No configuration can ask for it.
 */
#ifndef PREFPEERD_KEYEXPORT_H
#define PREFPEERD_KEYEXPORT_H

struct engine;
struct keyexport;

/*
 * Makes @path, or appends to it, as who we are now; warns in the log. -EPERM: it is
 * there, and others can read it, or it has other names or another owner.
 * -ELOOP: a symbolic link. Other -errno.
 */
int keyexport_open(const char *path, struct keyexport **out);
/* From now on; @x must live as long as @engine. */
void keyexport_attach(struct keyexport *x, struct engine *engine);
/* NULL is fine. */
void keyexport_close(struct keyexport *x);

#endif
