/*
 * A small FUSE server for a file whose close() or open() takes as long as the test wants. The kernel sends FLUSH when a
 * descriptor of the file is closed; the server holds the request until the test lets it answer.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef FUSE_H
#define FUSE_H

#include <linux/fuse.h>
#include <sched.h>
#include <sys/mount.h>

#include "watched.h"

/* In shared memory: orders to the server, and its reports. */
struct fuse_state {
    int holds;   /* the server holds FLUSH requests */
    int holds_open; /* and OPEN requests */
    int is_over; /* it holds none any more, whatever `holds` is */
    int flushes; /* how many FLUSH requests have come */
    int answers; /* how many it has answered */
    int opens, open_answers; /* the same of OPEN requests */
};

struct fuse {
    int fd; /* /dev/fuse */
    struct fuse_state *state;
    char folder[64], file[80];
};

enum { FUSE_FILE = 2 }; /* the number of the file; 1 is the folder */

/* Why this process cannot mount such a file system; NULL if it can. The mount is this process's own. */
__attribute__((__unused__)) static const char *why_no_fuse(void)
{
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    if (fd == -1) {
        return "there is no /dev/fuse that this process may open";
    }
    close(fd);
    if (geteuid() != 0) {
        return "only root may mount: run the tests as root";
    }
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return "this process may have no mounts of its own";
    }
    return NULL;
}

/* Mounts the file system on this folder, without a server yet. */
__attribute__((__unused__)) static void fuse_mount(struct fuse *fuse, const char *on)
{
    char options[128];

    fuse->state = shared_memory(sizeof(*fuse->state));
    snprintf(fuse->folder, sizeof(fuse->folder), "%s", on);
    snprintf(fuse->file, sizeof(fuse->file), "%s/file", on);
    fuse->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse->fd);
    if (fuse->fd == -1 || mount("test", on, "fuse", MS_NOSUID | MS_NODEV, options) != 0) {
        bail("a FUSE mount");
    }
}

/* Makes all calls fail that wait for the server, for a test that would hang otherwise. */
__attribute__((__unused__)) static void fuse_abort(const struct fuse *fuse)
{
    umount2(fuse->folder, MNT_FORCE | MNT_DETACH);
}

static void fuse_attributes(struct fuse_attr *attr, uint64_t node)
{
    memset(attr, 0, sizeof(*attr));
    attr->ino = node;
    attr->mode = node == FUSE_FILE ? S_IFREG | 0777 : S_IFDIR | 0755;
    attr->nlink = 1;
    attr->blksize = 4096;
}

/* Waits until a request need not be held any more. */
static void fuse_hold(const struct fuse *fuse, int *requests, const int *holds, int *answers)
{
    __atomic_add_fetch(requests, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(holds, __ATOMIC_SEQ_CST) && !__atomic_load_n(&fuse->state->is_over, __ATOMIC_SEQ_CST)) {
        yield_a_moment();
    }
    __atomic_add_fetch(answers, 1, __ATOMIC_SEQ_CST);
}

/* Answers one request; false when the file system is gone. It may be told to hold one first. */
__attribute__((__unused__)) static bool fuse_serve(const struct fuse *fuse)
{
    static _Alignas(8) char request[1 << 17];
    const struct fuse_in_header *in = (const void *)request;
    struct {
        struct fuse_out_header header;
        union {
            struct fuse_init_out init;
            struct fuse_entry_out entry;
            struct fuse_attr_out attr;
            struct fuse_open_out open;
        };
    } out;
    size_t size = 0;
    ssize_t n = read(fuse->fd, request, sizeof(request));

    if (n < (ssize_t)sizeof(*in)) {
        return n == -1 && (errno == EINTR || errno == EAGAIN || errno == ENOENT);
    }
    memset(&out, 0, sizeof(out));
    switch (in->opcode) {
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        return true; /* the kernel expects no answer */
    case FUSE_INIT:
        out.init.major = FUSE_KERNEL_VERSION;
        out.init.minor = FUSE_KERNEL_MINOR_VERSION;
        out.init.max_readahead = 4096;
        out.init.max_write = 4096;
        out.init.max_background = 4;
        size = sizeof(out.init);
        break;
    case FUSE_LOOKUP:
        out.entry.nodeid = FUSE_FILE;
        fuse_attributes(&out.entry.attr, FUSE_FILE);
        size = sizeof(out.entry);
        break;
    case FUSE_GETATTR:
        fuse_attributes(&out.attr.attr, in->nodeid);
        size = sizeof(out.attr);
        break;
    case FUSE_OPEN:
        fuse_hold(fuse, &fuse->state->opens, &fuse->state->holds_open, &fuse->state->open_answers);
        size = sizeof(out.open);
        break;
    case FUSE_FLUSH:
        fuse_hold(fuse, &fuse->state->flushes, &fuse->state->holds, &fuse->state->answers);
        break;
    case FUSE_RELEASE:
    case FUSE_DESTROY:
        break;
    default:
        out.header.error = -ENOSYS;
        break;
    }
    out.header.unique = in->unique;
    out.header.len = (uint32_t)(sizeof(out.header) + size);
    /* ENOENT: the process that made the request was killed. */
    return write(fuse->fd, &out, out.header.len) != -1 || errno == ENOENT;
}

/* Starts a process that serves it for as long as it is mounted. */
__attribute__((__unused__)) static pid_t fuse_server(struct fuse *fuse)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        while (fuse_serve(fuse)) {
        }
        _exit(0);
    }
    close(fuse->fd); /* otherwise the mount would outlive its server */
    fuse->fd = -1;
    return pid;
}

/* Mounts the file system in the test's folder, and starts its server. Skips the test if that is impossible here. */
__attribute__((__unused__)) static pid_t start_fuse(struct fuse *fuse)
{
    const char *why = why_no_fuse();

    if (why) {
        skip_all(why);
    }
    make_folder();
    if (mkdir(in_folder("mount"), 0755) != 0) {
        bail("mkdir");
    }
    fuse_mount(fuse, in_folder("mount"));
    return fuse_server(fuse);
}

#endif /* FUSE_H */
