# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the sections of the benchmark share. Sourced in the guest; a section
# leaves its rows in /out/SECTION.rows, one JSON object each.

bench_dir=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
bench_section=$(basename "$0" .sh)
load=$bench_dir/../../build/selftests/bench_load
wire_netlink=$bench_dir/netlink_count.py

# row WHAT VALUE UNIT METHOD [JSON]: one measurement. JSON: the numbers that it
# was made of.
row()
{
	jq -nc --arg section "$bench_section" --arg what "$1" --arg value "$2" --arg unit "$3" \
		--arg method "$4" --arg kernel "$(uname -r)" --argjson detail "${5:-{\}}" '
		{section: $section, kernel: $kernel, what: $what,
		 value: ($value | tonumber? // $value), unit: $unit, method: $method, detail: $detail}' \
		>>"/out/$bench_section.rows" || bench_die "no row: $*"
}

bench_die()
{
	echo "bench: $bench_section: $*" >&2
	show_state >&2
	exit 1
}

# ratio A B [DIGITS]: A / B
ratio()
{
	awk -v a="$1" -v b="$2" -v d="${3:-4}" 'BEGIN { printf "%." d "f", a / b }'
}

# median VALUE…
median()
{
	printf '%s\n' "$@" | sort -n |
		awk '{ v[NR] = $1 } END { m = int((NR + 1) / 2); print NR % 2 ? v[m] : (v[m] + v[m + 1]) / 2 }'
}

# json_list VALUE…: of numbers
json_list()
{
	local IFS=,

	echo "[$*]"
}

# seconds3 NANOSECONDS
seconds3() { seconds_ns "$1"; }

# cpu_ns PID: CPU time of all its threads, exact while it sleeps.
cpu_ns()
{
	cat "/proc/$1/task"/*/schedstat | awk '{ n += $1 } END { printf "%.0f", n }'
}

######## What is asked of every daemon

counted_s=60 # keepalives are counted over this, and told per hour

sas() { ip -n "$branch" xfrm state list | grep -c "^src"; }

# keepalives FROM TO: frames on the branch's WAN per hour, without user traffic
keepalives()
{
	capture_sync
	echo $(($(wire_count " (ike|esp) " "$1" "$2") * 3600 / counted_s))
}

# quiet LABEL METHOD: nothing from the LAN; SAs held and frames sent meanwhile
quiet()
{
	local from to

	from=$(now_ns)
	sleep $counted_s
	to=$(now_ns)
	row "$1: frames on the WAN without user traffic" "$(keepalives "$from" "$to")" "per hour" \
		"$2; both directions, counted over $counted_s s"
	row "$1: SAs held meanwhile" "$(sas)" SAs "the same time, the branch's SAD"
}
