// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/keyexport.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/log.h"
#include "prefpeerd/engine_ike/engine_ike.h"

#define AREA "keys"

struct keyexport {
	int fd;
};

/* A file that was there before: nobody else's, and nobody else may read it. */
static int check_private(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_mode & 077 || st.st_uid != geteuid() || st.st_nlink != 1)
		return -EPERM;
	return 0;
}

static int open_private(const char *path)
{
	/* O_NONBLOCK: a FIFO fails the check, and does not hang before it. */
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		      0600);
	int err = fd < 0 ? -errno : check_private(fd);

	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

int keyexport_open(const char *path, struct keyexport **out)
{
	struct keyexport *x = malloc(sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->fd = open_private(path);
	if (x->fd < 0) {
		int err = x->fd;

		free(x);
		return err;
	}
	log_warn(AREA, "DEBUGGING: THE KEYS OF EVERY IKE SA ARE WRITTEN TO %s; whoever has them reads, from a capture, all that IKE says; never on a gateway in use",
		 path);
	*out = x;
	return 0;
}

/* One write, so that a reader finds whole lines. */
static void write_line(void *ctx, const char *line)
{
	const struct keyexport *x = ctx;
	const struct iovec parts[] = { { (void *)line, strlen(line) }, { "\n", 1 } };

	if (writev(x->fd, parts, 2) < 0)
		log_warn(AREA, "not written: %s", strerror(errno));
}

void keyexport_attach(struct keyexport *x, struct engine *engine)
{
	engine_ike_export_keys(engine, write_line, x);
}

void keyexport_close(struct keyexport *x)
{
	if (!x)
		return;
	close(x->fd);
	free(x);
}
