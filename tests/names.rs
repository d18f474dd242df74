//! Nothing of the header is forgotten: each constant and each member is in the manual, in the Rust API, in the proof, in
//! the bindings and in the test of the layout, or in the list of exceptions with a reason.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;

use common::root;

/// A place that has to name what the header names.
struct Place {
    /// As a sentence calls it.
    name: String,
    /// The text to search.
    text: String,
    /// What is expected there for a name of the header.
    wanted: fn(&str) -> String,
}

/// The name, the place, and why it need not be there. A `*` at the end of a name or a place stands for any rest.
type Exception = (&'static str, &'static str, &'static str);

const MANUAL: &str = "the manual (docs/man)";
const LAYOUT: &str = "the test of the layout (c-tests/public-layout.c)";
const RUST: &str = "the Rust API (src/api)";
const PROOF: &str = "the spawn with everything set (tests/proof/spawn-everything.h)";
const BINDINGS: &str = "the bindings (examples/languages/*";
const RUST_THROUGH_C: &str = "the bindings (examples/languages/rust-through-c/*";

/// The files below examples/languages that write the structures down.
const BINDING_FILES: [&str; 9] = [
    "layout.c",
    "java-ffm/QemuFork.java",
    "java-jna/QemuFork.java",
    "lua/layout.lua",
    "lua/qemu_fork.lua",
    "node/qemu-fork.js",
    "python-ctypes/qemu_fork.py",
    "rust-through-c/src/bin/layout.rs",
    "rust-through-c/src/qemu_fork.rs",
];

const EXCEPTIONS: &[Exception] = &[
    // The test of the layout.
    ("QEMU_FORK_VERSION_*", LAYOUT, "it changes with each version; tests/versions.rs compares it"),
    ("QemuSpawnFd.source", LAYOUT, "it is at the beginning, as the size and the place of the other member tell"),
    // The Rust API.
    ("QEMU_FORK_VERSION_*", RUST, "cargo knows the version of a crate"),
    ("QEMU_PROCESS_RUNNING", RUST, "a status is there only when the child has ended; before, it is None"),
    ("QEMU_SPAWN_SIGNALS_DEFAULT", RUST, "it is the default"),
    ("QemuSpawnOptions.size", RUST, "a builder has no size that a program knows"),
    ("QemuSpawnOptions.flags", RUST, "each flag is a method"),
    ("QemuSpawnOptions.envp", RUST, "env_clear() and envs() say the same"),
    ("QemuSpawnOptions.n_*", RUST, "lists know their length"),
    ("QemuSpawnFd.*", RUST, "the arguments of fd() and null_fd()"),
    ("QemuSpawnFile.*", RUST, "the arguments of file()"),
    ("QemuSpawnRlimit.*", RUST, "the arguments of rlimit()"),
    ("QemuForkOptions.size", RUST, "options have no size that a program knows"),
    ("QemuForkOptions.flags", RUST, "each flag is a method"),
    ("QEMU_RUN_LINES", RUST, "run_lines()"),
    ("QEMU_RUN_STOP_TREE", RUST, "it does not work yet"),
    ("QEMU_RUN_CANCEL_FD", RUST, "Run::cancel()"),
    ("QEMU_RUN_RESULT_OUT_CUT", RUST, "the totals of Output tell"),
    ("QEMU_RUN_RESULT_ERR_CUT", RUST, "the totals of Output tell"),
    ("QEMU_PROCESS_USAGE_*", RUST, "what is not known is None"),
    ("QemuProcessUsage.flags", RUST, "what is not known is None"),
    ("QemuRunOptions.size", RUST, "options have no size that a program knows"),
    ("QemuRunOptions.flags", RUST, "each flag is a method"),
    ("QemuRunOptions.input_len", RUST, "bytes know their length"),
    ("QemuRunOptions.cancel_fd", RUST, "Run::cancel()"),
    ("QemuRunOptions.opaque", RUST, "a closure has what it needs"),
    ("QemuRunResult.size", RUST, "a result has no size that a program knows"),
    ("QemuRunResult.flags", RUST, "each flag is a member"),
    ("QemuRunResult.out_len", RUST, "bytes know their length"),
    ("QemuRunResult.err_len", RUST, "bytes know their length"),
    // The proof.
    ("QEMU_FORK_*", PROOF, "no option of a spawn"),
    ("QemuForkOptions.*", PROOF, "no option of a spawn"),
    ("QEMU_PROCESS_*", PROOF, "no option"),
    ("QemuProcessStatus.*", PROOF, "no option"),
    ("QemuProcessUsage.*", PROOF, "no option"),
    ("QEMU_RUN_*", PROOF, "no option of a spawn"),
    ("QemuRun*", PROOF, "no option of a spawn"),
    ("QEMU_SPAWN_STEP_*", PROOF, "no option; spawn-faults.c fails each step"),
    ("QEMU_SPAWN_SEARCH_PATH", PROOF, "spawn-syscalls.c has a case for it"),
    ("QEMU_SPAWN_SET_PGID", PROOF, "SETSID excludes it"),
    ("QEMU_SPAWN_CLEAR_ENV", PROOF, "the environment is made in the parent, before there is a child"),
    ("QEMU_SPAWN_LEAVE_FDS", PROOF, "it leaves out what closes the other descriptors"),
    ("QEMU_SPAWN_NULL_STDOUT", PROOF, "NULL_STDIN does the same with another descriptor"),
    ("QEMU_SPAWN_NULL_STDERR", PROOF, "MERGE_STDERR excludes it"),
    ("QEMU_SPAWN_PIPE_*", PROOF, "the request with pipes has them"),
    ("QEMU_SPAWN_NO_FORK_FALLBACK", PROOF, "it does nothing where the child can be made, and makes SET_UID fail"),
    ("QEMU_SPAWN_SIGNALS_*", PROOF, "the request with inherited signals has them"),
    ("QemuSpawnFd.*", PROOF, "its values stand in the order of the members"),
    ("QemuSpawnFile.*", PROOF, "its values stand in the order of the members"),
    ("QEMU_SPAWN_KEEP_GROUPS", PROOF, "SET_GROUPS excludes it"),
    ("QEMU_SPAWN_KILL_ON_FREE", PROOF, "in the child it is the death signal SIGKILL"),
    ("QEMU_SPAWN_DETACHED", PROOF, "it does nothing in the child; c-tests/spawn-detached.c has each way"),
    ("QemuSpawnRlimit.*", PROOF, "its values stand in the order of the members"),
    ("QemuSpawnOptions.size", PROOF, "the caller of set_everything() sets it"),
    ("QemuSpawnOptions.signals", PROOF, "the request with inherited signals sets it"),
    ("QemuSpawnOptions.executable", PROOF, "the child executes one string, whichever member it comes from"),
    ("QemuSpawnOptions.env*", PROOF, "the environment is made in the parent, before there is a child"),
    ("QemuSpawnOptions.defaulted", PROOF, "every signal is at its default there already"),
    ("QemuSpawnOptions.pgid", PROOF, "SETSID excludes it"),
    ("QemuSpawnOptions.death_signal", PROOF, "spawn-syscalls.c has a case for it"),
    ("QemuSpawnOptions.failed_step", PROOF, "spawn-faults.c looks at it; no system call depends on it"),
    // The bindings: they lay out the structures, and have the constants that the example uses.
    ("QEMU_*", BINDINGS, "a binding has the constants that the example uses"),
    ("QemuSpawnFd.*", BINDINGS, "the example maps no descriptor"),
    ("QemuSpawnFile.*", BINDINGS, "the example opens no file in the child"),
    ("QemuSpawnRlimit.*", BINDINGS, "the example sets no limit"),
    ("QemuProcessUsage.*", RUST_THROUGH_C, "it shows how to link; the crate has usage()"),
    ("QemuRun*", RUST_THROUGH_C, "it shows how to link; the crate has run()"),
];

/// What a name of the header is in Rust, where it is not the same in small letters.
const IN_RUST: &[(&str, &str)] = &[
    ("QEMU_PROCESS_EXITED", "    Exited("),
    ("QEMU_PROCESS_SIGNALED", "    Signaled {"),
    ("QEMU_PROCESS_UNKNOWN", "    Unknown,"),
    ("QEMU_RUN_INHERIT_STDERR", "    Inherit,"),
    ("QEMU_RUN_INHERIT_STDIN", "    Inherit,"),
    ("QEMU_RUN_INHERIT_STDOUT", "    Inherit,"),
    ("QEMU_RUN_END_CANCELLED", "    Cancelled,"),
    ("QEMU_RUN_END_EXITED", "    Exited,"),
    ("QEMU_RUN_END_LIMIT", "    Limit,"),
    ("QEMU_RUN_END_NOT_STARTED", "    NotStarted,"),
    ("QEMU_RUN_END_STOPPED", "    Stopped,"),
    ("QEMU_RUN_END_TIMED_OUT", "    TimedOut,"),
    ("QEMU_RUN_RESULT_INPUT_LEFT", "pub input_left:"),
    ("QEMU_RUN_RESULT_PIPE_HELD", "pub pipe_held:"),
    ("QEMU_SPAWN_CLEAR_ENV", "pub fn env_clear("),
    ("QEMU_SPAWN_FD_NULL", "pub fn null_fd("),
    ("QEMU_SPAWN_FD_CLOSED", "pub fn fd_closed("),
    ("QEMU_SPAWN_NULL_STDERR", "    Null,"),
    ("QEMU_SPAWN_NULL_STDIN", "    Null,"),
    ("QEMU_SPAWN_NULL_STDOUT", "    Null,"),
    ("QEMU_SPAWN_PIPE_STDERR", "    Pipe,"),
    ("QEMU_SPAWN_PIPE_STDIN", "    Pipe,"),
    ("QEMU_SPAWN_PIPE_STDOUT", "    Pipe,"),
    ("QEMU_SPAWN_KILL_ON_FREE", "pub fn kill_on_drop("),
    ("QEMU_SPAWN_SEARCH_PATH", "pub fn no_search("),
    ("QEMU_SPAWN_SET_GID", "pub fn gid("),
    ("QEMU_SPAWN_SET_GROUPS", "pub fn groups("),
    ("QEMU_SPAWN_SET_NICE", "pub fn nice("),
    ("QEMU_SPAWN_SET_PGID", "pub fn process_group("),
    ("QEMU_SPAWN_SET_UID", "pub fn uid("),
    ("QEMU_SPAWN_SET_UMASK", "pub fn umask("),
    ("QEMU_SPAWN_SIGNALS_INHERIT", "pub fn inherit_signals("),
    ("QemuProcessStatus.exit_code", "pub fn code("),
    ("QemuProcessStatus.term_signal", "pub fn signal("),
    ("QemuProcessUsage.peak_kib", "pub peak_kib:"),
    ("QemuProcessUsage.system_us", "pub system:"),
    ("QemuProcessUsage.user_us", "pub user:"),
    ("QemuProcessUsage.wall_us", "pub wall:"),
    ("QemuRunOptions.grace_ms", "pub fn grace("),
    ("QemuRunOptions.linger_ms", "pub fn linger("),
    ("QemuRunOptions.sink", "pub fn run_chunks("),
    ("QemuRunOptions.timeout_ms", "pub fn timeout("),
    ("QemuRunResult.end", "pub fn end("),
    ("QemuRunResult.err", "pub stderr:"),
    ("QemuRunResult.err_total", "pub stderr_total:"),
    ("QemuRunResult.out", "pub stdout:"),
    ("QemuRunResult.out_total", "pub stdout_total:"),
    ("QemuRunResult.status", "pub status:"),
    ("QemuSpawnOptions.cwd", "pub fn current_dir("),
    ("QemuSpawnOptions.defaulted", "pub fn default_signals("),
    ("QemuSpawnOptions.env_set", "pub fn env("),
    ("QemuSpawnOptions.env_unset", "pub fn env_remove("),
    ("QemuSpawnOptions.executable", "pub fn new("),
    ("QemuSpawnOptions.failed_step", "pub const fn step("),
    ("QemuSpawnOptions.cgroup_fd", "pub fn into_cgroup("),
    ("QemuSpawnOptions.files", "pub fn file("),
    ("QemuSpawnOptions.fds", "pub fn fd("),
    ("QemuSpawnOptions.ignored", "pub fn ignore_signals("),
    ("QemuSpawnOptions.pgid", "pub fn process_group("),
    ("QemuSpawnOptions.rlimits", "pub fn rlimit("),
    ("QemuSpawnOptions.signals", "pub fn inherit_signals("),
];

fn in_rust(name: &str) -> String {
    if let Some((_, rust)) = IN_RUST.iter().find(|(c, _)| *c == name) {
        return (*rust).into();
    }
    if let Some(step) = name.strip_prefix("QEMU_SPAWN_STEP_") {
        let words = step.split('_').map(|word| word[..1].to_owned() + &word[1..].to_lowercase());
        return format!("    {},", words.collect::<String>());
    }
    format!(
        "pub fn {}(",
        in_c(name)
            .trim_start_matches("QEMU_SPAWN_")
            .trim_start_matches("QEMU_RUN_")
            .trim_start_matches("QEMU_FORK_")
            .to_lowercase()
    )
}

/// A member's name without that of its structure.
fn in_c(name: &str) -> String {
    name.split('.').next_back().unwrap().into()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = root().join(folder).read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().filter(|path| path.is_file()).collect()
}

/// All files of a folder, one after the other.
fn read_all(folder: &str) -> String {
    files(folder).iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

fn places() -> Vec<Place> {
    let place = |name: &str, text, wanted| Place { name: name.into(), text, wanted };
    // A word of the manual's prose is not yet a name: a name stands on a line with a macro.
    let manual = read_all("docs/man").lines().filter(|line| line.starts_with('.')).collect::<Vec<_>>().join("\n");
    let mut places = vec![
        place(MANUAL, manual, in_c),
        place(LAYOUT, read("c-tests/public-layout.c"), in_c),
        place(RUST, read_all("src/api") + &read("src/base/step.rs"), in_rust),
        place(PROOF, read("tests/proof/spawn-everything.h"), in_c),
    ];
    let bindings = BINDING_FILES.iter().map(|file| {
        place(&format!("the bindings (examples/languages/{file})"), read(&format!("examples/languages/{file}")), in_c)
    });
    places.extend(bindings);
    places
}

/// The constants and the members that a header has.
fn names(header: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut structure: Option<&str> = None;
    for line in header.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), structure) {
            (Some("#define"), _) => {
                let mut rest = words;
                // One without a value is the guard.
                if let (Some(name), Some(_)) = (rest.next(), rest.next()) {
                    names.push(name.into());
                }
            }
            (Some("typedef"), _) if line.ends_with('{') => structure = words.nth(1),
            (Some("}"), Some(_)) => structure = None,
            (Some(first), Some(_)) if first.starts_with("QEMU_") => names.push(first.trim_end_matches(',').into()),
            // A line of a comment begins with a star.
            (Some(first), Some(name)) if first != "*" && line.ends_with(';') => {
                let member = line.trim_end_matches(';').rsplit([' ', '*']).next().unwrap();
                names.push(format!("{name}.{member}"));
            }
            _ => {}
        }
    }
    names
}

/// Whether a word or more stand in a text, and not only as a part of a longer word.
fn has(text: &str, wanted: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let (starts, ends) = (is_letter(wanted.chars().next()), is_letter(wanted.chars().next_back()));
    text.match_indices(wanted).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + wanted.len()..].chars().next());
        !(starts && is_letter(before) || ends && is_letter(after))
    })
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

/// A sentence for each name that is missing somewhere, and for each exception that is none.
fn complaints(names: &[String], places: &[Place], exceptions: &[Exception]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut used = BTreeSet::new();
    for place in places {
        for name in names {
            let wanted = (place.wanted)(name);
            if has(&place.text, &wanted) {
                continue;
            }
            let mut known =
                exceptions.iter().enumerate().filter(|(_, (n, p, _))| matches(n, name) && matches(p, &place.name));
            match known.next() {
                Some((i, _)) => drop(used.insert(i)),
                None => complaints.push(format!(
                    "{name} is missing in {}: there is no `{}` there. Add it, or an exception with its reason to \
                     tests/names.rs.",
                    place.name,
                    wanted.trim()
                )),
            }
        }
    }
    for (i, (name, place, _)) in exceptions.iter().enumerate() {
        if !used.contains(&i) {
            complaints.push(format!("Nothing that {name} stands for is missing in {place}: remove that exception."));
        }
    }
    complaints
}

#[test]
fn nothing_of_the_header_is_forgotten() {
    let names = names(&read("include/qemu-fork.h"));
    // What cbindgen makes may look otherwise one day: then nothing would be found, and nothing be missing.
    for known in ["QEMU_SPAWN_NO_NEW_PRIVS", "QEMU_SPAWN_FD_NULL", "QEMU_SPAWN_STEP_EXEC", "QemuSpawnOptions.groups"] {
        assert!(names.iter().any(|name| name == known), "the header has {known}, and it was not found");
    }
    let complaints = complaints(&names, &places(), EXCEPTIONS);
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// What the header might have tomorrow is missing in every place, and each is named.
#[test]
fn what_is_new_is_missing_everywhere() {
    let header = "#ifndef GUARD\n#define GUARD\n#define QEMU_SPAWN_SET_COLOUR (1 << 40)\n\
                  typedef enum QemuSpawnStep {\n  QEMU_SPAWN_STEP_COLOUR,\n} QemuSpawnStep;\n\
                  typedef struct QemuSpawnOptions {\n  /* A comment; not a member. */\n  const char *const *colour;\n\
                  } QemuSpawnOptions;\n";
    let names = names(header);
    assert_eq!(names, ["QEMU_SPAWN_SET_COLOUR", "QEMU_SPAWN_STEP_COLOUR", "QemuSpawnOptions.colour"]);
    let places = places();
    let complaints = complaints(&names, &places, &[]);
    assert_eq!(complaints.len(), names.len() * places.len());
    let begin = format!("QEMU_SPAWN_STEP_COLOUR is missing in {RUST}: there is no `Colour,` there.");
    assert!(complaints.iter().any(|text| text.starts_with(&begin)), "{complaints:#?}");
}

#[test]
fn an_exception_that_is_not_needed_is_told() {
    let places = [Place { name: MANUAL.into(), text: "QEMU_A".into(), wanted: in_c }];
    let complaints = complaints(&["QEMU_A".into()], &places, &[("QEMU_A", MANUAL, "it was missing once")]);
    assert_eq!(complaints.len(), 1);
}
