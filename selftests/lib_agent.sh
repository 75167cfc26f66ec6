# SPDX-License-Identifier: GPL-2.0
#
# Our module, agent and command line. Sourced by lib.sh.

# What is built here, else what is installed.
built_or_installed()
{
	if [ -e "$build_dir/$1" ]; then echo "$build_dir/$1"; else command -v "$1" || echo "$build_dir/$1"; fi
}

prefpeerd=$(built_or_installed prefpeerd)
prefpeer=$(built_or_installed prefpeer)
module_ko=$build_dir/kmod-$(uname -r)/prefpeer.ko
[ -e "$module_ko" ] || module_ko=$(modinfo -n prefpeer 2>/dev/null || echo "$module_ko")
agent_pid= monitor_pid= agent_remembers=

######## The module

# module_need: skips the whole test where the module is not built.
module_need()
{
	[ -e "$module_ko" ] || skip_all "no module for $(uname -r): make modules-all"
}

# module_load [PARAMETER=VALUE…]
module_load()
{
	local dep

	[ -e "$module_ko" ] || fail "no $module_ko: make modules-all" || return
	for dep in $(modinfo -F depends "$module_ko" | tr ',' ' '); do
		modprobe -q "$dep" || fail "cannot load $dep" || return
	done
	insmod "$module_ko" "$@" || fail "insmod prefpeer: $(dmesg | tail -n 3)" || return
	on_exit "rmmod prefpeer"
}

module_loaded()
{
	[ -d /sys/module/prefpeer ]
}

# module_unload [SECONDS]: a dump in flight may hold a reference for a moment.
module_unload()
{
	wait_for "${1:-10}" rmmod prefpeer || fail "rmmod prefpeer: $(rmmod prefpeer 2>&1)"
}

######## The agent

# The process of the agent that holds the private keys.
signer_pid() { pgrep -P "$agent_pid" -x prefpeerd-keys; }

# agent_need: skips the whole test where agent or command line is not built.
agent_need()
{
	[ -x "$prefpeerd" ] && [ -x "$prefpeer" ] || skip_all "no agent: make userspace"
}

# agent_conf [LINES of the entry…]: the founding document's map with what it
# leaves out, to $tmp/prefpeer.conf. Standard input, if not a terminal and not
# empty, is appended.
agent_conf()
{
	local line

	{
		agent_conf_keys
		echo "crypto ipsec transform-set ts esp-gcm 128"
		echo "access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255"
		echo "crypto map tohub 1 ipsec-isakmp"
		for line in "$@"; do
			echo " $line"
		done
		echo " set transform-set ts"
		echo " match address 101"
		echo "interface wan0"
		echo " crypto map tohub"
	} >"$tmp/prefpeer.conf"
	agent_conf_mode
}

agent_conf_keys()
{
	local n

	for n in 1 2 3; do
		echo "crypto isakmp key $psk address $(hub_addr $n)"
	done
}

# Keys are in it: one that the world may read is refused.
agent_conf_mode()
{
	chmod 0640 "$tmp/prefpeer.conf"
	chmod 0755 "$tmp"
	! getent group prefpeer >/dev/null || chgrp prefpeer "$tmp/prefpeer.conf"
}

# agent_start [ARGUMENTS…]: until it says READY=1. Log: $tmp/agent.log
agent_start()
{
	# A test looks for what this run tells: the monitor begins with the history, which
	# outlives an agent. $agent_remembers: it is what the test is about.
	[ -n "$agent_remembers" ] || rm -f /var/lib/prefpeer/*history*
	agent_pid=$("$udpflow" notify "$tmp/agent.notify" 60 ip netns exec "$branch" \
		"$prefpeerd" -f "$tmp/prefpeer.conf" "$@" 2>>"$tmp/agent.log") ||
		fail "prefpeerd did not start: $(tail -n 8 "$tmp/agent.log")" || return
	on_exit "kill -KILL $agent_pid"
}

agent_gone()
{
	[ ! -d "/proc/$agent_pid" ]
}

agent_stop()
{
	kill -TERM "$agent_pid" && wait_for 30 agent_gone || fail "prefpeerd does not end on SIGTERM"
}

agent_kill()
{
	kill -KILL "$agent_pid" && wait_for 10 agent_gone
}

agent_reload()
{
	kill -HUP "$agent_pid"
}

# pp ARGUMENTS…: the command line, in the branch.
pp()
{
	in_ns "$branch" "$prefpeer" "$@"
}

######## Another agent, elsewhere: its files are $tmp/NAME.conf, .control, .state, .log

# other_conf NAME GLOBALS WHAT…: an entry towards the branch, for `permit ip WHAT`
# each. GLOBALS: lines before it, or nothing.
other_conf()
{
	local what

	{
		echo "crypto isakmp key $psk address $branch_addr"
		[ -z "$2" ] || echo "$2"
		echo "crypto ipsec transform-set ts esp-gcm 128"
		for what in "${@:3}"; do
			echo "access-list 101 permit ip $what"
		done
		echo "crypto map tobranch 1 ipsec-isakmp"
		echo " set peer $branch_addr"
		echo " set transform-set ts"
		echo " match address 101"
		echo "interface wan0"
		echo " crypto map tobranch"
	} >"$tmp/$1.conf"
	chmod 0640 "$tmp/$1.conf" && chgrp prefpeer "$tmp/$1.conf"
}

# other_start NAME NS [ARGUMENTS…]: its pid in $other_pid
other_pid=
other_start()
{
	other_pid=$("$udpflow" notify "$tmp/$1.notify" 60 ip netns exec "$2" "$prefpeerd" \
		-f "$tmp/$1.conf" --control "$tmp/$1.control" --state "$tmp/$1.state" "${@:3}" \
		2>>"$tmp/$1.log") ||
		fail "prefpeerd of $1 did not start: $(tail -n 8 "$tmp/$1.log")" || return
	on_exit "kill -KILL $other_pid"
}

# monitor_start [ARGUMENTS…]: `prefpeer -j monitor` to $tmp/monitor.log. With what
# was before it: under traffic an agent is up before a monitor can have started.
monitor_start()
{
	bg "$tmp/monitor.log" ip netns exec "$branch" "$prefpeer" -j monitor history "$@"
	monitor_pid=$bg_pid
}

# monitor_has PATTERN: an event (one JSON object per line) matches.
monitor_has()
{
	grep -qE "$1" "$tmp/monitor.log"
}

# peer_is_up ADDRESS: a pair of SAs with it is in the branch's SAD.
peer_is_up()
{
	sa_up "$branch" "$branch_addr" "$1"
}

peer_is_gone()
{
	sa_none "$branch" "$branch_addr" "$1"
}

show_agent()
{
	[ ! -s "$tmp/agent.log" ] || diag "prefpeerd, the last of its log:" \
		"$(tail -n 25 "$tmp/agent.log")"
	[ -z "$agent_pid" ] || agent_gone || diag "$(pp map show 2>&1)"
}
