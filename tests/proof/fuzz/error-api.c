/*
 * Fuzz target: the Error API, and a failing qemu_fork(), called in arbitrary sequences and compared with a simple
 * model.
 *
 * The bytes of an input are a program: which function, on which of four variables or on NULL, &error_abort or
 * &error_fatal, with which text. After each call every variable is compared with the model, and errno must be what it
 * was. A call that ends the process is made in a child, whose end and output are compared. At the end everything is
 * freed, and no memory may be left.
 *
 * The linker puts the functions named __wrap_… between the library and libc (--wrap). They record what is written,
 * count allocations, and make fork(), pthread_sigmask(), malloc() and write() fail when asked to.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

enum { SLOTS = 4, ARENA = 1 << 18 };

/* The numbers of an errp beyond the variables. */
enum { TO_NULL = SLOTS, TO_ABORT, TO_FATAL, DESTINATIONS };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- Between the library and libc ---- */

void *__real_malloc(size_t size);
void __real_free(void *memory);
ssize_t __real_write(int fd, const void *bytes, size_t n);
void __real_abort(void) __attribute__((__noreturn__));
void __real_exit(int status) __attribute__((__noreturn__));
pid_t __real_fork(void);
int __real_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
void *__wrap_malloc(size_t size);
void __wrap_free(void *memory);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);
void __wrap_abort(void) __attribute__((__noreturn__));
void __wrap_exit(int status) __attribute__((__noreturn__));
pid_t __wrap_fork(void);
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);

/* How the process is to end: what the model says. */
enum ending { GOES_ON, ABORTS, EXITS };

static struct {
    bool on;             /* within a call into the library */
    long allocated;      /* pieces of memory */
    int malloc_fails_in; /* 0: not; 1: the next one */
    char written[ARENA];
    size_t n_written;
    int short_writes; /* 1: one byte at a time; 2: interrupted first; 3: refused */
    bool interrupted;
    int fork_errno, sigmask_errno;
} world;

static enum ending expected_ending;
static char expected_text[ARENA];
static const char *expected_middle; /* NULL, or what stands before and after a line number in the text */
static bool memory_is_short;
static int operation;

__attribute__((__format__(__printf__, 1, 2), __noreturn__)) static void fail(const char *fmt, ...)
{
    char text[4096];
    va_list ap;
    int n;

    world.on = false;
    n = snprintf(text, sizeof(text), "VIOLATION: operation %d: ", operation);
    va_start(ap, fmt);
    vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
    va_end(ap);
    dprintf(2, "%s\n", text);
    __real_abort();
}

void *__wrap_malloc(size_t size)
{
    if (world.on) {
        if (world.malloc_fails_in > 0 && --world.malloc_fails_in == 0) {
            errno = ENOMEM;
            return NULL;
        }
        world.allocated++;
    }
    return __real_malloc(size);
}

void __wrap_free(void *memory)
{
    world.allocated -= world.on && memory;
    __real_free(memory);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
    if (!world.on) {
        return __real_write(fd, bytes, n);
    }
    if (fd != 2) {
        fail("a write to descriptor %d", fd);
    }
    if (world.short_writes == 3) {
        errno = EBADF;
        return -1;
    }
    if (world.short_writes == 2 && !world.interrupted) {
        world.interrupted = true;
        errno = EINTR;
        return -1;
    }
    if (world.short_writes == 1 && n > 1) {
        n = 1;
    }
    if (n > sizeof(world.written) - world.n_written) {
        fail("too much is written");
    }
    memcpy(world.written + world.n_written, bytes, n);
    world.n_written += n;
    errno = EDOM; /* a write that succeeds may change errno */
    return (ssize_t)n;
}

/* Whether what was written is what the model says. */
static bool text_is_expected(void)
{
    size_t n = strlen(expected_text);

    if (world.short_writes == 3) {
        return world.n_written == 0;
    }
    if (expected_middle) {
        size_t m = strlen(expected_middle);

        return world.n_written > n + m && memcmp(world.written, expected_text, n) == 0 &&
               memcmp(world.written + world.n_written - m, expected_middle, m) == 0;
    }
    return world.n_written == n && memcmp(world.written, expected_text, n) == 0;
}

static void require_text(void)
{
    if (!text_is_expected()) {
        fail("wrote \"%.*s\", and should have written \"%s\"", (int)world.n_written, world.written, expected_text);
    }
}

/* The end of a child. */
static void end(enum ending how, int status)
{
    if (!world.on) {
        return;
    }
    if (how != expected_ending || (how == EXITS && status != 1)) {
        fail("it ended by %s(), status %d; written: \"%.*s\"", how == ABORTS ? "abort" : "exit", status,
             (int)world.n_written, world.written);
    }
    require_text();
    _exit(0);
}

void __wrap_abort(void)
{
    end(ABORTS, 0);
    __real_abort();
}

void __wrap_exit(int status)
{
    end(EXITS, status);
    __real_exit(status);
}

pid_t __wrap_fork(void)
{
    if (world.on && world.fork_errno) {
        errno = world.fork_errno;
        return -1;
    }
    return __real_fork();
}

int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    return world.on && world.sigmask_errno ? world.sigmask_errno : __real_pthread_sigmask(how, set, old);
}

/* ---- The model ---- */

struct model {
    bool set;
    char *message, *hint;
    int class;
    const char *src, *func;
    int line;
};

static Error *variable[SLOTS];
static struct model model[SLOTS];

static char arena[ARENA];
static size_t arena_used;

/* Texts of the model live until the end of the input. */
static char *join(const char *a, const char *b, const char *c)
{
    size_t n = strlen(a) + strlen(b) + strlen(c) + 1;
    char *text = arena + arena_used;

    if (n > sizeof(arena) / 2 - arena_used) {
        return NULL;
    }
    arena_used += n;
    return strcat(strcat(strcpy(text, a), b), c);
}

static const char *cause(int os_errno)
{
    static char text[256];

    if (os_errno == 0) {
        return "";
    }
    snprintf(text, sizeof(text), ": %s", strerror(os_errno));
    return text;
}

/* ---- The input ---- */

static const uint8_t *input;
static size_t input_left;

static unsigned next_byte(void)
{
    if (input_left == 0) {
        return 0;
    }
    input_left--;
    return *input++;
}

/* Any bytes but NUL. Most are short. */
static const char *next_text(void)
{
    static char texts[4][600];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    size_t n = next_byte();

    n = n < 250 ? n % 12 : (n - 249) * 90;
    for (size_t i = 0; i < n; i++) {
        unsigned byte = next_byte();

        text[i] = byte ? (char)byte : '%';
    }
    text[n] = '\0';
    return text;
}

static int next_errno(void)
{
    static const int some[] = {0, EPERM, EAGAIN, ENOMEM, EINVAL, ENOSYS, 41, 133, 9999, -1, INT_MAX, INT_MIN};

    return some[next_byte() % (sizeof(some) / sizeof(some[0]))];
}

static int next_line(void)
{
    static const int some[] = {1, 0, 9, 10, 4711, INT_MAX, -1, INT_MIN};

    return some[next_byte() % (sizeof(some) / sizeof(some[0]))];
}

static Error **errp_of(unsigned to)
{
    return to < SLOTS ? &variable[to] : to == TO_NULL ? NULL : to == TO_ABORT ? &error_abort : &error_fatal;
}

/* ---- One call ---- */

struct call {
    unsigned kind, to, from, variant;
    const char *text, *more;
    int os_errno, line, class;
    int seen_errno; /* out: errno after it */
    int result;     /* out: of qemu_fork() */
};

static void guarded(Error **errp, const struct call *call)
{
    ERRP_GUARD();
    error_setg_errno_internal(errp, "guarded.c", call->line, "guarded", call->os_errno, "%s", call->text);
    if (!*errp) {
        fail("ERRP_GUARD() leaves an errp that cannot be looked at");
    }
    error_append_hint(errp, "%s", call->more);
    error_prepend(errp, "%s", "in a guard: ");
}

enum kind { SET, PREPEND, HINT, PROPAGATE, PROPAGATE_PREPEND, COPY, FREE, FREE_OR_ABORT, REPORT, GUARD, FORK, KINDS };

static void perform(struct call *call)
{
    Error **errp = errp_of(call->to);
    Error *from = call->from < SLOTS ? variable[call->from] : NULL;
    const char *text = call->text;

    errno = ERANGE;
    world.on = true;
    switch (call->kind) {
    case SET:
        switch (call->variant) {
        case 0:
            error_setg_internal(errp, "set.c", call->line, "set", "%s", text);
            break;
        case 1:
            error_setg_errno_internal(errp, "set.c", call->line, "set", call->os_errno, "%.*s%s%%", 3, text,
                                      call->more);
            break;
        case 2:
            error_set_internal(errp, "set.c", call->line, "set", (ErrorClass)call->class, "%s-%d", text, call->line);
            break;
        default:
            error_setg_file_open_internal(errp, "set.c", call->line, "set", call->os_errno, text);
        }
        break;
    case PREPEND:
        error_prepend(errp, "%s", text);
        break;
    case HINT:
        error_append_hint(errp, "%s%c", text, '\n');
        break;
    case PROPAGATE:
        error_propagate(errp, from);
        break;
    case PROPAGATE_PREPEND:
        error_propagate_prepend(errp, from, "%s", text);
        break;
    case COPY:
        *errp = error_copy(from);
        break;
    case FREE:
        error_free(from);
        break;
    case FREE_OR_ABORT:
        error_free_or_abort(errp);
        break;
    case REPORT:
        switch (call->variant) {
        case 0:
            error_report_err(from);
            break;
        case 1:
            warn_report_err(from);
            break;
        case 2:
            error_reportf_err(from, "%s", text);
            break;
        default:
            warn_reportf_err(from, "%s", text);
        }
        break;
    case GUARD:
        guarded(errp, call);
        break;
    default:
        call->result = (int)qemu_fork(errp);
    }
    world.on = false;
    call->seen_errno = errno;
}

/* A new error arrives at `to`, as the model has it: where it goes, or how the process ends. */
static bool arrive(unsigned to, const struct model *new, bool propagated)
{
    expected_text[0] = '\0';
    if (to == TO_NULL) {
        return true;
    }
    if (to == TO_ABORT) {
        expected_ending = ABORTS;
        if (new->line == INT_MAX && strcmp(new->func, "qemu_fork") == 0) {
            /* The function and line within the library do not matter. */
            static char rest[ARENA];

            snprintf(expected_text, sizeof(expected_text), "Unexpected error in %s() at ", new->func);
            snprintf(rest, sizeof(rest), ":\n%s\n%s", new->message, new->hint);
            expected_middle = rest;
        } else {
            snprintf(expected_text, sizeof(expected_text), "Unexpected error in %s() at %s:%d:\n%s\n%s", new->func,
                     new->src, new->line, new->message, new->hint);
        }
        return true;
    }
    if (to == TO_FATAL) {
        expected_ending = EXITS;
        snprintf(expected_text, sizeof(expected_text), "%s\n%s", new->message, new->hint);
        return true;
    }
    if (!model[to].set) {
        model[to] = *new;
        return true;
    }
    if (!propagated) {
        expected_ending = ABORTS;
        snprintf(expected_text, sizeof(expected_text),
                 "errp already points to an error, \"%s\", so this one cannot be set: %s\n", model[to].message,
                 new->message);
    }
    return true;
}

static void misuse(const char *text)
{
    expected_ending = ABORTS;
    snprintf(expected_text, sizeof(expected_text), "%s", text);
}

/* What the call must do, done to the model. False: it is not allowed, or the model is full; leave it out. */
static bool predict(const struct call *call)
{
    struct model *to = call->to < SLOTS ? &model[call->to] : NULL;
    struct model *from = call->from < SLOTS ? &model[call->from] : NULL;
    struct model new = {.set = true, .hint = (char *)"", .src = "set.c", .func = "set", .line = call->line};
    char buffer[1400];

    expected_ending = GOES_ON;
    expected_text[0] = '\0';
    expected_middle = NULL;
    switch (call->kind) {
    case SET:
        switch (call->variant) {
        case 0:
            new.message = join(call->text, "", "");
            break;
        case 1:
            snprintf(buffer, sizeof(buffer), "%.*s%s%%", 3, call->text, call->more);
            new.message = join(buffer, cause(call->os_errno), "");
            break;
        case 2:
            snprintf(buffer, sizeof(buffer), "%s-%d", call->text, call->line);
            new.message = join(buffer, "", "");
            new.class = call->class;
            break;
        default:
            snprintf(buffer, sizeof(buffer), "Could not open '%s'", call->text);
            new.message = join(buffer, cause(call->os_errno), "");
        }
        return new.message && arrive(call->to, &new, false);
    case PREPEND:
        if (to && to->set) {
            to->message = join(call->text, to->message, "");
            return to->message;
        }
        if (call->to != TO_NULL) {
            misuse("error_prepend(): errp points to no error\n");
        }
        return true;
    case HINT:
        if (to && to->set) {
            to->hint = join(to->hint, call->text, "\n");
            return to->hint;
        }
        if (to) {
            misuse("error_append_hint(): errp points to no error\n");
        } else if (call->to != TO_NULL) {
            misuse("error_append_hint(): errp is &error_abort or &error_fatal: ERRP_GUARD() is missing\n");
        }
        return true;
    case PROPAGATE:
    case PROPAGATE_PREPEND:
        if (call->to == call->from) {
            return false; /* given away, and still in the variable */
        }
        if (!from || !from->set) {
            /* error_propagate_prepend() has nothing to prepend to: a mistake, in QEMU too. */
            return call->kind == PROPAGATE || call->to == TO_NULL || (to && to->set);
        }
        new = *from;
        from->set = false;
        if (call->kind == PROPAGATE_PREPEND && call->to != TO_NULL && !(to && to->set)) {
            new.message = join(call->text, new.message, "");
        }
        return new.message && arrive(call->to, &new, true);
    case COPY:
        if (!to || to->set || !from || !from->set) {
            return false;
        }
        *to = *from;
#ifdef WRONG_MODEL
        to->hint = (char *)""; /* so that fuzz.py sees whether such a difference would be found */
#endif
        return true;
    case FREE:
        if (from) {
            from->set = false;
        }
        return true;
    case FREE_OR_ABORT:
        if (to && to->set) {
            to->set = false;
        } else {
            misuse("error_free_or_abort(): there is no error to free\n");
        }
        return true;
    case REPORT:
        if (!from || !from->set) {
            return false;
        }
        from->set = false;
        snprintf(expected_text, sizeof(expected_text), "%s%s%s\n%s", call->variant & 1 ? "warning: " : "",
                 call->variant & 2 ? call->text : "", from->message, from->hint);
        return true;
    case GUARD:
        new.src = "guarded.c";
        new.func = "guarded";
        new.message = join(call->text, cause(call->os_errno), "");
        if (!new.message) {
            return false;
        }
        if (call->to == TO_ABORT || (to && to->set)) {
            return arrive(call->to, &new, false); /* in the middle, before the hint */
        }
        new.message = join("in a guard: ", new.message, "");
        new.hint = join(call->more, "", "");
        return new.message && new.hint && arrive(call->to, &new, true);
    default:
        if (call->os_errno == 0) {
            return false;
        }
        new.func = "qemu_fork";
        new.line = INT_MAX;
        new.message = join(call->variant & 1 ? "cannot block signals" : "cannot fork child process",
                           cause(call->os_errno), "");
        return new.message && arrive(call->to, &new, false);
    }
}

/* The call has taken the error, so the variable is empty. */
static void forget_moved(const struct call *call)
{
    if (call->kind == PROPAGATE || call->kind == PROPAGATE_PREPEND || call->kind == FREE || call->kind == REPORT) {
        if (call->from < SLOTS) {
            variable[call->from] = NULL;
        }
    }
}

/* Without memory a constant stands for an Error: a variable is set all the same. */
static void compare_what_is_set(void)
{
    for (int i = 0; i < SLOTS; i++) {
        if (model[i].set != (variable[i] != NULL)) {
            fail("variable %d is %sset", i, variable[i] ? "" : "not ");
        }
    }
}

static void compare(void)
{
    compare_what_is_set();
    for (int i = 0; i < SLOTS; i++) {
        if (model[i].set && strcmp(error_get_pretty(variable[i]), model[i].message) != 0) {
            fail("the message is \"%s\" and should be \"%s\"", error_get_pretty(variable[i]), model[i].message);
        }
        if (model[i].set && (int)error_get_class(variable[i]) != model[i].class) {
            fail("the class is %d and should be %d", (int)error_get_class(variable[i]), model[i].class);
        }
    }
    if (error_abort || error_fatal) {
        fail("error_abort or error_fatal is set");
    }
}

/* The call in a child that the model says will end by it, or that is short of memory. */
static void perform_in_child(struct call *call)
{
    int status;
    pid_t pid = __real_fork();

    if (pid < 0) {
        return; /* the experiment has no result */
    }
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        perform(call);
        if (memory_is_short) {
            forget_moved(call);
            compare_what_is_set();
            _exit(0);
        }
        fail("the process goes on; written: \"%.*s\"; and should have: \"%s\"", (int)world.n_written, world.written,
             expected_text);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        fail("the child that was to end has wait status %#x", status);
    }
}

static void same_mask(const sigset_t *before)
{
    sigset_t after;

    __real_pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int sig = 1; sig < NSIG; sig++) {
        if (sigismember(before, sig) != sigismember(&after, sig)) {
            fail("signal %d of the mask has changed", sig);
        }
    }
}

static void set_world(const struct call *call, unsigned writes)
{
    world.n_written = 0;
    world.interrupted = false;
    world.short_writes = writes < 200 ? 0 : (int)(writes % 4);
    world.fork_errno = call->variant & 1 ? 0 : call->os_errno;
    world.sigmask_errno = call->variant & 1 ? call->os_errno : 0;
}

/* Whether this input may still fork. One input in eight may, once, because a fork takes longer than all the rest. */
static bool may_fork;

static bool take_fork(void)
{
    bool may = may_fork;

    may_fork = false;
    return may;
}

/* One operation of the input. */
static void step(void)
{
    unsigned head = next_byte();
    struct call call = {.kind = head % KINDS, .to = next_byte(), .from = next_byte()};
    struct model before[SLOTS];
    sigset_t mask;
    unsigned writes;

    operation++;
    call.variant = call.from / 16 % 4;
    call.from = call.from % 16 % (SLOTS + 1);
    writes = call.to;
    call.to = call.to % DESTINATIONS;
    call.text = next_text();
    if (call.kind == SET || call.kind == GUARD || call.kind == FORK) {
        call.os_errno = next_errno();
        call.line = next_line();
        call.class = (int)(next_byte() % 5);
        call.more = next_text();
    }
    memcpy(before, model, sizeof(before));
    set_world(&call, writes);
    memory_is_short = false;
    if (!predict(&call)) {
        memcpy(model, before, sizeof(before));
        return;
    }
    if (expected_ending != GOES_ON) {
        memcpy(model, before, sizeof(before));
        if (head & 64 && take_fork()) {
            perform_in_child(&call);
        }
        return;
    }
    if (head >= 240 && take_fork()) {
        /* First in a child for which malloc() has nothing. */
        memory_is_short = true;
        world.malloc_fails_in = 1 + (int)(head % 4);
        perform_in_child(&call);
        world.malloc_fails_in = 0;
        memory_is_short = false;
    }
    __real_pthread_sigmask(SIG_SETMASK, NULL, &mask);
    perform(&call);
    forget_moved(&call);
    if (call.kind == FORK) {
        if (call.result != -1 || call.seen_errno != call.os_errno) {
            fail("qemu_fork() returned %d with errno %d and should have set %d", call.result, call.seen_errno,
                 call.os_errno);
        }
    } else if (call.seen_errno != ERANGE) {
        fail("errno has become %d in a call of kind %u", call.seen_errno, call.kind);
    }
    same_mask(&mask);
    require_text();
    compare();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = data;
    input_left = size;
    arena_used = 0;
    operation = 0;
    may_fork = size > 0 && data[size - 1] % 8 == 0;
    world.allocated = 0;
    memset(model, 0, sizeof(model));
    while (input_left > 0) {
        step();
    }
    /* The hints show only when they are printed. */
    for (unsigned i = 0; i < SLOTS; i++) {
        struct call call = {.kind = REPORT, .to = TO_NULL, .from = i, .text = ""};

        set_world(&call, 0);
        if (predict(&call)) {
            perform(&call);
            forget_moved(&call);
            require_text();
        }
    }
    compare();
    if (world.allocated != 0) {
        fail("%ld allocations are left when every error is freed", world.allocated);
    }
    return 0;
}
