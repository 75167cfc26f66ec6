# SPDX-License-Identifier: GPL-2.0-or-later
#
# Faults in a kernel log; sourced.

# Exact headers of the kernel's reports, never any line with the word.
klog_headers='WARNING: CPU: [0-9]|WARNING: possible |WARNING: suspicious RCU
WARNING: inconsistent lock|WARNING: held lock|WARNING: kmemleak
BUG: |Oops: |Oops\[|KASAN: |KCSAN: |UBSAN: |Internal error: |Kernel panic
general protection fault|kernel BUG at |Unable to handle kernel
INFO: task .* blocked for more than|INFO: rcu_.* (self-)?detected|rcu: INFO: .*stall
refcount_t: |list_(add|del) corruption|unreferenced object 0x|ODEBUG: |DEBUG_LOCKS_WARN_ON
possible circular locking|possible recursive locking|unregister_netdevice: waiting for'

# klog_fault FILE…: prints the first report of a file that has one, with its
# surroundings; 1 if none has.
klog_fault()
{
	local re file line

	re=$(echo "$klog_headers" | paste -sd '|')
	re="^(<[0-9]+>)?(\[ *[0-9.]+\](\[ *[TC][0-9]+\])? )?[a-z_: ]{0,20}($re)"
	for file in "$@"; do
		[ -f "$file" ] || continue
		line=$(tr -d '\r' <"$file" | grep -anE -m 1 "$re") || continue
		line=${line%%:*}
		echo "--- kernel log"
		tr -d '\r' <"$file" | sed -n "$((line > 8 ? line - 8 : 1)),$((line + 60))p"
		echo "---"
		return 0
	done
	return 1
}

# klog_refused FILE: prints the system calls that a seccomp filter refused (audit's
# type 1326); 1 if there is none.
klog_refused() { tr -d '\r' <"$1" | grep -aE '^(<[0-9]+>)?(\[ *[0-9.]+\](\[ *[TC][0-9]+\])? )?audit: type=1326 '; }
