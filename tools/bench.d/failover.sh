#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Time from a dead hub to traffic on the second, and from idle to home; and
# strongSwan and libreswan with the same two addresses.

. "$(dirname "$(readlink -f "$0")")/../../selftests/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$selftests_dir/lib_pluto.sh"
. "$(dirname "$(readlink -f "$0")")/lib.sh"

watch_s=600 # how long the others may try

flow_passes_since()
{
	tail -n 1 "$tmp/$1.recv" | awk -v t="$2" '{ exit !($1 > t) }'
}

# ours LABEL DPD IDLE_LINE IDLE_MS: one death and one way home.
ours()
{
	local label=$1 cut_ns up_ns first last down sent home flow=flow$((flows += 1))

	e2e_conf "$2" "set peer $h1 default" "set peer $h2" "$3 default"
	e2e_agent || bench_die "no agent"
	flow_listen "$flow" "$site_host" $((5000 + flows)) || bench_die "no listener"
	flow_start "$flow" 10000 0 "$site_host" $((5000 + flows))
	up_with $h1 30 || bench_die "not on $h1"
	wait_for 10 flow_more "$flow" 300 || bench_die "no traffic through $h1"
	cut_ns=$(now_ns)
	hub_cut 1
	up_with $h2 60 || bench_die "not on $h2"
	up_ns=$(state_ns UP $h2)
	wait_for 20 flow_passes_since "$flow" "$up_ns" || bench_die "no traffic through $h2"
	sleep 2
	flow_report "$flow" "$cut_ns"
	capture_sync
	[ "$(init_order "$cut_ns" "$up_ns")" = "$h1 $h2" ] || bench_die "tried: $(init_order "$cut_ns" "$up_ns")"
	row "dead hub to traffic on the second, $label" "$(seconds3 $((gap_to - cut_ns)))" s \
		"hub's packets dropped in transit, 100 packets/s; cut to first packet at the site; crypto ikev2 dpd $2; the dead default is tried once more in between" \
		"{\"gap_ns\": $gap_ns, \"lost\": $lost, \"detected_ns\": $(($(state_ns DOWN) - cut_ns)), \"up_ns\": $((up_ns - cut_ns))}"
	row "dead hub: packets lost, $label" "$lost" "of 100/s" "the same run"

	hub_restore 1
	sleep 3
	flow_stop
	capture_sync
	last=$(last_esp_ns)
	state_await $(($4 / 1000 + 60)) DOWN || bench_die "not down after idle"
	down=$(state_ns DOWN)
	[ "$(state_event DOWN reason)" = idle-default ] || bench_die "down for $(state_event DOWN reason)"
	row "last packet to tear-down, $label" "$(seconds3 $((down - last)))" s "$3 default; $4 ms of it are the timer" \
		"{\"last_ns\": $last, \"down_ns\": $down, \"idle_ms\": $4}"
	sleep 2
	flow_start "${flow}b" 10000 300 "$site_host" $((5000 + flows))
	up_with $h1 30 || bench_die "not home"
	sleep 1
	sent=$(sed -n 's/^first=//p' "$tmp/${flow}b.send")
	home=$(awk -v t="$sent" '$1 > t && $3 >= t { print $1; exit }' "$tmp/$flow.recv")
	[ -n "$home" ] || bench_die "no traffic at home"
	row "idle to home: next packet to traffic on the default, $label" "$(seconds3 $((home - sent)))" s \
		"after that tear-down: first packet sent by the LAN to first at the site through $h1" \
		"{\"sent_ns\": $sent, \"arrived_ns\": $home}"
	flow_stop
	agent_stop || bench_die "the agent does not stop"
	wait_for 30 peer_is_gone $h1
}

# What a strongSwan user would write for the same: both addresses, traps, DPD of 10 s.
strongswan_conf()
{
	mkdir -p "$tmp/branch"
	peer_conf branch >"$tmp/branch/strongswan.conf"
	cat >"$tmp/branch/swanctl.conf" <<-CONF
	connections {
		hub {
			version = 2
			local_addrs = $branch_addr
			remote_addrs = $h1,$h2
			proposals = aes128gcm16-prfsha256-x25519
			rekey_time = 0
			dpd_delay = 10
			keyingtries = 0
			local {
				auth = psk
				id = $branch_addr
			}
			remote {
				auth = psk
				id = %any
			}
			children {
				net {
					local_ts = $lan_net
					remote_ts = $site_net
					esp_proposals = aes128gcm16
					rekey_time = 0
					start_action = trap
					dpd_action = restart
				}
			}
		}
	}
	secrets {
		ike-hub {
			secret = "$psk"
		}
	}
	CONF
}

# other NAME METHOD PORT: what another daemon, which runs on the branch with both
# hubs in its configuration, does once the first is dead.
other()
{
	local name=$1 method=$2 port=$3 flow=other$3 cut_ns end to1 to2 before after

	flow_listen "$flow" "$site_host" "$port" || bench_die "no listener"
	flow_start "$flow" 100000 0 "$site_host" "$port"
	wait_for 30 flow_more "$flow" 20 || bench_die "$name: no traffic through $h1"
	flow_stop
	quiet "$name" "$method"
	before=$(flow_received "$flow")
	flow_start "$flow" 100000 0 "$site_host" "$port"
	wait_for 30 flow_more "$flow" $((before + 20)) || bench_die "$name: no traffic after silence"
	cut_ns=$(now_ns)
	hub_cut 1
	sleep $watch_s
	end=$(now_ns)
	capture_sync
	to1=$(ike_count $h1 "" "$cut_ns" "$end")
	to2=$(wire_count " (ike|esp) $branch_addr $h2 " "$cut_ns" "$end")
	after=$(awk -v t=$((cut_ns + 1000000000)) '$1 > t' "$tmp/$flow.recv" | wc -l)
	row "$name: packets to the second" "$to2" "in $watch_s s" \
		"hub dropped in transit; meanwhile $to1 IKE requests to the dead one" \
		"{\"to_first\": $to1, \"to_second\": $to2, \"arrived\": $after, \"watched_s\": $watch_s}"
	row "$name: packets at the site after the cut" "$after" "of $((watch_s * 10))" "the same run, 10 packets/s"
	# The second would have answered: the same flow reaches the site once the first is back.
	hub_restore 1
	before=$(flow_received "$flow")
	wait_for 400 flow_more "$flow" $((before + 20)) || bench_die "$name: nothing even with $h1 back"
	row "$name: control, $h1 back" "$(($(flow_received "$flow") - before))" packets \
		"the same daemon and flow work again once the first hub is back; 10 packets/s"
	flow_stop
}

branch_flush()
{
	in_ns "$branch" ip xfrm policy flush
	in_ns "$branch" ip xfrm state flush
}

strongswan()
{
	rm -rf "$tmp/agent.sock"
	branch_flush
	strongswan_conf
	peer_start branch "$branch" || bench_die "no charon"
	other "strongSwan, two remote_addrs" \
		"charon $(strongswan_version), remote_addrs = $h1,$h2, trap, dpd_delay 10 s, dpd_action restart, keyingtries 0" 5900
	peer_stop branch || bench_die "charon does not stop"
}

# libreswan has no list: a connection for each hub, the same subnets.
libreswan_connection()
{
	cat <<-CONF
	conn $1
	  left=$branch_addr
	  leftsubnet=$lan_net
	  right=$2
	  rightsubnet=$site_net
	  authby=secret
	  ikev2=insist
	  ike=aes_gcm128-sha2_256-dh31
	  esp=aes_gcm128
	  leftupdown=/bin/true
	  dpddelay=10
	  dpdaction=restart
	  rekey=no
	  auto=ondemand

	CONF
}

libreswan()
{
	local refused

	branch_flush
	mkdir -p "$tmp/pluto"
	printf 'config setup\n\n%s\n\n%s\n' "$(libreswan_connection hub1 $h1)" \
		"$(libreswan_connection hub2 $h2)" >"$tmp/pluto/ipsec.conf"
	echo ": PSK \"$psk\"" >"$tmp/pluto/ipsec.secrets"
	pluto_start pluto "$branch" && pluto_add pluto hub1 hub2 || bench_die "no pluto"
	whack_of pluto --route --name hub1 >/dev/null || bench_die "pluto does not route hub1"
	refused=$(whack_of pluto --route --name hub2 2>&1)
	other "libreswan, two connections" \
		"pluto $(pluto_version), hub1 and hub2 with the same subnets, auto=ondemand, dpddelay 10 s, dpdaction restart; of the second it says: $(sed 's/^[0-9]* //; s/"//g' <<<"$refused" | tail -n 1)" 5901
}

strongswan_version()
{
	dpkg-query -W -f '${Version}' charon-systemd | sed 's/-.*//'
}

flows=0
e2e_up 2 || bench_die "no topology"
ours "dpd 10 2 periodic" "10 2 periodic" "set security-association idle-time 60" 60000
ours "dpd ms 100 20 periodic" "milliseconds 100 20 periodic" "set security-association idle-time milliseconds 500" 500
strongswan
libreswan
