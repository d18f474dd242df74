//! The C programs in the README and in the manual compile without a warning and run. They and the examples compile as C
//! and as C++, with each compiler that is here.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{build_dir, cc, root, run, scratch, write};

/// gcc 14 has incompatible pointers as an error by itself, older ones and clang as a warning.
const C: [&str; 6] = ["-std=gnu11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Werror=incompatible-pointer-types"];

/// Options name what they set and leave the rest to zero, and what C programs define g++ has defined already.
const CXX: [&str; 7] =
    ["-std=gnu++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-missing-field-initializers", "-U_GNU_SOURCE"];

fn compile_and_run(name: &str, program: &str) -> String {
    let dir = scratch(name);
    let source = write(&dir, "program.c", &format!("{program}\n"));
    let binary = dir.join("program");
    compile_everywhere(std::slice::from_ref(&source), &[]);
    run(cc()
        .args(C)
        .arg("-o")
        .arg(&binary)
        .arg(&source)
        .arg("-I")
        .arg(root().join("include"))
        .arg(build_dir().join("provider/libqemu_fork.a"))
        .arg("-pthread"));
    run(Command::new(binary).args(["echo", "what", "the", "command", "line", "says"]))
}

/// The compilers of C and of C++ that are here: what CC names, and every gcc and clang in PATH of whatever version.
fn compilers() -> Vec<(PathBuf, &'static str)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut found = Vec::new();
    let mut add = |name: &str, language| {
        let file = folders.iter().map(|dir| dir.join(name)).find(|file| file.exists());
        match file.map(|file| (if language == "c" { file.canonicalize().unwrap() } else { file }, language)) {
            Some(pair) if !found.contains(&pair) => found.push(pair),
            Some(_) => {}
            None => eprintln!("SKIPPED: there is no {name}"),
        }
    };
    add(cc().get_program().to_str().unwrap(), "c");
    add(&std::env::var("CXX").unwrap_or_else(|_| "c++".into()), "c++");
    let versions = (9..30).map(|version| format!("-{version}"));
    for version in std::iter::once(String::new()).chain(versions) {
        for (c, cxx) in [("gcc", "g++"), ("clang", "clang++")] {
            let (c, cxx) = (format!("{c}{version}"), format!("{cxx}{version}"));
            if version.is_empty() || folders.iter().any(|dir| dir.join(&c).exists()) {
                add(&c, "c");
                add(&cxx, "c++");
            }
        }
    }
    found
}

/// Whether a compiler takes these sources, and what it says.
fn compiles(compiler: &(PathBuf, &str), sources: &[PathBuf], flags: &[String]) -> (bool, String) {
    let (file, language) = compiler;
    let output = Command::new(file)
        .args(if *language == "c" { C.as_slice() } else { CXX.as_slice() })
        .args(flags)
        .args(["-fsyntax-only", "-x", language, "-I"])
        .arg(root().join("include"))
        .args(sources)
        .output()
        .unwrap();
    (output.status.success(), format!("{file:?} as {language}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn compile_everywhere(sources: &[PathBuf], flags: &[String]) {
    for compiler in compilers() {
        let (good, output) = compiles(&compiler, sources, flags);
        assert!(good, "{output}");
    }
}

/// The parts of `text` between lines `begin` and `end`.
fn blocks<'a>(text: &'a str, begin: &str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(&format!("\n{begin}\n")[..])
        .skip(1)
        .map(move |rest| rest.split(&format!("\n{end}\n")[..]).next().unwrap())
        .collect::<Vec<_>>()
        .into_iter()
}

#[test]
fn readme() {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    let programs: Vec<&str> = blocks(&text, "```c", "```").filter(|block| block.contains("int main")).collect();
    assert_eq!(programs.len(), 3);
    for program in programs {
        assert_ne!(compile_and_run("readme", program), "", "it prints something");
    }
}

/// What the programs of a page print.
fn manual(page: &str, expected: &[&str]) {
    let text = std::fs::read_to_string(root().join("docs/man").join(page)).unwrap();
    let programs: Vec<&str> = blocks(&text, ".Bd -literal -offset indent", ".Ed").collect();
    assert_eq!(programs.len(), expected.len());
    for (i, (program, expected)) in programs.iter().zip(expected).enumerate() {
        assert_eq!(compile_and_run(&format!("{page}-{i}"), program), *expected);
    }
}

#[test]
fn manual_of_qemu_fork() {
    manual("qemu_fork.3", &["Linux\n"]);
}

#[test]
fn manual_of_qemu_spawn() {
    manual("qemu_spawn.3", &["working\nexited with status 3\n", "it is not installed\n"]);
}

#[test]
fn manual_of_qemu_process() {
    manual("qemu_process.3", &["hello\nkilled by signal 15 (SIGTERM)\n"]);
}

#[test]
fn manual_of_qemu_run() {
    manual("qemu_run.3", &["Linux\n", "hi\n"]);
}

#[test]
fn overview() {
    manual("qemu-fork.7", &["hello\n", "what the command line says\n"]);
}

/// The C programs below a folder.
fn programs_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(programs_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "c") {
            found.push(path);
        }
    }
    found
}

#[test]
fn examples() {
    let mut programs = programs_below(&root().join("examples"));
    assert!(programs.len() > 30, "{programs:?}");
    for (package, header) in [("glib-2.0", "#include <glib"), ("libuv", "#include <uv.h>")] {
        let (with, without): (Vec<_>, Vec<_>) =
            programs.into_iter().partition(|file| std::fs::read_to_string(file).unwrap().contains(header));
        programs = without;
        let pkg_config = std::env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".into());
        match Command::new(pkg_config).args(["--cflags", package]).output() {
            Ok(output) if output.status.success() => {
                let flags = String::from_utf8(output.stdout).unwrap();
                // The warnings in it are not ours.
                let flags = flags.split_whitespace().map(|flag| flag.replace("-I", "-isystem"));
                compile_everywhere(&with, &flags.chain(["-DHAVE_GLIB".into()]).collect::<Vec<_>>());
            }
            _ => eprintln!("SKIPPED: {with:?} need {package}"),
        }
    }
    // Those about QEMU have the Error API of a host.
    let (of_host, of_provider): (Vec<_>, Vec<_>) =
        programs.into_iter().partition(|file| std::fs::read_to_string(file).unwrap().contains("\"qapi/error.h\""));
    assert!(of_host.len() > 8, "{of_host:?}");
    let folders = ["examples/moving/host", "c-tests/support"];
    compile_everywhere(&of_host, &folders.map(|folder| format!("-I{}", root().join(folder).display())));
    compile_everywhere(&of_provider, &[]);
}

/// C turns no `char **` into a list of constant strings by itself, which gcc warned of until it refused it.
#[test]
fn main_has_arguments_that_take_a_cast() {
    let program = |argument: &str| {
        format!(
            "#include <qemu-fork.h>\nint main(int argc, char **argv)\n{{\n    \
             return argc > 1 && qemu_spawn({argument}, NULL, NULL) ? 0 : 1;\n}}\n"
        )
    };
    let dir = scratch("arguments");
    let right = write(&dir, "right.c", &program("(const char *const *)(argv + 1)"));
    let wrong = write(&dir, "wrong.c", &program("argv + 1"));
    compile_everywhere(&[right], &[]);
    for compiler in compilers().iter().filter(|(_, language)| *language == "c") {
        let (good, output) = compiles(compiler, std::slice::from_ref(&wrong), &[]);
        assert!(!good && output.contains("incompatible"), "{output}");
    }
}

const SECTIONS: [&str; 10] = [
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "RETURN VALUES",
    "EXAMPLES",
    "ERRORS",
    "SIGNAL SAFETY",
    "THREAD SAFETY",
    "SEE ALSO",
    "CAVEATS",
];

/// Each function has a page, of its own or under another name, and the sections that a reader looks for.
#[test]
fn every_function_has_a_page() {
    let folder = root().join("docs/man");
    let list = std::fs::read_to_string(folder.join("meson.build")).unwrap();
    let functions = common::exports("host");
    for name in functions {
        let page = format!("'{name}.3'");
        assert!(list.contains(&page), "docs/man/meson.build lacks {page}");
    }
    for page in ["qemu_fork.3", "qemu_spawn.3", "qemu_process.3", "qemu_run.3", "qemu-fork.7"] {
        let text = std::fs::read_to_string(folder.join(page)).unwrap();
        // An overview has no function that could return or fail.
        let overview = page.ends_with(".7");
        for section in SECTIONS.iter().filter(|name| !overview || !["RETURN VALUES", "ERRORS"].contains(name)) {
            assert!(text.contains(&format!("\n.Sh {section}\n")), "{page} has no {section}");
        }
        assert!(text.contains("pkg-config --cflags --libs qemu-fork"), "{page}");
    }
}
