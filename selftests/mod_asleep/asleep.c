// SPDX-License-Identifier: GPL-2.0
/*
 * What a suspend does to the clocks, without a suspend: boottime and the wall
 * clock run ahead of the monotonic clock, as the RTC's resume has it. A virtual
 * machine whose root comes over 9p does not survive a real one.
 *
 * The function is not exported; a kprobe knows where it is.
 */

#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/time64.h>

static unsigned int seconds;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "how long the machine is to have slept");

static int __init asleep_init(void)
{
	const struct timespec64 delta = { .tv_sec = seconds };
	struct kprobe kp = { .symbol_name = "timekeeping_inject_sleeptime64" };
	void (*inject)(const struct timespec64 *delta);
	int err;

	err = register_kprobe(&kp);
	if (err)
		return err;
	inject = (void *)kp.addr;
	unregister_kprobe(&kp);
	inject(&delta);
	return 0;
}

static void __exit asleep_exit(void)
{
}

module_init(asleep_init);
module_exit(asleep_exit);
MODULE_DESCRIPTION("clocks as after a suspend, for a selftest of prefpeer");
MODULE_LICENSE("GPL");
