# SPDX-License-Identifier: GPL-2.0
#
# Many tunnels between our agent, where the branch is otherwise, and one charon at hub 1
# that has an address for each: it answers to all of them, or it is as many branches,
# and our agent their hub. Source after lib_e2e.sh.

tunnels=${TUNNELS:-50}
lan_base=64 site_base=128 # 10.64.0.0/10 behind our agent, 10.128.0.0/10 behind charon
peer_base=9		  # charon's addresses, 10.9.0.0/16: one for each tunnel
peer_plugins="random nonce openssl kdf kernel-netlink socket-default vici"

# many_networks: what there is beyond e2e's topology
many_networks()
{
	awk -v n="$tunnels" -v p=$peer_base 'BEGIN {
		for (i = 1; i <= n; i++) printf "addr add 10.%d.%d.%d/32 dev lo\n", p, i / 250, i % 250 }' |
		ip -n "$hub1" -batch - &&
	ip -n "$hub1" link set lo up &&
	ip -n "$transit" route add 10.$peer_base.0.0/16 via "$h1" &&
	ip -n "$lan" route add local 10.$lan_base.0.0/10 dev lo &&
	ip -n "$site" route add local 10.$site_base.0.0/10 dev lo &&
	ip -n "$branch" route add 10.$lan_base.0.0/10 via "$lan_host" &&
	ip -n "$hub1" route add 10.$site_base.0.0/10 via "$site_host" &&
	ip -n "$site" route add 10.$lan_base.0.0/10 via 192.168.2.1
}

######## Our agent: a hub for all

# many_hub_conf: a hub with a dynamic map, to $tmp/prefpeer.conf
many_hub_conf()
{
	cat >"$tmp/prefpeer.conf" <<-CONF
	crypto isakmp key $psk address 10.$peer_base.0.0 255.255.0.0
	crypto ikev2 dpd 10 2 periodic
	crypto ipsec transform-set ts esp-gcm 128
	access-list 110 permit ip 10.$lan_base.0.0 0.63.255.255 10.$site_base.0.0 0.63.255.255
	crypto dynamic-map branches 10
	 set transform-set ts
	 match address 110
	crypto map big 65000 ipsec-isakmp dynamic branches
	interface wan0
	 crypto map big
	CONF
	agent_conf_mode
}

######## charon

# many_charon answering|calling. Its table is as wide as its manual asks for a thousand.
many_charon()
{
	mkdir -p "$tmp/hub1"
	# A branch that hears nothing for 10 s asks, and after 16.25 s more it gives up.
	peer_conf hub1 "ikesa_table_size = 1024
		ikesa_table_segments = 16
		retransmit_timeout = 2
		retransmit_base = 1.5
		retransmit_tries = 3" |
		sed -E 's/^([[:space:]]*)(default|knl) = [12]$/\1\2 = 0/; s/half_open_timeout = 5/half_open_timeout = 60/' \
			>"$tmp/hub1/strongswan.conf"
	{ echo "connections {"; "many_$1"; printf '}\nsecrets {\n\tike-any {\n\t\tsecret = "%s"\n\t}\n}\n' "$psk"; } \
		>"$tmp/hub1/swanctl.conf"
	peer_start hub1 "$hub1"
}

# many_connection NAME LOCAL LOCAL_TS REMOTE_TS ACTION [DPD]
many_connection()
{
	cat <<-CONF
	$1 {
		version = 2
		local_addrs = $2
		remote_addrs = $branch_addr
		proposals = aes128gcm16-prfsha256-x25519
		rekey_time = 0
		dpd_delay = ${6:-0s}
		unique = never
		local {
			auth = psk
		}
		remote {
			auth = psk
			id = $branch_addr
		}
		children {
			net {
				local_ts = $3
				remote_ts = $4
				esp_proposals = aes128gcm16
				rekey_time = 0
				start_action = $5
				dpd_action = clear
			}
		}
	}
	CONF
}

# To be called: one connection answers for all; what it takes is narrowed.
many_answering() { many_connection branch 10.$peer_base.0.0/16 10.$site_base.0.0/10 10.$lan_base.0.0/10 none; }

many_calling()
{
	local i at

	for ((i = 1; i <= tunnels; i++)); do
		at=$((i / 250)).$((i % 250))
		many_connection "c$i" "10.$peer_base.$at" "10.$((site_base + i / 250)).$((i % 250)).0/24" \
			10.$lan_base.0.0/10 trap 10s
	done
}

######## What came of it

# all_carry SECONDS FROM_NS FROM_NET TO_NS TO_NET: a packet through each at once, again
# each 0.25 s, to the last that arrives; sets took (s) and lacking
all_carry()
{
	read -r took lacking < <("$python" -B "$selftests_dir/tunnels.py" "$tunnels" "$@")
	[ "$lacking" = 0 ] || fail "$lacking of $tunnels tunnels have carried nothing in $took s"
}

# sent_twice FROM_NS: messages of ours beyond one for each request of a branch, and
# requests of ours again that had been answered
sent_twice()
{
	capture_sync
	wire_log "$1" | awk -v us="$branch_addr" '
		$2 != "ike" { next }
		{ match($0, / ispi=[0-9a-f]+/); id = substr($0, RSTART, RLENGTH)
		  match($0, / exch=[A-Z_]+/); id = id substr($0, RSTART, RLENGTH)
		  match($0, / mid=[0-9]+/); id = id substr($0, RSTART, RLENGTH) }
		$4 == us && / resp=0 / { asked[id]++ }
		$3 == us && / resp=1 / { told[id]++ }
		$4 == us && / resp=1 / { answered[id] = 1 }
		$3 == us && / resp=0 / && answered[id] { n++ }
		END {
			for (id in told) if (told[id] > asked[id]) n += told[id] - asked[id]
			print n + 0 }'
}

# many_in_clear FROM_NS: frames with an inner address, in clear
many_in_clear()
{
	capture_sync
	wire_log "$1" | awk '$2 != "mark" && $2 != "arp" && $2 != "other" &&
		($3 " " $4) ~ /(^| )10\.(6[4-9]|[7-9][0-9]|1[0-8][0-9]|19[01])\./'
}
