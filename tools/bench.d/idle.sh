#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How late idle verdicts are: the module's stamp against the time of the last
# packet as its sender knows it.

. "$(dirname "$(readlink -f "$0")")/../../selftests/lib_kmod.sh"
. "$(dirname "$(readlink -f "$0")")/lib.sh"

pairs=200 port_base=5000 shortest=100 longest=120000

# Idle times that are even on a logarithmic scale, as of pair 1, 2 …
idle_times()
{
	awk -v n=$pairs -v a=$shortest -v b=$longest 'BEGIN {
		for (i = 0; i < n; i++) printf "%d\n", a * exp(log(b / a) * i / (n - 1)) + 0.5 }'
}

# For ip: SAs of pair R at both hosts, and the policy that sends its port there.
batch()
{
	local r

	for ((r = 1; r <= pairs; r++)); do
		echo "xfrm state add src $addr_a dst $addr_b proto esp spi $((0x1000 + r)) reqid $r mode transport auth hmac(sha1) $auth_key enc cipher_null ''"
		echo "xfrm state add src $addr_b dst $addr_a proto esp spi $((0x2000 + r)) reqid $r mode transport auth hmac(sha1) $auth_key enc cipher_null ''"
		[ "$1" = "$b" ] ||
			echo "xfrm policy add dir out src $addr_a dst $addr_b proto udp dport $((port_base + r)) tmpl src $addr_a dst $addr_b proto esp reqid $r mode transport"
	done
}

# verdicts: per pair "T LATE_MS EARLY LAST_USE_MS": late from before the packet was sent, so
# never too little; early against the time after it was sent; and the module's own last use.
verdicts()
{
	events "e.event == 'pair-idle'" reqid stamp_ns last_use_ns slack_ms | awk '
		NR == FNR { t[$1] = $2; before[$1] = $3; after[$1] = $4; next }
		$2 > before[$1] && !seen[$1]++ {
			printf "%d %.3f %d %.3f\n", t[$1], ($2 - before[$1]) / 1e6 - t[$1],
				$2 - after[$1] < t[$1] * 1e6, ($2 - $3) / 1e6 - t[$1] }' "$tmp/sent" -
}

# band NAME LOW HIGH: of those with LOW <= T < HIGH, ms
band()
{
	local n min median p99 max early

	read -r n min median p99 max early < <(
		awk -v lo="$2" -v hi="$3" '$1 >= lo && $1 < hi { print $2, $3 }' "$tmp/verdicts" | sort -n |
		awk '{ v[NR] = $1; early += $2 }
		END { p = int(NR * 0.99 + 0.999); print NR, v[1], v[int((NR + 1) / 2)], v[p], v[NR], early + 0 }')
	[ "${n:-0}" -gt 0 ] || bench_die "no verdicts for $1"
	total=$((total + n)) total_early=$((total_early + early))
	row "$1, idle verdict: min/median/p99/max" "$(printf '%.0f/%.0f/%.0f/%.0f' "$min" "$median" "$p99" "$max")" "ms late" \
		"$n pairs; stamp of pair-idle minus (last send + T), 3 packets each at random moments" \
		"{\"pairs\": $n, \"min_ms\": $min, \"median_ms\": $median, \"p99_ms\": $p99, \"max_ms\": $max, \"early\": $early}"
}

kmod_hosts || bench_die "no hosts"
insmod "$module_ko" || bench_die "no module"
on_exit "rmmod prefpeer"
watch || bench_die "no events"
r=0
for t in $(idle_times); do
	r=$((r + 1))
	pp_a rule add remote $addr_b reqid $r idle-time "${t}ms" >/dev/null || bench_die "no rule"
done
for ns in "$a" "$b"; do
	batch "$ns" >"$tmp/batch"
	ip -n "$ns" -batch "$tmp/batch" || bench_die "no SAs"
done
sleep 1
idle_times | in_ns "$a" "$load" pairs $addr_b $port_base >"$tmp/sent" || bench_die "nothing sent"
sleep $((longest * 9 / 8000 + 10))
verdicts >"$tmp/verdicts"
[ "$(wc -l <"$tmp/verdicts")" = $pairs ] ||
	bench_die "$(wc -l <"$tmp/verdicts") verdicts for $pairs pairs"
total=0 total_early=0
band "T below 1 s" 0 1000
if [ -n "$has_lastused" ]; then
	band "T 1 to 2 s" 1000 2000
	band "T 2 to 120 s" 2000 1000000
else
	band "T 1 to 8 s" 1000 8000
	band "T 8 to 120 s" 8000 1000000
	row "T 8 to 120 s: max, in T" \
		"$(awk '$1 >= 8000 { r = $2 / $1; if (r > m) m = r } END { printf "%.3f", m }' "$tmp/verdicts")" \
		"of T" "the same; without lastused the counters are looked at every T/8"
fi
row "idle verdicts too early" $total_early "of $total" "against the time just after the last packet was sent"
