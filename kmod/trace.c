// SPDX-License-Identifier: GPL-2.0
/* The tracepoints' bodies: once in the module. */
#define CREATE_TRACE_POINTS
#include "trace.h"
