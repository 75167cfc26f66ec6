#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# prefpeer import: a branch that strongSwan has run so far, with two hubs in one list, is
# imported; the same hubs accept our agent, and the second one is used for once.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 5

PATH=$(dirname "$prefpeerd"):$PATH

# What such a branch has in /etc/swanctl.
write_swanctl()
{
	cat >"$tmp/swanctl.conf" <<-EOF
	connections {
	    hub {
	        version = 2
	        remote_addrs = $h1, $h2
	        proposals = aes128gcm16-prfsha256-x25519
	        dpd_delay = 10s
	        mobike = no
	        local { auth = psk
	        }
	        remote { auth = psk
	        }
	        children {
	            lan {
	                local_ts = 192.168.1.0/24
	                remote_ts = 192.168.2.0/24
	                esp_proposals = aes128gcm16
	                start_action = trap
	            }
	        }
	    }
	}
	secrets {
	    ike { secret = $psk
	    }
	}
	EOF
}

# imported WORD…
imported()
{
	(umask 077; "$prefpeer" import swanctl "$tmp/swanctl.conf" "$@" >"$tmp/prefpeer.conf" 2>"$tmp/remarks") ||
		fail "$(<"$tmp/remarks")" || return
	agent_conf_mode
}

says_what_was_never_dialled()
{
	e2e_up 2 && write_swanctl || return
	imported interface wan0 || return
	grep -qF "$h2 was never dialled before" "$tmp/remarks" || fail "$(<"$tmp/remarks")" || return
	! grep -qF "$psk" "$tmp/prefpeer.conf" "$tmp/remarks" || fail "the key is printed"
}

checks_without_keys_and_blocks()
{
	"$prefpeerd" -t -f "$tmp/prefpeer.conf" >"$tmp/check.log" 2>&1 || fail "$(<"$tmp/check.log")" || return
	grep -q 'imported 10   blocked' "$tmp/check.log" || fail "$(<"$tmp/check.log")"
}

with_keys_it_is_complete()
{
	imported interface wan0 --secrets || return
	"$prefpeerd" -t -f "$tmp/prefpeer.conf" >"$tmp/check.log" 2>&1 || fail "$(<"$tmp/check.log")" || return
	grep -q 'imported 10   complete' "$tmp/check.log" || fail "$(<"$tmp/check.log")"
}

tunnel_to_the_same_hub()
{
	e2e_agent || return
	flow_listen flow && flow_start flow 10000 || return
	up_with $h1 30 || fail "no SAs with $h1" || return
	wait_for 10 flow_more flow 100 || fail "no traffic through $h1"
}

the_second_is_used_now()
{
	hub_cut 1
	up_with $h2 60 || fail "not on $h2" || return
	wait_for 10 flow_more flow 100 || fail "no traffic through $h2"
}

test_case "it says which peer was never dialled, and no key" says_what_was_never_dialled
test_case "without keys the result is valid, and blocks" checks_without_keys_and_blocks
test_case "with keys it is complete" with_keys_it_is_complete
test_case "traffic flows through the hub it had" tunnel_to_the_same_hub
test_case "and through the second when that dies" the_second_is_used_now
finish
