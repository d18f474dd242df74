//! The functions of kernel32 that the library calls, and their structures.

use core::ffi::{c_int, c_void};

/// A HANDLE. Only its low 32 bits count, so elsewhere in the library it is a c_int.
pub(super) type Handle = isize;

/// BOOL: 0 is a failure, and GetLastError() has the cause.
pub(super) type Bool = c_int;

/// What a function returns that has no handle to return.
pub(super) const INVALID_HANDLE_VALUE: Handle = -1;

pub(super) const INFINITE: u32 = u32::MAX;
pub(super) const WAIT_OBJECT_0: u32 = 0;
pub(super) const WAIT_TIMEOUT: u32 = 258;

pub(super) const HANDLE_FLAG_INHERIT: u32 = 1;
pub(super) const DUPLICATE_SAME_ACCESS: u32 = 2;

pub(super) const GENERIC_READ: u32 = 1 << 31;
pub(super) const GENERIC_WRITE: u32 = 1 << 30;
pub(super) const FILE_SHARE_READ: u32 = 1;
pub(super) const FILE_SHARE_WRITE: u32 = 2;
pub(super) const OPEN_EXISTING: u32 = 3;
pub(super) const INVALID_FILE_ATTRIBUTES: u32 = u32::MAX;
pub(super) const FILE_ATTRIBUTE_DIRECTORY: u32 = 1 << 4;

pub(super) const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
pub(super) const CREATE_UNICODE_ENVIRONMENT: u32 = 0x400;
pub(super) const EXTENDED_STARTUPINFO_PRESENT: u32 = 0x80000;
pub(super) const STARTF_USESTDHANDLES: u32 = 0x100;
pub(super) const PROC_THREAD_ATTRIBUTE_HANDLE_LIST: usize = 0x2_0002;

pub(super) const CTRL_BREAK_EVENT: u32 = 1;

/// STARTUPINFOEXW.
#[repr(C)]
pub(super) struct StartupInfo {
    pub(super) size: u32,
    pub(super) reserved: *const u16,
    pub(super) desktop: *const u16,
    pub(super) title: *const u16,
    /// The place and size of a window, and its colours.
    pub(super) window: [u32; 7],
    pub(super) flags: u32,
    pub(super) show_window: u16,
    pub(super) reserved_size: u16,
    pub(super) more_reserved: *const u8,
    pub(super) stdio: [Handle; 3],
    pub(super) attributes: *mut c_void,
}

/// PROCESS_INFORMATION.
#[repr(C)]
pub(super) struct ProcessInformation {
    pub(super) process: Handle,
    pub(super) thread: Handle,
    pub(super) process_id: u32,
    pub(super) thread_id: u32,
}

/// PROCESS_MEMORY_COUNTERS.
#[repr(C)]
pub(super) struct MemoryCounters {
    pub(super) size: u32,
    pub(super) page_faults: u32,
    pub(super) peak_working_set: usize,
    pub(super) others: [usize; 7],
}

/// cbindgen:ignore
#[allow(unused_doc_comments)]
#[link(name = "kernel32")]
extern "system" {
    pub(super) fn GetLastError() -> u32;

    pub(super) fn CloseHandle(handle: Handle) -> Bool;
    pub(super) fn GetHandleInformation(handle: Handle, flags: *mut u32) -> Bool;
    pub(super) fn GetStdHandle(which: u32) -> Handle;
    pub(super) fn GetCurrentProcess() -> Handle;
    pub(super) fn DuplicateHandle(
        from: Handle,
        handle: Handle,
        to: Handle,
        copy: *mut Handle,
        access: u32,
        inherit: Bool,
        options: u32,
    ) -> Bool;
    pub(super) fn CreatePipe(read: *mut Handle, write: *mut Handle, security: *const c_void, size: u32) -> Bool;
    pub(super) fn CreateFileW(
        path: *const u16,
        access: u32,
        share: u32,
        security: *const c_void,
        how: u32,
        flags: u32,
        template: Handle,
    ) -> Handle;
    pub(super) fn GetFileAttributesW(path: *const u16) -> u32;

    pub(super) fn GetEnvironmentStringsW() -> *mut u16;
    pub(super) fn FreeEnvironmentStringsW(block: *mut u16) -> Bool;
    pub(super) fn CompareStringOrdinal(
        one: *const u16,
        one_length: c_int,
        other: *const u16,
        other_length: c_int,
        ignore_case: Bool,
    ) -> c_int;

    pub(super) fn CreateProcessW(
        program: *const u16,
        command_line: *mut u16,
        process_security: *const c_void,
        thread_security: *const c_void,
        inherit: Bool,
        flags: u32,
        environment: *const c_void,
        cwd: *const u16,
        startup: *const StartupInfo,
        information: *mut ProcessInformation,
    ) -> Bool;
    pub(super) fn InitializeProcThreadAttributeList(
        list: *mut c_void,
        count: u32,
        flags: u32,
        size: *mut usize,
    ) -> Bool;
    pub(super) fn UpdateProcThreadAttribute(
        list: *mut c_void,
        flags: u32,
        attribute: usize,
        value: *const c_void,
        size: usize,
        old_value: *mut c_void,
        old_size: *mut usize,
    ) -> Bool;
    pub(super) fn DeleteProcThreadAttributeList(list: *mut c_void);

    pub(super) fn WaitForSingleObject(handle: Handle, ms: u32) -> u32;
    pub(super) fn GetExitCodeProcess(process: Handle, code: *mut u32) -> Bool;
    pub(super) fn TerminateProcess(process: Handle, code: u32) -> Bool;
    pub(super) fn GenerateConsoleCtrlEvent(event: u32, group: u32) -> Bool;
    pub(super) fn GetProcessTimes(
        process: Handle,
        created: *mut u64,
        ended: *mut u64,
        kernel: *mut u64,
        user: *mut u64,
    ) -> Bool;
    pub(super) fn K32GetProcessMemoryInfo(process: Handle, counters: *mut MemoryCounters, size: u32) -> Bool;

    pub(super) fn QueryPerformanceCounter(count: *mut i64) -> Bool;
    pub(super) fn QueryPerformanceFrequency(frequency: *mut i64) -> Bool;
    pub(super) fn Sleep(ms: u32);
}
