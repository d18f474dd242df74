//! Errors of Windows, as numbers of C's errno.

use core::ffi::c_int;

use super::api::GetLastError;
use crate::base::errno::Errno;

/// An error of Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SystemError(u32);

/// The error for a number that the table does not have.
const OTHER: c_int = libc::EIO;

impl SystemError {
    /// The calling thread's last error.
    pub(super) fn last() -> Self {
        // SAFETY: takes nothing.
        Self(unsafe { GetLastError() })
    }

    /// The nearest number of errno.
    pub(crate) fn errno(self) -> Errno {
        Errno::from_raw(match self.0 {
            2 | 3 | 15 | 53 | 67 | 123 | 161 => libc::ENOENT, // of file, path, drive, network path, name
            4 => libc::EMFILE,
            5 | 19 | 33 | 65 | 740 | 1260 => libc::EACCES, // 740: needs elevation, 1260: forbidden by a policy
            6 => libc::EBADF,
            7 | 8 | 14 | 1450 | 1455 => libc::ENOMEM,
            11 | 188..=193 | 198 | 216 => libc::ENOEXEC, // of a format, 216: for another processor
            32 => libc::EBUSY,                           // another process keeps it open
            50 | 120 => libc::ENOSYS,
            87 => libc::EINVAL,
            109 | 232 | 233 => libc::EPIPE,
            112 => libc::ENOSPC,
            164 | 1816 => libc::EAGAIN,
            206 => libc::ENAMETOOLONG,
            267 => libc::ENOTDIR,
            _ => OTHER,
        })
    }

    /// Its own number, if the errno does not tell what it is.
    pub(crate) fn number(self) -> Option<u32> {
        (self.errno().as_raw() == OTHER).then_some(self.0)
    }
}

/// What a system call of Linux would return: 0, or a negative errno.
pub(super) fn result(succeeded: super::api::Bool) -> isize {
    if succeeded != 0 {
        return 0;
    }
    -(SystemError::last().errno().as_raw() as isize)
}
