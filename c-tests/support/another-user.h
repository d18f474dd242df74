/*
 * Children of another user. Only root can make them, and what they execute must be where every user may read it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ANOTHER_USER_H
#define ANOTHER_USER_H

#include "spawn.h"

/* The test is skipped unless it is run as root. NOBODY is the other user, STRANGER a third. */
enum { NOBODY = 65534, STRANGER = 64321 };

__attribute__((__unused__)) static void need_root(void)
{
    if (geteuid() != 0 || setgroups(0, NULL) != 0) {
        skip_all("only root can make a child of another user: run the tests as root");
    }
}

static void copy_file(const char *from, const char *to, mode_t mode)
{
    char bytes[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = -1;

    while (in != -1 && out != -1 && (n = read(in, bytes, sizeof(bytes))) > 0) {
        if (write(out, bytes, (size_t)n) != n) {
            bail(to);
        }
    }
    if (n != 0 || fchmod(out, mode) != 0 || close(out) != 0 || close(in) != 0) {
        bail(to);
    }
}

/*
 * Copies the shared library to the folder, where every user may read it: the original may be in a home folder. Spawned
 * programs find the copy.
 */
__attribute__((__unused__)) static void copy_library(void)
{
    char line[PATH_MAX + 128], name[64], folders[2 * PATH_MAX], *path = NULL;
    FILE *maps = fopen("/proc/self/maps", "re");
    const char *before = getenv("LD_LIBRARY_PATH");
    char *number;

    while (maps && !path && fgets(line, sizeof(line), maps)) {
        path = strstr(line, "/libqemu_fork") && strstr(line, ".so") ? strchr(line, '/') : NULL;
    }
    if (maps) {
        fclose(maps);
    }
    if (!path) {
        return; /* the library is linked into this program */
    }
    path[strcspn(path, "\n")] = '\0';
    /* The copy has the name that the loader looks for: without what follows the first number. */
    snprintf(name, sizeof(name), "%s", strrchr(path, '/') + 1);
    number = strstr(name, ".so.");
    if (number) {
        number[4 + strcspn(number + 4, ".")] = '\0';
    }
    copy_file(path, in_folder(name), 0755);
    snprintf(folders, sizeof(folders), "%s:%s", folder, before ? before : "");
    setenv("LD_LIBRARY_PATH", folders, 1);
}

/* The begin of a test: it needs root, the folder, and the library in it. */
__attribute__((__unused__)) static void prepare_for_another_user(void)
{
    need_root();
    make_folder();
    copy_library();
}

/* Copies this program to the folder, under this name, owned by this user and executable by every user. */
__attribute__((__unused__)) static const char *copy_self(const char *name, uid_t owner)
{
    const char *path = in_folder(name);

    copy_file(SELF, path, 0755);
    if (chown(path, owner, owner) != 0) {
        bail("chown");
    }
    return path;
}

/* Changes the user of this process, which cannot be undone. Call it in a process of its own. */
__attribute__((__unused__)) static void become(uid_t uid)
{
    if (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) {
        _exit(96);
    }
}

#endif /* ANOTHER_USER_H */
