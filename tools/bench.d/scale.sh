#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One branch with many entries of one line each: start, reload, map show,
# memory; and whether a tenth of them costs a tenth.

. "$(dirname "$(readlink -f "$0")")/../../selftests/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$(dirname "$(readlink -f "$0")")/lib.sh"

few=100 many=1000

# conf ENTRIES [CHANGED]: with CHANGED, that entry protects another network.
conf()
{
	{
		agent_conf_keys
		echo "crypto ikev2 dpd 10 2 periodic"
		echo "crypto ipsec transform-set ts esp-gcm 128"
		awk -v n="$1" -v changed="${2:-0}" -v h1=$h1 -v h2=$h2 'BEGIN {
			for (i = 1; i <= n; i++) {
				a = int(i / 250); b = i % 250
				printf "ip access-list extended L%d\n", i
				printf " permit ip 172.%d.%d.0 0.0.0.255 10.%d.%d.0 0.0.0.255\n",
					16 + a, b, (i == changed ? 200 : 100) + a, b
				printf "crypto map big %d ipsec-isakmp\n set peer %s default\n set peer %s\n", i, h1, h2
				printf " set security-association idle-time 120 default\n set transform-set ts\n match address L%d\n", i
			}
			printf "interface wan0\n crypto map big\n" }'
	} >"$tmp/prefpeer.conf"
	agent_conf_mode
}

rss_kib() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$agent_pid/status"; }

# reload_cost: sets cost, nanoseconds of the agent's CPU for one reload
reload_cost()
{
	local before

	before=$(cpu_ns "$agent_pid")
	pp reload >"$tmp/reload.out" 2>&1 || bench_die "reload: $(tail -n 3 "$tmp/reload.out")"
	sleep 2
	cost=$(($(cpu_ns "$agent_pid") - before))
}

# line_cost: sets cost, the same for one line of configuration, of the two that are typed
line_cost()
{
	local before

	before=$(cpu_ns "$agent_pid")
	printf '%s\n' enable "configure terminal" "crypto map big 7" "no description" |
		pp shell >"$tmp/shell.out" 2>&1 || bench_die "shell: $(tail -n 3 "$tmp/shell.out")"
	sleep 2
	cost=$((($(cpu_ns "$agent_pid") - before) / 2))
}

# measure ENTRIES: sets started reload edit typed shown rss policies
measure()
{
	local before

	conf "$1"
	e2e_agent || bench_die "no agent"
	sleep 5
	started=$(cpu_ns "$agent_pid")
	policies=$(in_ns "$branch" ip xfrm policy count | grep -o 'OUT  *[0-9]*' | grep -o '[0-9]*')
	before=$(cpu_ns "$agent_pid")
	[ "$(pp -j map show | jq length)" = "$1" ] || bench_die "map show does not show $1 entries"
	sleep 1
	shown=$(($(cpu_ns "$agent_pid") - before))
	reload_cost
	reload=$cost
	conf "$1" 7
	reload_cost
	edit=$cost
	line_cost
	typed=$cost
	rss=$(rss_kib)
	agent_stop || bench_die "the agent does not stop"
	in_ns "$branch" "$prefpeerd" --flush >/dev/null 2>&1
}

per() { awk -v a="$1" -v n="$2" 'BEGIN { printf "%.0f", a / n / 1000 }'; }

# both WHAT FEW MANY METHOD: thousands of instructions per entry, and the growth
both()
{
	row "$1" "$(per "$3" $many)" "1,000 instr. per entry" "$4; $many entries of one line, two peers" \
		"{\"few\": $few, \"few_ns\": $2, \"many\": $many, \"many_ns\": $3}"
	row "$1, $many entries / $few" "$(ratio "$(per "$3" $many)" "$(per "$2" $few)" 2)" ratio "the same per entry; 1 is linear"
}

e2e_up 1 || bench_die "no topology"
measure $few
few_all=("$started" "$reload" "$edit" "$shown" "$typed") few_rss=$rss
measure $many
both "agent's start" "${few_all[0]}" "$started" "CPU of prefpeerd from exec to READY=1 and 5 s on: $policies out policies in the kernel"
both "reload, nothing changed" "${few_all[1]}" "$reload" "prefpeer reload"
both "reload, one line changed" "${few_all[2]}" "$edit" "prefpeer reload"
both "a line of configuration typed, agent's part" "${few_all[4]}" "$typed" "prefpeer shell: the whole is read and checked with it"
row "a line typed / a reload" "$(ratio "$typed" "$reload" 2)" ratio "$many entries"
both "map show -j, agent's part" "${few_all[3]}" "$shown" "one request on the control socket"
row "memory of the agent" "$(awk -v a="$rss" -v b="$few_rss" -v n=$((many - few)) 'BEGIN { printf "%.1f", (a - b) / n }')" \
	"KiB per entry" "resident, $many entries against $few" "{\"few_kib\": $few_rss, \"many_kib\": $rss}"
