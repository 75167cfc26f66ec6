// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <sys/mman.h>

#include "prefpeerd/door.h"

/* Nothing of ours or of our libraries ever asks for these: whoever does is not us. */
static const int deadly[] = {
	/* another program */
	SCMP_SYS(execve), SCMP_SYS(execveat),
	/* another process's memory */
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	/* another view of the system */
	SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	/* the kernel itself */
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
};

static int add_all(scmp_filter_ctx f, uint32_t action, const int *calls, size_t n)
{
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		err = seccomp_rule_add(f, action, calls[i], 0);
	return err;
}

/* No page that can be executed comes in any more. */
static int add_memory(scmp_filter_ctx f)
{
	int err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (!err)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return err;
}

/* Calls of another ABI (i386, x32) would go round the numbers that are looked at. */
static int set_attributes(scmp_filter_ctx f)
{
	int err = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	return err ? err : seccomp_attr_set(f, SCMP_FLTATR_CTL_LOG, 1);
}

static int fill(scmp_filter_ctx f, const struct door *d)
{
	int err = set_attributes(f);

	if (!err)
		err = add_all(f, SCMP_ACT_ALLOW, d->allowed, d->n_allowed);
	if (!err)
		err = add_all(f, SCMP_ACT_KILL_PROCESS, deadly, sizeof(deadly) / sizeof(*deadly));
	if (!err)
		err = add_memory(f);
	return err || !d->limited ? err : d->limited(f);
}

int door_shut(const struct door *d)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = f ? fill(f, d) : -ENOMEM;

	if (!err)
		err = seccomp_load(f);
	seccomp_release(f);
	return err;
}
