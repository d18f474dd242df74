//! What qemu_fork.rs believes about the C structures, as ../layout.c prints it.

#[allow(dead_code)]
#[path = "../qemu_fork.rs"]
mod qemu_fork;

use qemu_fork::{Options, Status};

macro_rules! layout {
    ($name:literal, $type:ty, $($member:ident)*) => {
        print!("{} {}", $name, size_of::<$type>());
        $(print!(" {}={}", stringify!($member), std::mem::offset_of!($type, $member));)*
        println!();
    };
}

fn main() {
    layout!("QemuSpawnOptions", Options, size flags executable cwd envp env_set env_unset fds n_fds signals ignored
        defaulted pgid umask uid gid groups n_groups rlimits n_rlimits death_signal failed_step files n_files nice
        cgroup_fd);
    layout!("QemuProcessStatus", Status, end exit_code term_signal core_dumped);
    println!("QEMU_SPAWN_SEARCH_PATH {}", qemu_fork::SPAWN_SEARCH_PATH);
    println!("QEMU_SPAWN_PIPE_STDOUT {}", qemu_fork::SPAWN_PIPE_STDOUT);
}
