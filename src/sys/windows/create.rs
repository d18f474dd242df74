//! Makes processes.

use core::ffi::{c_int, c_void};
use core::mem::zeroed;
use core::ptr::{null, null_mut};

use super::api::*;
use super::errors::SystemError;
use super::handles::{close_handle, handle, owned};
use crate::sys::fd::Fd;

/// What CreateProcessW() takes. All texts end with 0.
pub(crate) struct Creation<'a> {
    pub(crate) program: &'a [u16],
    pub(crate) command_line: &'a mut [u16],
    /// `None`: the parent's.
    pub(crate) environment: Option<&'a [u16]>,
    /// `None`: the parent's.
    pub(crate) cwd: Option<&'a [u16]>,
    /// The child's stdin, stdout and stderr, which it may inherit; `None`: it has none.
    pub(crate) stdio: [Option<c_int>; 3],
    /// Every handle that may be inherited is, and not just stdio.
    pub(crate) inherit_all: bool,
    pub(crate) new_group: bool,
}

/// A list of handles that a process inherits, and no other.
struct HandleList<'a> {
    /// As large as Windows wants it for one attribute, several times over.
    memory: [usize; 32],
    handles: &'a [Handle],
}

impl<'a> HandleList<'a> {
    const fn new(handles: &'a [Handle]) -> Self {
        Self { memory: [0; 32], handles }
    }

    /// The attribute list. It points to this, which stays where it is until delete().
    fn fill(&mut self) -> Result<*mut c_void, SystemError> {
        let list: *mut c_void = (&raw mut self.memory).cast();
        let mut size = size_of_val(&self.memory);
        // SAFETY: there are as many bytes as `size` says.
        if unsafe { InitializeProcThreadAttributeList(list, 1, 0, &raw mut size) } == 0 {
            return Err(SystemError::last());
        }
        let (start, size): (*const c_void, usize) = (self.handles.as_ptr().cast(), size_of_val(self.handles));
        const KIND: usize = PROC_THREAD_ATTRIBUTE_HANDLE_LIST;
        // SAFETY: the list has room for one attribute, and the handles outlive it.
        if unsafe { UpdateProcThreadAttribute(list, 0, KIND, start, size, null_mut(), null_mut()) } == 0 {
            let error = SystemError::last();
            Self::delete(list);
            return Err(error);
        }
        Ok(list)
    }

    fn delete(list: *mut c_void) {
        // SAFETY: fill() has made it.
        unsafe { DeleteProcThreadAttributeList(list) }
    }
}

/// Makes a process: its id and its handle.
pub(crate) fn create(creation: Creation<'_>) -> Result<(c_int, Fd), SystemError> {
    let stdio = creation.stdio.map(|fd| fd.map_or(0, handle));
    // A handle must not be in the list twice.
    let [stdin, stdout, stderr] = stdio;
    let several = [stdin, stdout, if stderr == stdout { 0 } else { stderr }];
    let mut listed: [Handle; 3] = [0; 3];
    let mut count = 0;
    for (place, handle) in listed.iter_mut().zip(several.into_iter().filter(|handle| *handle != 0)) {
        *place = handle;
        count += 1;
    }
    let mut list = HandleList::new(listed.get(..count).unwrap_or_default());
    let attributes = if creation.inherit_all || count == 0 { null_mut() } else { list.fill()? };
    // SAFETY: numbers, and pointers that may be NULL.
    let mut startup: StartupInfo = unsafe { zeroed() };
    startup.size = STARTUP_SIZE;
    startup.flags = STARTF_USESTDHANDLES;
    startup.stdio = stdio;
    startup.attributes = attributes;
    let result = create_with(creation, &startup, count != 0);
    if !attributes.is_null() {
        HandleList::delete(attributes);
    }
    result
}

#[allow(clippy::cast_possible_truncation)] // a structure
const STARTUP_SIZE: u32 = size_of::<StartupInfo>() as u32;

fn create_with(creation: Creation<'_>, startup: &StartupInfo, has_stdio: bool) -> Result<(c_int, Fd), SystemError> {
    let group = if creation.new_group { CREATE_NEW_PROCESS_GROUP } else { 0 };
    // SAFETY: numbers.
    let mut made: ProcessInformation = unsafe { zeroed() };
    // SAFETY: all texts end with 0, the environment with an empty one, and there is room for the answer.
    let succeeded = unsafe {
        CreateProcessW(
            creation.program.as_ptr(),
            creation.command_line.as_mut_ptr(),
            null(),
            null(),
            Bool::from(has_stdio || creation.inherit_all),
            CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT | group,
            creation.environment.map_or(null(), |block| block.as_ptr().cast()),
            creation.cwd.map_or(null(), <[u16]>::as_ptr),
            &raw const *startup,
            &raw mut made,
        )
    };
    if succeeded == 0 {
        return Err(SystemError::last());
    }
    // An error of close() means nothing here.
    let _ = close_handle(made.thread);
    #[allow(clippy::cast_possible_wrap)] // ids are small
    let pid = made.process_id as c_int;
    owned(made.process).map(|process| (pid, process)).ok_or_else(SystemError::last)
}
