/* Every argument comes back from CommandLineToArgvW() and from C's own main(). */
#include "spawn.h"

enum { LONGEST = 4, IN_A_LINE = 2500, RANDOM_LINES = 40 };

static const char LETTERS[] = {'a', ' ', '\t', '"', '\\'};

/* The list that both sides make: number 0 is every short string, the others are random. */
static char **make_list(unsigned number, int *count)
{
    char **list = calloc(IN_A_LINE + 4, sizeof(*list));
    unsigned state = number * 2654435761u + 1;
    int n = 0;

    if (number == 0) {
        for (int length = 0, strings = 1; length <= LONGEST; length++, strings *= 5) {
            for (int i = 0; i < strings; i++) {
                char *text = calloc(1, LONGEST + 1);

                for (int j = 0, rest = i; j < length; j++, rest /= 5) {
                    text[j] = LETTERS[rest % 5];
                }
                list[n++] = text;
            }
        }
    } else {
        while (n < IN_A_LINE) {
            char *text = calloc(1, 16);
            int length;

            state = state * 1103515245u + 12345u;
            length = (int)(state >> 16) % 9;
            for (int j = 0; j < length; j++) {
                state = state * 1103515245u + 12345u;
                /* Some are plain letters, one in eight. */
                text[j] = (state >> 16) % 8 ? LETTERS[(state >> 20) % 5] : (char)('!' + (state >> 20) % 9);
                if (text[j] == '*' || text[j] == '?') {
                    text[j] = 'b'; /* C's own main() would look for files */
                }
            }
            list[n++] = text;
        }
    }
    *count = n;
    return list;
}

/* Compares the arguments with the list: 0 if they are the same, or the place of the first that differs. */
static int spawned(int argc, char **argv)
{
    int count, wide_count;
    char **list = make_list((unsigned)atoi(argv[1]), &count);
    wchar_t **wide = wide_arguments(&wide_count);

    if (argc != count + 2 || wide_count != argc) {
        return 1;
    }
    for (int i = 0; i < count; i++) {
        wchar_t expected[32];

        MultiByteToWideChar(CP_UTF8, 0, list[i], -1, expected, 32);
        if (strcmp(list[i], argv[i + 2]) != 0) {
            return 100000 + i;
        }
        if (wcscmp(expected, wide[i + 2]) != 0) {
            return 200000 + i;
        }
    }
    return 0;
}

static int check(unsigned number, int *count)
{
    char **list = make_list(number, count);
    const char **args = calloc((size_t)*count + 3, sizeof(*args));
    char text[16];
    QemuProcessStatus status = {.end = QEMU_PROCESS_RUNNING};

    snprintf(text, sizeof(text), "%u", number);
    args[0] = self();
    args[1] = text;
    memcpy(args + 2, list, (size_t)*count * sizeof(*args));
    qemu_spawn_sync(args, NULL, LONG_MS, &status, &error_fatal);
    for (int i = 0; i < *count; i++) {
        free(list[i]);
    }
    free(list);
    free(args);
    return status.end == QEMU_PROCESS_EXITED ? status.exit_code : -1;
}

int main(int argc, char **argv)
{
    int count, wrong = 0, all = 0;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    is_int(check(0, &count), 0, "every string of up to four of a, space, tab, quotation mark and backslash");
    is_int(count, 781, "so many");
    for (unsigned number = 1; number <= RANDOM_LINES; number++) {
        int result = check(number, &count);

        if (result) {
            printf("# list %u: %d\n", number, result);
            wrong++;
        }
        all += count;
    }
    is_int(wrong, 0, "random ones");
    is_int(all, 100000, "so many");
    return done();
}
