#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Unit test of the module's arithmetic, in user space.

selftests_dir=$(dirname "$(readlink -f "$0")")
exec "${PREFPEER_BUILD:-$selftests_dir/../build}/selftests/kmod_judge"
