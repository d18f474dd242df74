/*
 * The things that an errp can be, as data.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ERRP_KINDS_H
#define ERRP_KINDS_H

#include "error-api.h"

enum errp_kind { ERRP_NULL, ERRP_ERR, ERRP_FATAL, ERRP_ABORT, ERRP_SET, ERRP_KINDS };

static const char *const errp_names[ERRP_KINDS] = {"NULL", "&err", "&error_fatal", "&error_abort",
                                                   "a pointer to a set Error"};

/* The errp of this kind; for two of them it is `slot`, empty or set. */
static Error **errp_of(enum errp_kind kind, Error **slot)
{
    Error **const errps[ERRP_KINDS] = {NULL, slot, &error_fatal, &error_abort, slot};

    if (kind == ERRP_SET) {
        error_setg(slot, "an earlier one");
    }
    return errps[kind];
}

#endif /* ERRP_KINDS_H */
