/*
 * qemu_command_str() says a command so that every shell makes the same words of it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "run.h"

static void says(const char *const *argv, const char *text)
{
    char *said;

    errno = ERANGE;
    said = qemu_command_str(argv);
    is_str(said, text, text);
    ok(errno == ERANGE, "errno stays");
    free(said);
}

static void test_texts(void)
{
    says(ARGS("ls"), "ls");
    says((const char *const[]){NULL}, "");
    says(ARGS("ls", "-l", "/tmp/a.b,c", "a=b", "+1", "x@y:z", "5%"), "ls -l /tmp/a.b,c a=b +1 x@y:z 5%");
    says(ARGS("echo", "", "a b", "it's", "$HOME"), "echo '' 'a b' 'it'\\''s' '$HOME'");
    says(ARGS("A=b", "A=b"), "'A=b' A=b");
    says(ARGS("if", "if"), "'if' if");
    errno = 0;
    ok(!qemu_command_str(NULL) && errno == EINVAL, "NULL: EINVAL");
}

/* Words that a shell would change or act on. */
static const char *const words[] = {
    "plain", "", " ", "a b", "a\tb", "a\nb", "\n", "'", "''", "a'b", "\"", "\\", "\\\\", "a\\", "$HOME", "${HOME}",
    "$(id)", "`id`", "*", "?", "[a-z]*", "~", "~root", "a~b", "#", "#x", "a#b", "!", "!!", "!x", "a!b", "&", "&&",
    "|", "||", ";", ";;", "(", ")", "{", "}", "{a,b}", "{1..3}", "<", ">", "2>x", "<<x", "=", "=x", "=ls", "A=b",
    "A+=b", "a[1]=b", "-", "--", "-n", "-e", "+", "+x", "%", "%1", "%%", "@", "@x", "^", "^a^b", ".x", "if", "then",
    "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in", "function", "select", "time",
    "coproc", "[[", "]]", "namespace", "a\x01z", "caf\xc3\xa9", "\xff\xfe", "a\rb", "\x1b[0m", "$'a'", "$\"a\"", "a$",
    "$", "$$", "$1", "\\n", "%s", "%d%n", "a=~", "PATH=~", "a:~", "--x=~/y",
};

enum { WORDS = sizeof(words) / sizeof(*words) };

static const char *const shells[] = {"sh", "bash", "dash", "ksh", "mksh", "zsh", "yash", "busybox"};

/* What the program gets when a shell runs this text: its words, each with a NUL after it. */
static void run_by(const char *shell, const char *command)
{
    /* After a space, so that the shell does not take it for an option of its own. */
    char text[4096] = " ";
    const bool is_busybox = strcmp(shell, "busybox") == 0;

    snprintf(text + 1, sizeof(text) - 1, "%s", command);
    run(is_busybox ? ARGS("busybox", "sh", "-c", text) : ARGS(shell, "-c", text),
        OPTIONS(.flags = QEMU_SPAWN_SEARCH_PATH, .env_set = ARGS("TELL_WORDS=1")), NULL);
}

static bool gave(const char *const *argv)
{
    const char *out = ran.result.out;
    size_t left = ran.result.out_len;

    if (!ran.done || ran_end() != 0) {
        return false;
    }
    for (; *argv; argv++) {
        size_t size = strlen(*argv) + 1;

        if (left < size || memcmp(out, *argv, size) != 0) {
            return false;
        }
        out += size;
        left -= size;
    }
    return left == 0;
}

static void is_given_back(const char *shell, const char *const *argv, const char *what)
{
    char *text = qemu_command_str(argv);

    run_by(shell, text);
    if (!ok(gave(argv), "%s: %s", shell, what)) {
        show_run();
        printf("# the text \"%s\", stderr \"%s\"\n", text, ran.result.err ? ran.result.err : "");
    }
    run_clear();
    free(text);
}

/* Whether the shell is busybox, under whatever name: then this is its own applet and not the program in PATH. */
static bool has_applets(const char *shell)
{
    bool has;

    run_by(shell, "'[[' a = a ']]'");
    has = ran.done && ran_end() == 0 && ran.result.out_len == 0;
    run_clear();
    return has;
}

/* What a shell itself knows under that name, however it is quoted: bash its jobs, busybox its applets. */
static bool is_its_own(bool applets, const char *word)
{
    return applets ? strcmp(word, "time") == 0 || strcmp(word, "[[") == 0 : *word == '%';
}

static void test_shell(const char *shell)
{
    const char *all[WORDS + 2];
    const bool applets = has_applets(shell);

    all[0] = "plain";
    for (int i = 0; i < WORDS; i++) {
        all[i + 1] = words[i];
    }
    all[WORDS + 1] = NULL;
    is_given_back(shell, all, "all words as arguments");
    /* As a command: each is the name of a program in PATH. */
    for (int i = 0; i < WORDS; i++) {
        char what[100];

        if (!*words[i] || access(in_folder(words[i]), X_OK) != 0 || is_its_own(applets, words[i])) {
            continue;
        }
        snprintf(what, sizeof(what), "word %d as the command", i);
        is_given_back(shell, ARGS(words[i], "x"), what);
    }
}

int main(int argc, char **argv)
{
    char path[3 * PATH_MAX];
    const char *before = getenv("PATH");
    int tested = 0;

    if (argc > 1 && strcmp(argv[0], SELF) == 0) {
        return spawned(argc, argv);
    }
    if (getenv("TELL_WORDS")) {
        for (int i = 0; i < argc; i++) {
            write_all(STDOUT_FILENO, argv[i], strlen(argv[i]) + 1);
        }
        return 0;
    }
    cast_net();
    test_texts();
    needs_programs();
    make_folder();
    for (int i = 0; i < WORDS; i++) {
        char self[PATH_MAX] = "";

        if (readlink(SELF, self, sizeof(self) - 1) < 0) {
            bail("readlink");
        }
        if (*words[i] && !strchr(words[i], '/') && access(in_folder(words[i]), X_OK) != 0 &&
            symlink(self, in_folder(words[i])) != 0) {
            bail("symlink");
        }
    }
    snprintf(path, sizeof(path), "%s:%s", folder, before ? before : "/usr/bin:/bin");
    setenv("PATH", path, 1);
    for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
        run_by(shells[i], "plain");
        if (gave(ARGS("plain"))) {
            run_clear();
            test_shell(shells[i]);
            tested++;
        } else {
            run_clear();
            skip(shells[i], "there is no such shell");
        }
    }
    ok(tested > 0, "there is a shell");
    return done();
}
