/*
 * look FILE: writes into FILE what it has inherited: blocked signals, ignored signals, and how many descriptors from
 * 3 on.
 *
 * SPDX-License-Identifier: MIT
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    unsigned long long blocked = 0, ignored = 0;
    unsigned descriptors = 0;
    char line[256];
    DIR *folder = opendir("/proc/self/fd");
    FILE *file;

    if (argc != 2 || !folder) {
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        int fd = atoi(entry->d_name);

        descriptors += fd >= 3 && fd != dirfd(folder);
    }
    closedir(folder);
    file = fopen("/proc/self/status", "re");
    if (!file) {
        return 1;
    }
    while (fgets(line, sizeof(line), file)) {
        /* One of the two fits. */
        if (sscanf(line, "SigBlk: %llx", &blocked) != 1) {
            (void)sscanf(line, "SigIgn: %llx", &ignored);
        }
    }
    fclose(file);
    file = fopen(argv[1], "we");
    return !file || fprintf(file, "%llx %llx %u\n", blocked, ignored, descriptors) < 0 || fclose(file) != 0;
}
