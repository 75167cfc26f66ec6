# SPDX-License-Identifier: GPL-2.0
#
# JSON, read by one interpreter that lives as long as the test: on an emulated
# processor the start of jq or python3 takes longer than most of what is tested.
# One question at a time: not from two processes at once. Sourced by lib.sh.

coproc JSON { exec $python -I -S "$selftests_dir/json_reader.py"; }
# Subshells do not inherit a coprocess's own descriptors.
exec {json_to}>&"${JSON[1]}" {json_from}<&"${JSON[0]}"
on_exit "kill $JSON_PID"

# json_ask VERB ARGUMENT…: prints the answer; 1, with the reason, if there is none.
# An answer bears its question's number: one that nobody waited for is not the next one's.
# A subshell's counter is its own, so the number is drawn.
json_ask()
{
	local answer= number=$SRANDOM

	printf '%s\0' "$number" $# "$@" >&"$json_to"
	until [ "${answer%% *}" = "$number" ]; do
		IFS= read -r -d '' answer <&"$json_from" ||
			fail "json_reader.py is gone" >&2 || return
	done
	answer=${answer#* }
	[ "${answer:0:1}" = 0 ] || fail "${answer:1}" >&2 || return
	[ -z "${answer:1}" ] || echo "${answer:1}"
}

# json_value PYTHON TEXT: of the document d, whose first object is o
json_value() { json_ask value "$@"; }

# json_log PYTHON FILE: of the list l of the file's lines
json_log() { json_ask log "$@"; }

# json_is PYTHON TEXT: it is true
json_is() { [ "$(json_value "bool($1)" "$2")" = true ]; }
