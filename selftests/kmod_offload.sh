#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: debug
# check: by name; a draft that nobody has seen to pass yet
#
# SAs that a device has taken off the CPU's hands, on netdevsim, which Debian's kernels
# have not: known as such, and in nobody's way when the device goes.

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

modprobe -q netdevsim
[ -e /sys/bus/netdevsim/new_device ] || skip_all "no netdevsim in this kernel: tools/vm/debug-kernel"

plan 3

sim_bus=/sys/bus/netdevsim

sim_up()
{
	echo "7 1" >$sim_bus/new_device || return
	on_exit "echo 7 >$sim_bus/del_device"
	wait_for 10 sim_device
	module_load || return
	sim=$(ls $sim_bus/devices/netdevsim7/net | head -n 1)
	ip addr add 10.77.0.1/24 dev "$sim" && ip link set "$sim" up
}

sim_device() { [ -n "$(ls $sim_bus/devices/netdevsim7/net 2>/dev/null)" ]; }

sim_sa()
{
	ip xfrm state add src 10.77.0.1 dst 10.77.0.$1 proto esp spi $((0x7000 + $1)) reqid 77 mode transport \
		aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128 \
		sel src 10.77.0.1 dst 10.77.0.$1 offload dev "$sim" dir out
}

root_sas_are() { [ "$(root_sas 'o["sa_id"]' | wc -w)" = "$1" ]; }
root_sas() { json_ask objects "$1" "$("$prefpeer" -j sa show reqid 77)" | sort | tr '\n' ' '; }

offloaded_are_flagged()
{
	sim_sa 2 && sim_sa 3 || return
	wait_for 5 root_sas_are 2
	expect "flags" "$(root_sas '"offload" in o.get("flags", []), "unjudgeable" in o.get("flags", [])')" \
		"(True, False) (True, False) "
}

# 6.1 holds the device for as long as anyone holds the SA: kernel.md §1.5 saw 30 s.
device_goes_at_once()
{
	local before

	before=$(now_ns)
	echo 7 >$sim_bus/del_device || return
	between "until the device was gone" $(($(now_ns) - before)) 0 2000000000 &&
	expect "SAs in the kernel" "$(ip xfrm state list | grep -c 'reqid 77')" 0 || return
	wait_for 5 root_sas_are 0
	expect "SAs that are tracked" "$(root_sas 'o["spi"]')" ""
}

test_case "a device, and the module" sim_up || { finish; exit; }
test_case "offloaded SAs are known as such" offloaded_are_flagged
test_case "a device that goes is held up by nothing of ours" device_goes_at_once
finish
